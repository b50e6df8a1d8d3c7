"""How long a stored study takes to open: load_study(...).trials from cold, in a fresh process, SQLite.

Run: python benchmarks/fold.py [--trials 10000] [--peer-trials 1000]. A trial is six facts (started, ten parameters,
three reports, finished), so 10,000 trials are 60,000 facts. Optuna is asked for the same at the smaller number, because
it needs minutes to write the larger one. Imports are not counted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from common import in_turns, show, silence

LOAD = """
import sys, time, {library} as library
load_study = library.load_study
start = time.perf_counter()
trials = load_study(study_name="s", storage="sqlite:///" + sys.argv[1]).trials
best = min(trial.value for trial in trials) if sys.argv[2] == "rows" else len(trials)
print(time.perf_counter() - start)
"""


def fill(study: Any, n_trials: int) -> None:
    """Run trials of ten parameters and three reports."""
    for _ in range(n_trials):
        trial = study.ask()
        value = sum(trial.suggest_float(f"x{i}", -5.0, 5.0) ** 2 for i in range(10))
        for step in range(3):
            trial.report(value + 3 - step, step)
        study.tell(trial, value)


def load_seconds(library: str, path: Path, what: str) -> float:
    """Seconds of a fresh process to open the study (the import not counted)."""
    code = LOAD.format(library=library)
    command = [sys.executable, "-c", code, str(path), what]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure and print."""
    import optuna

    import tunewise
    from tunewise.storage.sqlite import SqliteLog

    silence()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--peer-trials", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n_trials in (options.peer_trials, options.trials):
            ours = Path(folder) / f"tunewise-{n_trials}.db"
            log = SqliteLog(ours, durable=False)
            fill(tunewise.create_study("s", log, sampler="random", seed=1), n_trials)
            sides = {
                "tunewise, columns": lambda path=ours: load_seconds("tunewise", path, "columns"),
                "tunewise, and all rows": lambda path=ours: load_seconds("tunewise", path, "rows"),
            }
            if n_trials == options.peer_trials:
                theirs = Path(folder) / "optuna.db"
                peer = optuna.samplers.RandomSampler(seed=1)
                fill(
                    optuna.create_study(study_name="s", storage=f"sqlite:///{theirs}", sampler=peer), n_trials
                )
                sides["optuna, all rows"] = lambda path=theirs: load_seconds("optuna", path, "rows")
            found = in_turns(sides, options.repeats)
            rows += [(name, n_trials, 6 * n_trials, seconds) for name, seconds in found.items()]
    show("fold", ["what", "trials", "facts", "seconds"], rows, repeats=options.repeats)


if __name__ == "__main__":
    main()
