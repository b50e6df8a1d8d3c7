"""How many trials a second several processes get through one storage, and what a report costs there.

Run: python benchmarks/storage.py [sqlite directory postgresql] [--seconds 8] [--repeats 3]. Trials of five parameters and nothing
to compute, random sampling; 4 processes on a file or a folder, 16 on a server. Beside tunewise: Optuna's SQLite and PostgreSQL
(RDBStorage) and its journal file.

Durability. tunewise syncs each finished trial (on PostgreSQL every fact), or with ``durability=normal`` nothing. Optuna syncs
every write; it is also measured where it syncs nothing (SQLite: WAL and synchronous=NORMAL, PostgreSQL: synchronous_commit=off,
journal: without fsync), which is equal to ``durability=normal``. Servers are private ones on loopback (tools/servers.py).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from common import Cell, in_turns, show, silence

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import servers

PROCESSES = {"sqlite": 4, "directory": 4, "postgresql": 16}


class Side(NamedTuple):
    """A library on a storage: with its usual syncing, or (``relaxed``) without."""

    library: str
    kind: str
    place: str
    relaxed: bool


def open_study(side: Side) -> Any:
    """The study "s" there, made or loaded, with random sampling."""
    silence()
    if side.library == "tunewise":
        import tunewise

        place = side.place + ("?durability=normal" if side.relaxed else "")
        return tunewise.create_study("s", place, sampler="random", load_if_exists=True)
    import optuna

    sampler = optuna.samplers.RandomSampler()
    return optuna.create_study(
        study_name="s", storage=_optuna_storage(side), sampler=sampler, load_if_exists=True
    )


def _optuna_storage(side: Side) -> Any:
    import optuna

    if side.kind == "directory":
        from optuna.storages.journal import JournalFileBackend

        return optuna.storages.JournalStorage(JournalFileBackend(side.place))
    if side.relaxed and side.kind == "postgresql":
        return optuna.storages.RDBStorage(f"{side.place}?options=-c%20synchronous_commit%3Doff")
    storage = optuna.storages.RDBStorage(side.place)
    if side.relaxed:
        from sqlalchemy import event

        def relax(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")

        event.listen(storage.engine, "connect", relax)
        storage.engine.dispose()
    return storage


def objective(trial: Any) -> float:
    """Five parameters and nothing to compute."""
    return sum(trial.suggest_float(f"x{i}", -5.0, 5.0) ** 2 for i in range(5))


def run_trials(side: Side, gate: Any, seconds: float, answers: Any) -> None:
    """A worker: how many trials it ended, how long that took, and the error that ended it."""
    if side == Side("optuna", "directory", side.place, True):
        os.fsync = lambda _descriptor: None  # of this process, which does nothing else
    study, error, n = open_study(side), "", 0

    def count(_study: Any, _record: Any) -> None:
        nonlocal n
        n += 1

    study.optimize(objective, n_trials=1)
    gate.wait()
    start = time.perf_counter()
    try:
        study.optimize(objective, timeout=seconds, callbacks=[count])
    except Exception as found:
        error = type(found).__name__
    answers.put((n, time.perf_counter() - start, error))


def time_reports(side: Side, n: int, answers: Any) -> None:
    """A worker alone: the median of its milliseconds a report."""
    trial = open_study(side).ask()
    trial.suggest_float("x", 0.0, 1.0)
    trial.report(0.0, 0)
    times = []
    for step in range(1, n + 1):
        start = time.perf_counter()
        trial.report(0.5, step)
        times.append(time.perf_counter() - start)
    answers.put(1000 * statistics.median(times))


class Stand:
    """Where the sides are measured: new places in one folder and on one server, new processes each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: servers.Server | None = None
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["optuna", "tunewise", "sqlalchemy", "psycopg"])
        self.errors = 0

    def side(self, library: str, kind: str, relaxed: bool) -> Side:
        """A side on a storage that is new and empty."""
        name = f"{library}_{uuid.uuid4().hex[:8]}"
        if kind == "postgresql":
            place = self._database(name)
        elif kind == "sqlite":
            place = f"sqlite:///{self.folder / name}.db"
        else:
            place = f"dir:{self.folder / name}" if library == "tunewise" else str(self.folder / name)
        return Side(library, kind, place, relaxed)

    def _database(self, name: str) -> str:
        import psycopg

        from tunewise.storage import open_log

        if self.server is None:
            self.server = servers.start("postgresql", max_connections="200")
            open_log(self.server.url).close()  # tries until the server is ready
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        place = f"{self.server.url.rpartition('/')[0]}/{name}"
        return place if name.startswith("tunewise") else place.replace("postgresql:", "postgresql+psycopg:")

    def close(self) -> None:
        """Stop the server."""
        if self.server is not None:
            self.server.stop()

    def _together(self, n: int, work: Callable[..., None], *arguments: Any) -> list[Any]:
        answers = self.context.SimpleQueue()
        workers = [self.context.Process(target=work, args=(*arguments, answers)) for _ in range(n)]
        for worker in workers:
            worker.start()
        found = [answers.get() for _ in workers]
        for worker in workers:
            worker.join()
        return found

    def trials_per_second(self, library: str, kind: str, relaxed: bool, seconds: float) -> float:
        """Of all processes together; errors are counted."""
        side, n = self.side(library, kind, relaxed), PROCESSES[kind]
        open_study(side)
        shares = self._together(n, run_trials, side, self.context.Barrier(n, timeout=120), seconds)
        self.errors += sum(bool(error) for *_, error in shares)
        return sum(n_trials for n_trials, *_ in shares) / max(took for _, took, _ in shares)

    def report_milliseconds(self, library: str, kind: str, n: int) -> float:
        """The median of one process."""
        side = self.side(library, kind, False)
        (found,) = self._together(1, time_reports, side, n)
        return float(found)


def measure(stand: Stand, kind: str, seconds: float, repeats: int) -> list[tuple[Cell, ...]]:
    """The rows of one kind of storage."""
    sides = {
        (library, relaxed): partial(stand.trials_per_second, library, kind, relaxed, seconds)
        for relaxed in (False, True)
        for library in ("tunewise", "optuna")
    }
    found = in_turns(sides, repeats)  # type: ignore[type-var]
    rows: list[tuple[Cell, ...]] = []
    for ours, theirs in ((False, False), (True, False), (True, True)):
        settings = ["normal" if relaxed else "default" for relaxed in (ours, theirs)]
        mine, peer = found["tunewise", ours], found["optuna", theirs]
        rows.append((kind, "trials/s", *settings, mine, peer, mine / peer))
    reports = in_turns(
        {
            library: partial(stand.report_milliseconds, library, kind, 100)
            for library in ("tunewise", "optuna")
        },
        repeats,
    )
    mine, peer = reports["tunewise"], reports["optuna"]
    return [*rows, (kind, "ms a report", "default", "default", mine, peer, peer / mine)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(PROCESSES), metavar="sqlite|directory|postgresql")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with ExitStack() as stack:
        stand = Stand(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.callback(stand.close)
        rows = [
            row for kind in options.kinds for row in measure(stand, kind, options.seconds, options.repeats)
        ]
        columns = ["storage", "what", "tunewise at", "optuna at", "tunewise", "optuna", "ratio"]
        show("storage", columns, rows, seconds=options.seconds, repeats=options.repeats, errors=stand.errors)


if __name__ == "__main__":
    main()
