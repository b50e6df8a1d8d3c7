"""What happens at a size that nobody tries by hand: 1,000 workers at once, 100,000 trials to open, a million trials in memory.

Run: python benchmarks/scale.py [workers opening million].
  workers   1,000 workers, each with a connection of its own, on one PostgreSQL and on one `tunewise serve`, trials that cost
            nothing: trials a second, seconds of ask and tell, requests a trial, and how many took so long that they would have
            been sent again. The workers send and read what workers do, but fold nothing: a thousand tables would be all that
            this machine does. With ``--pause`` a trial takes so many seconds, as a training does.
  opening   load_study(...).trials of a stored study in a fresh process, with its snapshot and without
  million   the memory of a process that opens a million trials, and what a suggestion costs there in CPU ms, the first one apart

A stored trial is started, given ten parameters, measured (opening: never and three times; million: once), and finished.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import multiprocessing
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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


class Line:
    """A connection of one worker to PostgreSQL, with the statements that `tunewise.storage.sql` uses there."""

    limit = 60.0  # seconds of a request, after which tunewise sends it again

    async def open(self, url: str) -> None:
        """Connect."""
        import psycopg

        from tunewise.storage.sql import _READ, _digest
        from tunewise.storage.sql_dialects import POSTGRESQL

        self.settings, self.sync = {"digest": _digest("s")}, str(POSTGRESQL.sync)
        self.insert, self.find, self.stamp = (
            re.sub(r":(\w+)", r"%(\1)s", text) for text in (POSTGRESQL.append[0], _READ, POSTGRESQL.upsert)
        )
        about: dict[str, Any] = {**POSTGRESQL.connect, "connect_timeout": 60, "autocommit": True}
        self.connection = await psycopg.AsyncConnection.connect(url, **about)

    async def append(self, body: str, op: str) -> int:
        """Append a batch, wait until it is on disk, and return the position after it."""
        values = {**self.settings, "at": None, "body": body, "crc": zlib.crc32(body.encode()), "op": op}
        (position,) = await (await self.connection.execute(self.insert, values)).fetchone()  # type: ignore[misc]
        await self.connection.execute(self.sync)
        return int(position) + 1

    async def read(self, start: int) -> str:
        """The batches from a position on, one after the other."""
        values = {**self.settings, "start": start, "most": 50_000}
        rows = await (await self.connection.execute(self.find, values)).fetchall()
        return ",".join(row[1] for row in rows if row[0] is not None)

    async def beat(self, worker: str, stamp: str) -> None:
        """Renew a stamp."""
        await self.connection.execute(self.stamp, {"study": 1, "worker": worker, "stamp": stamp})

    async def close(self) -> None:
        """Disconnect."""
        await self.connection.close()


class HttpLine(Line):
    """A connection of one worker to `tunewise serve`."""

    limit = 30.0

    async def open(self, url: str) -> None:
        """Connect."""
        parts = urlsplit(url)
        self.reader, self.writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**24)
        self.head = (
            f"Host: {parts.hostname}\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n"
            f"Authorization: Bearer {TOKEN}\r\n"
        )

    async def ask(self, what: str, text: str) -> str:
        """One request; the text of its answer."""
        data = text.encode()
        self.writer.write(
            f"POST /v1/{what} HTTP/1.1\r\n{self.head}Content-Length: {len(data)}\r\n\r\n".encode() + data
        )
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        found = re.search(rb"content-length: (\d+)", head)
        assert found is not None and head.startswith(b"http/1.1 200"), head
        body = await self.reader.readexactly(int(found[1]))
        return (gzip.decompress(body) if b"content-encoding: gzip" in head else body).decode()

    async def append(self, body: str, op: str) -> int:
        """Append a batch and return the position after it."""
        about = json.dumps({"study": "s", "at": None, "durable": True, "op": op})
        return int(json.loads(await self.ask("append", f'{about[:-1]},"events":{body}}}'))["end"])

    async def read(self, start: int) -> str:
        """The batches from a position on."""
        return await self.ask("read", json.dumps({"study": "s", "start": start}))

    async def beat(self, worker: str, stamp: str) -> None:
        """Renew a stamp."""
        await self.ask("beat", json.dumps({"study": "s", "worker": worker, "stamp": stamp, "look": False}))

    async def close(self) -> None:
        """Disconnect."""
        self.writer.close()


class Worker:
    """Sends and reads what a worker sends and reads, and folds nothing but the numbers of trials."""

    def __init__(self, line: Line, seed: int, counts: Counter[str]) -> None:
        self.line, self.counts, self.dice, self.name = line, counts, random.Random(seed), f"worker-{seed}"
        self.position, self.n_started, self.n_ops = 1, 0, 0  # after the fact that made the study
        self.beaten = time.monotonic() - 10.0 * self.dice.random()

    async def beat(self) -> None:
        """Be seen to live, six times in a lease of a minute."""
        if time.monotonic() - self.beaten > 10.0:
            self.beaten = time.monotonic()
            await self.line.beat(self.name, f"{self.beaten} elsewhere")

    async def append(self, fact: Any, mark: str) -> int:
        """Append a fact and read on to it; how many trials were started before the first fact with ``mark``."""
        from tunewise.events import encode

        self.n_ops += 1
        self.counts["requests"] += 1
        start = time.monotonic()
        end = await self.line.append(encode([fact]), f"{self.name}.{self.n_ops}")
        self.counts["too late"] += time.monotonic() - start > self.line.limit
        before = self.n_started
        if end == self.position + 1:
            self.position, self.n_started = end, before + (mark == self.name)
            return before
        self.counts["requests"] += 1
        news = await self.line.read(self.position)
        before += news[: news.find(mark)].count('[["start"') - 1
        self.position += news.count('[["')
        self.n_started += news.count('[["start"')
        return before

    async def ask(self) -> int:
        """Take a trial and give it parameters."""
        from tunewise.events import NEXT, ParamsSet, TrialStarted
        from tunewise.space import Float

        await self.beat()
        number = await self.append(TrialStarted(NEXT, "random", self.name, time.time()), self.name)
        names = [f"x{i}" for i in range(5)]
        domains: dict[str, Any] = dict.fromkeys(names, Float(0.0, 1.0)) if self.n_ops == 1 else {}
        params: dict[str, Any] = {name: self.dice.random() for name in names}
        await self.append(ParamsSet(number, params, domains, self.position), "none")
        return number

    async def tell(self, number: int) -> None:
        """End it."""
        from tunewise.events import TrialFinished
        from tunewise.records import TrialState

        end = TrialFinished(number, TrialState.COMPLETE, (self.dice.random(),), None, time.time(), self.name)
        await self.append(end, "none")


def work(url: str, n_workers: int, n_trials: int, pause: float, gate: Any, answers: Any) -> None:
    """A process with many workers: its counts, its times of ask and tell, its errors, its start and its end."""
    answers.put(asyncio.run(_work(url, n_workers, n_trials, pause, gate)))


async def _work(url: str, n_workers: int, n_trials: int, pause: float, gate: Any) -> tuple[Any, ...]:
    counts: Counter[str] = Counter()
    asks: list[float] = []
    tells: list[float] = []
    errors: list[str] = []

    async def run(worker: Worker) -> None:
        await asyncio.sleep(pause * worker.dice.random())
        for _ in range(n_trials):
            start = time.perf_counter()
            number = await worker.ask()
            asks.append(time.perf_counter() - start)
            await asyncio.sleep(pause)
            start = time.perf_counter()
            await worker.tell(number)
            tells.append(time.perf_counter() - start)

    async def guarded(worker: Worker) -> None:
        try:
            await run(worker)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}"[:1000])

    lines = [Line() if url.startswith("postgresql") else HttpLine() for _ in range(n_workers)]
    for line in lines:
        await line.open(url)
    workers = [Worker(line, os.getpid() * 1000 + i, counts) for i, line in enumerate(lines)]
    gate.wait()
    start = time.time()
    await asyncio.gather(*map(guarded, workers))
    end = time.time()
    for line in lines:
        await line.close()
    return dict(counts), asks, tells, errors, start, end


def thousand_workers(kind: str, n_workers: int, n_trials: int, pause: float) -> tuple[Cell, ...]:
    """One row: what a server does for so many workers."""
    import tunewise

    context, n_processes = multiprocessing.get_context("spawn"), min(2, n_workers)
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
        found = [answers.get(timeout=600) for _ in workers]
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
    requests = counts["requests"] / max(1, len(trials))
    return (
        kind, n_workers, pause, len(trials), complete, complete / (end - begin), *_percentiles(asks), *_percentiles(tells),
        requests, counts["too late"], len(errors), begin - start,
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
    """Print the seconds of `load_study` until the table is there, on the clock and of CPU; the import does not count."""
    from tunewise import load_study

    start, begun = time.perf_counter(), time.process_time()
    assert len(load_study("s", path).trials)
    print(time.perf_counter() - start, time.process_time() - begun)


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
        rows.append((what, n_trials, n_facts, *np.median(np.array(found), axis=0).tolist()))
    return rows


def suggest_many(path: str, asks: int) -> None:
    """Print the CPU seconds of opening; for each sampler, the CPU ms of the first suggestion, the others' median and largest."""
    import tunewise
    from tunewise.samplers import make

    silence()
    begun = time.process_time()
    study = tunewise.load_study("s", path)
    print(time.process_time() - begun)
    for name in SAMPLERS:
        study.sampler = make(name)
        times = []
        for _ in range(asks + 1):
            start = time.process_time()
            trial = study.ask()
            values = [trial.suggest_float(f"x{i}", -5.0, 5.0) for i in range(10)]
            times.append(1000 * (time.process_time() - start))
            study.tell(trial, sum((value - 1.0) ** 2 for value in values))
        print(times[0], float(np.median(times[1:])), max(times[1:]))


def million(folder: Path, n_trials: int, asks: int) -> tuple[list[tuple[Cell, ...]], float, float]:
    """(A row a sampler; CPU seconds of opening without snapshot; megabytes of the process that did both)."""
    path = folder / "million.db"
    write(path, n_trials, 10, 1)
    opened, *times, megabytes = in_child(f"suggest_many({str(path)!r}, {asks})", folder / "million-cache")
    rows = [(name, n_trials, *times[3 * i : 3 * i + 3]) for i, name in enumerate(SAMPLERS)]
    return rows, opened, megabytes


# --- the program -----------------------------------------------------------------------------------------------------


def _show_workers(folder: Path, options: argparse.Namespace) -> None:
    del folder
    columns = [
        "server", "workers", "pause s", "trials", "complete", "trials/s", "ask s", "ask p99", "tell s", "tell p99",
        "requests a trial", "too late", "errors", "opening all s",
    ]  # fmt: skip
    rows = [thousand_workers(kind, options.workers, options.each, options.pause) for kind in options.servers]
    show("scale/workers", columns, rows, trials_a_worker=options.each, pause=options.pause)


def _show_opening(folder: Path, options: argparse.Namespace) -> None:
    rows: list[tuple[Cell, ...]] = []
    for n_reports in (0, 3):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            rows += opening(Path(place), options.stored, n_reports, options.repeats)
    show(
        "scale/opening", ["what", "trials", "facts", "seconds", "CPU s", "MB"], rows, repeats=options.repeats
    )


def _show_million(folder: Path, options: argparse.Namespace) -> None:
    rows, opened, megabytes = million(folder, options.million, options.asks)
    columns = ["sampler", "trials", "first ms", "median ms", "largest ms"]
    show(
        "scale/million",
        columns,
        rows,
        asks=options.asks,
        opening_cpu_s=round(opened, 3),
        megabytes=round(megabytes),
    )


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
