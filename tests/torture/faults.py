"""One fault at the N-th call on the store's files, for every N, under a script of 20 operations.

``python tests/torture/faults.py sqlite kill [every]`` compiles ``faults.c``, starts itself again with it, prints JSON. After each
fault the store must be in the state before or after the operation that was interrupted, and, the fault gone, repeating that
operation and going on must end as without a fault.
"""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

MODES = {"kill": 1, "full": 2, "broken": 3, "short": 4, "torn": 5}
SOURCE = Path(__file__).with_name("faults.c")


def run(kind, mode, every=1):
    """Start this program with the shim; its report."""
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/faults.so"
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-O1", "-w", "-o", library, str(SOURCE), "-ldl"], check=True
        )
        command = [sys.executable, __file__, kind, mode, str(every), library]
        done = subprocess.run(
            command, env={**os.environ, "LD_PRELOAD": library}, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def script():
    """20 operations, each a function of a log."""
    from tunewise.events import Noted, Reported, StudyCreated, StudyNoted
    from tunewise.records import Goal

    created = StudyCreated((Goal(),), 1, 0.0)

    def append(i, study, events, at=None, durable=False):
        return lambda log: log.append(study, events, at, durable=durable, op=f"op{i}")

    steps = [append(0, "s", [created], 0, True)]
    steps += [append(i, "s", [StudyNoted({"i": i})], None, i % 2 == 0) for i in range(1, 6)]
    steps += [append(6, "s", [Noted(0, {"long": "y" * 30_000}), Noted(0, {"b": 1})], None, True)]
    steps += [append(7, "t", [created], 0), append(8, "t", [StudyNoted({"t": 1})], 1, True)]
    steps += [lambda log: log.beat("s", "w", "1"), lambda log: log.beat("s", "w", None)]
    steps += [append(i, "s", [Reported(0, i, {"a": 0.5}, 0.0)]) for i in range(11, 17)]
    steps += [
        _delete,
        append(18, "s", [StudyNoted({"i": 18})], 13, True),
        append(19, "s", [Noted(1, {})], None, True),
    ]
    return steps


def _delete(log):
    from tunewise.errors import StudyNotFound

    with suppress(StudyNotFound):  # repeated after an interruption
        log.delete("t")


def main():
    kind, mode, every, library = sys.argv[1], sys.argv[2], int(sys.argv[3]), ctypes.CDLL(sys.argv[4])
    from tunewise.errors import StorageError
    from tunewise.storage import directory, open_log
    from tunewise.storage.salvage import quick_check

    directory.BLOCK = 8  # so that a few operations fill blocks
    base = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    place = {"sqlite": f"sqlite:///{base}/x/s.db", "directory": f"dir:{base}/x/runs"}[kind]
    steps = script()

    def fresh():
        shutil.rmtree(base / "x", ignore_errors=True)
        (base / "x").mkdir()

    def state():
        log = open_log(place)
        found = {study: log.read(study, 0) for study in log.studies()}
        log.close()
        return found

    def play(first, acknowledge):
        log = open_log(place)
        for step in steps[first:]:
            step(log)
            acknowledge()
        log.close()

    fresh()
    states = [state()]
    for step in steps:
        log = open_log(place)
        step(log)
        log.close()
        states.append(state())

    report = {"kind": kind, "mode": mode, "calls": 0, "runs": 0, "interrupted": 0, "broken": []}
    n = 1
    while True:
        fresh()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            library.faults_arm(str(base / "x").encode(), MODES[mode], ctypes.c_long(n))
            code = 0
            try:
                play(0, partial(os.write, writer, b"."))
            except StorageError:
                code = 3
            except BaseException as error:
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
                code = 4
            library.faults_count.restype = ctypes.c_long
            os.write(writer, b"" if library.faults_count() >= n else b"e")
            os._exit(code)
        os.close(writer)
        with os.fdopen(reader, "rb") as answers:
            said = answers.read()
        status = os.waitpid(child, 0)[1]
        done = said.count(b".")
        if b"e" in said:  # there are no so many calls
            break
        report["runs"] += 1
        report["calls"] = n
        report["interrupted"] += status != 0
        problem = ""
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 4:
            problem = "an error that is not a StorageError"
        try:
            now = state()
            if now not in (states[done], states[min(done + 1, len(steps))]):
                problem = problem or "the state is neither that before nor that after the operation"
            play(done, lambda: None)
            if state() != states[-1]:
                problem = problem or "going on ends in another state"
            if kind == "sqlite" and quick_check(base / "x" / "s.db"):
                problem = problem or "SQLite finds damage"
        except Exception as error:
            problem = problem or f"going on raises {type(error).__name__}: {error}"
        if problem:
            report["broken"].append([n, done, problem])
        n += every
    shutil.rmtree(base)
    print(json.dumps(report))


if __name__ == "__main__":
    if len(sys.argv) < 5:
        print(json.dumps(run(sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["1"])[0]))))
    else:
        main()
