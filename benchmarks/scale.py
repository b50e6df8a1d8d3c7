"""What happens at a size that nobody tries by hand: 1,000 workers at once, 100,000 trials to open, a million trials in memory.

Run: python benchmarks/scale.py [workers opening million].
  workers   1,000 workers (threads of 8 processes, each with a connection of its own) on one PostgreSQL and on one
            `tunewise serve`, trials that cost nothing: trials a second, seconds of ask and tell, requests a trial, and how many
            of them had to be sent again. The workers send and read what workers do, but fold nothing: a thousand tables would
            be all that this machine does. With ``--pause`` a trial takes so many seconds, as a training does.
  opening   load_study(...).trials of a stored study in a fresh process, with its snapshot and without
  million   the memory of a process that opens a million trials, and what a suggestion costs there, the first one apart

A stored trial is started, given ten parameters, measured three times, and finished: six facts, written at once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from common import Cell, show, silence

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import servers

TOKEN = "a-token-for-the-benchmark"
SAMPLERS = ("random", "qmc", "tpe", "cmaes", "auto")
CHILD = """
import resource, sys, time
sys.path.insert(0, {here!r})
import scale
scale.{call}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


# --- a thousand workers ----------------------------------------------------------------------------------------------


@contextmanager
def served(kind: str, folder: Path, n_workers: int) -> Iterator[str]:
    """The URL of an empty store behind a server of its own."""
    if kind == "postgresql":
        server = servers.start(kind, max_connections=str(n_workers + 100))
        try:
            yield server.url
        finally:
            server.stop()
        return
    code = "from tunewise.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", f"sqlite:///{folder}/served.db", "--port", "0"]
    environment = {**os.environ, "TUNEWISE_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().rsplit(":", 1)[1].strip()
        yield f"http://{TOKEN}@127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def bare(counts: Counter[str]) -> None:
    """Have the logs of this process hand out batches as they come, and note every request that they send again."""
    from tunewise.storage import http, retry, sql

    def noted(seconds: float) -> Iterator[bool]:
        for attempt, is_last in enumerate(retry.attempts(seconds)):
            counts["again"] += attempt > 0
            yield is_last

    http.attempts = sql.attempts = noted  # type: ignore[assignment]
    sql.from_rows = lambda rows, _first: [body for body, _ in rows]  # type: ignore[assignment]
    http.from_bodies = lambda batches, *_: batches  # type: ignore[assignment]


class Worker:
    """Sends and reads what a worker sends and reads, and folds nothing but the numbers of trials."""

    def __init__(self, url: str, counts: Counter[str], seed: int) -> None:
        from tunewise.storage import open_log
        from tunewise.storage.lease import Stamps, Watch

        self.log, self.counts, self.dice = open_log(url), counts, random.Random(seed)
        self.name, self.stamps, self.watch = f"worker-{seed}", Stamps(), Watch()
        self.position = self.n_started = self.n_ops = 0
        self.beaten = 0.0
        self.beat()
        self.read(0)

    def beat(self) -> None:
        """Be seen to live, six times in a lease of a minute."""
        if time.monotonic() - self.beaten < 10.0:
            return
        self.beaten = time.monotonic()
        look = self.watch.is_due()
        stamps = self.log.beat("s", self.name, self.stamps.next(), look)
        self.counts["beats"] += 1
        if look:
            self.counts["lost"] += len(self.watch.lost(stamps))
        else:
            self.watch.pass_by()

    def append(self, fact: Any) -> int:
        """Append a fact and read on to it; how many trials were started before it."""
        self.n_ops += 1
        end = self.log.append("s", [fact], durable=True, op=f"{self.name}.{self.n_ops}")
        self.counts["appends"] += 1
        if end != self.position + 1:
            return self.read(end)
        self.position, before = end, self.n_started
        self.n_started += is_start([fact])
        return before

    def read(self, end: int) -> int:
        """Read on; how many trials were started before the batch that ends at ``end``."""
        self.counts["reads"] += 1
        news = [is_start(batch) for batch in self.log.read("s", self.position)]
        before = self.n_started + sum(news[: max(0, end - 1 - self.position)])
        self.position += len(news)
        self.n_started += sum(news)
        return before

    def ask(self) -> int:
        """Take a trial and give it parameters."""
        from tunewise.events import NEXT, ParamsSet, TrialStarted
        from tunewise.space import Float

        self.beat()
        number = self.append(TrialStarted(NEXT, "random", self.name, time.time()))
        names = [f"x{i}" for i in range(5)]
        domains: dict[str, Any] = dict.fromkeys(names, Float(0.0, 1.0))
        params: dict[str, Any] = {name: self.dice.random() for name in names}
        # Until everybody knows the domains, all workers send them.
        self.append(ParamsSet(number, params, domains if number < 2000 else {}, self.position))
        return number

    def tell(self, number: int) -> None:
        """End it."""
        from tunewise.events import TrialFinished
        from tunewise.records import TrialState

        self.append(
            TrialFinished(number, TrialState.COMPLETE, (self.dice.random(),), None, time.time(), self.name)
        )


def is_start(batch: Any) -> bool:
    """Whether a batch (its JSON, what was parsed from it, or its facts) says that a trial was started."""
    if isinstance(batch, str):
        return batch.startswith('[["start"')
    return batch[0][0] == "start" or type(batch[0]).__name__ == "TrialStarted"


def work(url: str, n_threads: int, n_trials: int, pause: float, gate: Any, answers: Any) -> None:
    """A process with many workers: its counts, its times of ask and tell, its start and its end."""
    silence()
    counts: Counter[str] = Counter()
    bare(counts)
    asks, tells, errors = [], [], []
    ready, go = threading.Barrier(n_threads + 1), threading.Event()
    door = threading.Semaphore(4)  # a thousand processes start one after the other, too

    def one(seed: int) -> None:
        try:
            with door:
                worker = Worker(url, counts, seed)
        finally:
            ready.wait()
        go.wait()
        time.sleep(pause * worker.dice.random())
        for _ in range(n_trials):
            start = time.perf_counter()
            number = worker.ask()
            asks.append(time.perf_counter() - start)
            time.sleep(pause)
            start = time.perf_counter()
            worker.tell(number)
            tells.append(time.perf_counter() - start)

    def guarded(seed: int) -> None:
        try:
            one(seed)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}"[:1000])

    threads = [threading.Thread(target=guarded, args=(os.getpid() * 1000 + i,)) for i in range(n_threads)]
    for thread in threads:
        thread.start()
    ready.wait()
    counts.clear()
    gate.wait()
    start = time.time()
    go.set()
    for thread in threads:
        thread.join()
    answers.put((dict(counts), asks, tells, errors, start, time.time()))


def thousand_workers(kind: str, n_workers: int, n_trials: int, pause: float) -> tuple[Cell, ...]:
    """One row: what a server does for so many workers."""
    import tunewise

    context, n_processes = multiprocessing.get_context("spawn"), min(8, n_workers)
    shares = [n_workers // n_processes + (i < n_workers % n_processes) for i in range(n_processes)]
    with tempfile.TemporaryDirectory() as folder, served(kind, Path(folder), n_workers) as url:
        tunewise.create_study("s", url, sampler="random", seed=1)
        gate, answers = context.Barrier(n_processes, timeout=600), context.Queue()
        start = time.time()
        workers = [
            context.Process(target=work, args=(url, share, n_trials, pause, gate, answers))
            for share in shares
        ]
        for worker in workers:
            worker.start()
        found = [answers.get(timeout=1800) for _ in workers]
        for worker in workers:
            worker.join()
        trials = tunewise.load_study("s", url).trials
        complete = sum(len(trial.params) == 5 and trial.state.name == "COMPLETE" for trial in trials)
    begin, end = min(each[4] for each in found), max(each[5] for each in found)
    counts = sum((Counter(each[0]) for each in found), Counter())
    asks, tells = (np.array([t for each in found for t in each[place]]) for place in (1, 2))
    errors = [error for each in found for error in each[3]]
    for error in sorted(set(errors))[:3]:
        print("error:", error)
    requests = (counts["reads"] + counts["appends"]) / max(1, len(trials))
    return (
        kind, n_workers, pause, len(trials), complete, complete / (end - begin), *_percentiles(asks), *_percentiles(tells),
        requests, counts["again"], counts["lost"], len(errors), begin - start,
    )  # fmt: skip


def _percentiles(seconds: np.ndarray[Any, Any]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    return float(np.median(seconds)), float(np.quantile(seconds, 0.99))


# --- large studies ---------------------------------------------------------------------------------------------------


def facts(n_trials: int, n_params: int, n_reports: int) -> Iterator[list[Any]]:
    """The batches of trials that were run one after the other."""
    from tunewise.events import NEXT, ParamsSet, Reported, TrialFinished, TrialStarted
    from tunewise.records import TrialState
    from tunewise.space import Float

    dice, worker = random.Random(1), "worker-1-abcdef01"
    names = [f"x{i}" for i in range(n_params)]
    first: dict[str, Any] = dict.fromkeys(names, Float(-5.0, 5.0))
    seen = 1
    for number in range(n_trials):
        at = 1.7e9 + number
        yield [TrialStarted(NEXT, "random", worker, at)]
        params: dict[str, Any] = {name: dice.uniform(-5.0, 5.0) for name in names}
        yield [ParamsSet(number, params, {} if number else first, seen)]
        loss = sum((value - 1.0) ** 2 for value in params.values())
        for step in range(n_reports):
            yield [Reported(number, step, {"value": loss + dice.random()}, at + step)]
        yield [TrialFinished(number, TrialState.COMPLETE, (loss,), None, at + n_reports, worker, at)]
        seen += 3 + n_reports


def write(path: Path, n_trials: int, n_params: int, n_reports: int) -> int:
    """A stored study of so many trials, written at once; the number of its facts."""
    import tunewise
    from tunewise.storage.frame import to_body

    tunewise.create_study("s", path, sampler="random", seed=1)
    rows = (
        (position, *to_body(batch)) for position, batch in enumerate(facts(n_trials, n_params, n_reports), 1)
    )
    connection = sqlite3.connect(path)
    with connection:
        connection.executemany("INSERT INTO batches SELECT id, ?, ?, ?, NULL FROM studies", rows)
    connection.close()
    return n_trials * (3 + n_reports)


def in_child(call: str, cache: Path) -> list[float]:
    """What a fresh process prints: the figures of a function here, then its largest memory in MB."""
    code = CHILD.format(here=str(Path(__file__).resolve().parent), call=call)
    environment = {**os.environ, "TUNEWISE_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    return [float(line) for line in done.stdout.split()]


def open_once(path: str) -> None:
    """Print the seconds of `load_study` until the table is there; the import does not count."""
    from tunewise import load_study

    start = time.perf_counter()
    assert len(load_study("s", path).trials)
    print(time.perf_counter() - start)


def opening(folder: Path, n_trials: int, n_reports: int, repeats: int) -> list[tuple[Cell, ...]]:
    """Two rows: without snapshot, which leaves one behind, and with it."""
    path, call = folder / "opening.db", f"open_once({str(folder / 'opening.db')!r})"
    n_facts = write(path, n_trials, 10, n_reports)
    rows: list[tuple[Cell, ...]] = []
    cold, warm = [], []
    for i in range(repeats):
        cold.append(in_child(call, folder / f"cache{i}"))
        warm.append(in_child(call, folder / f"cache{i}"))
    for what, found in (("without snapshot", cold), ("with snapshot", warm)):
        seconds, megabytes = np.median(np.array(found), axis=0).tolist()
        rows.append((what, n_trials, n_facts, seconds, megabytes))
    return rows


def suggest_many(path: str, asks: int) -> None:
    """Print, for each sampler, the first suggestion's wall milliseconds, then the others' median and largest."""
    import tunewise
    from tunewise.samplers import make

    silence()
    study = tunewise.load_study("s", path)
    for name in SAMPLERS:
        study.sampler = make(name)
        times = []
        for _ in range(asks + 1):
            start = time.perf_counter()
            trial = study.ask()
            values = [trial.suggest_float(f"x{i}", -5.0, 5.0) for i in range(10)]
            times.append(1000 * (time.perf_counter() - start))
            study.tell(trial, sum((value - 1.0) ** 2 for value in values))
        print(times[0], float(np.median(times[1:])), max(times[1:]))


def million(folder: Path, n_trials: int, n_reports: int, asks: int) -> tuple[list[tuple[Cell, ...]], float]:
    """(A row a sampler, megabytes of the process that opened the study without snapshot and made all suggestions)."""
    path = folder / "million.db"
    write(path, n_trials, 10, n_reports)
    *times, megabytes = in_child(f"suggest_many({str(path)!r}, {asks})", folder / "million-cache")
    rows = [(name, n_trials, *times[3 * i : 3 * i + 3]) for i, name in enumerate(SAMPLERS)]
    return rows, megabytes


# --- the program -----------------------------------------------------------------------------------------------------


def _show_workers(folder: Path, options: argparse.Namespace) -> None:
    del folder
    columns = [
        "server", "workers", "pause s", "trials", "complete", "trials/s", "ask s", "ask p99", "tell s", "tell p99",
        "requests a trial", "sent again", "taken for lost", "errors", "opening all s",
    ]  # fmt: skip
    rows = [thousand_workers(kind, options.workers, options.each, options.pause) for kind in options.servers]
    show("scale/workers", columns, rows, trials_a_worker=options.each, pause=options.pause)


def _show_opening(folder: Path, options: argparse.Namespace) -> None:
    rows: list[tuple[Cell, ...]] = []
    for n_reports in (0, 3):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            rows += opening(Path(place), options.stored, n_reports, options.repeats)
    show("scale/opening", ["what", "trials", "facts", "seconds", "MB"], rows, repeats=options.repeats)


def _show_million(folder: Path, options: argparse.Namespace) -> None:
    rows, megabytes = million(folder, options.million, 3, options.asks)
    columns = ["sampler", "trials", "first ms", "median ms", "largest ms"]
    show("scale/million", columns, rows, asks=options.asks, megabytes=round(megabytes))


PARTS: dict[str, Callable[[Path, argparse.Namespace], None]] = {
    "workers": _show_workers,
    "opening": _show_opening,
    "million": _show_million,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="workers|opening|million")
    parser.add_argument("--servers", nargs="*", default=["postgresql", "http"])
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--each", type=int, default=3, help="trials a worker")
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--stored", type=int, default=100_000)
    parser.add_argument("--million", type=int, default=1_000_000)
    parser.add_argument("--asks", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    silence()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        os.environ["TUNEWISE_STATE"] = str(folder / "state")
        for part in options.parts:
            PARTS[part](folder, options)


if __name__ == "__main__":
    main()
