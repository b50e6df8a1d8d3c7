"""Several processes on one SQLite file: what goes wrong, and how fast it is. Each figure for both libraries.

Run: python benchmarks/processes.py [--rounds 50].
  trials/s    4 processes run 100 trials each of one study; the numbers must be gapless and unique
  opening     8 processes create the same study in one new file at the same moment, many rounds: errors
  queue       100 queued trials, 4 workers take 25 each: how many were run exactly once
Both libraries run at their default durability.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from common import show, silence

CONTEXT = multiprocessing.get_context("spawn")
LIBRARIES = ("tunewise", "optuna")


def library_of(name: str) -> Any:
    """The library itself, silent."""
    silence()
    return __import__(name)


def objective(trial: Any) -> float:
    """Two parameters and nothing to compute."""
    return trial.suggest_float("x", -5.0, 5.0) ** 2 + trial.suggest_float("y", -5.0, 5.0) ** 2


def open_study(library: Any, path: Path) -> Any:
    """The study, made or loaded, with random sampling."""
    sampler = "random" if library.__name__ == "tunewise" else library.samplers.RandomSampler()
    return library.create_study(
        study_name="s", storage=f"sqlite:///{path}", sampler=sampler, load_if_exists=True
    )


def run_trials(name: str, path: Path, gate: Any, n_trials: int) -> tuple[float, float, str]:
    """A worker: (start, end, error) of its share of the trials."""
    library = library_of(name)
    study = open_study(library, path)
    gate.wait()
    start, error = time.time(), ""
    try:
        study.optimize(objective, n_trials=n_trials)
    except Exception as found:
        error = type(found).__name__
    return start, time.time(), error


def run_queue(name: str, path: Path, gate: Any, n_trials: int) -> tuple[list[str], int]:
    """A worker that takes queued trials: (names of those that it ran, errors of the library)."""
    study = open_study(library_of(name), path)
    ran, errors = [], 0

    def queued(trial: Any) -> float:
        ran.append(trial.suggest_categorical("name", [f"c{i}" for i in range(100)]))
        return 0.0

    gate.wait()
    for _ in range(n_trials):
        try:
            study.optimize(queued, n_trials=1)
        except Exception:
            errors += 1
    return ran, errors


def open_again(name: str, folder: Path, gate: Any, rounds: int) -> Counter[str]:
    """A process that opens one new file after another at the same moment as the others; its errors."""
    library = library_of(name)
    errors: Counter[str] = Counter()
    for round_number in range(rounds):
        gate.wait()
        try:
            open_study(library, folder / f"{round_number}.db")
        except Exception as error:
            errors[type(error).__name__] += 1
    return errors


def together(n_processes: int, work: Callable[..., Any], name: str, path: Path, amount: int) -> Sequence[Any]:
    """What the processes returned, all of them through the gate at once."""
    with CONTEXT.Manager() as manager, CONTEXT.Pool(n_processes) as pool:
        gate = manager.Barrier(n_processes, timeout=120)
        return pool.starmap(work, [(name, path, gate, amount)] * n_processes, chunksize=1)


def trials_per_second(name: str, folder: Path) -> tuple[Any, ...]:
    """Four processes, 100 trials each."""
    path = folder / f"{name}-trials.db"
    open_study(library_of(name), path)
    shares = together(4, run_trials, name, path, 100)
    seconds = max(end for _, end, _ in shares) - min(start for start, _, _ in shares)
    numbers = sorted(trial.number for trial in open_study(library_of(name), path).trials)
    errors = sum(bool(error) for *_, error in shares)
    return name, len(numbers) / seconds, "yes" if numbers == list(range(400)) else "NO", errors


def opening(name: str, folder: Path, rounds: int) -> tuple[Any, ...]:
    """Eight processes, one new file a round."""
    place = folder / f"{name}-opening"
    place.mkdir()
    errors = sum(together(8, open_again, name, place, rounds), Counter())
    return name, 8 * rounds, errors.total(), ", ".join(f"{kind} {n}" for kind, n in errors.items()) or "none"


def queue(name: str, folder: Path) -> tuple[Any, ...]:
    """A hundred queued trials, four workers."""
    path = folder / f"{name}-queue.db"
    study = open_study(library_of(name), path)
    for i in range(100):
        study.enqueue_trial({"name": f"c{i}"})
    shares = together(4, run_queue, name, path, 25)
    counts = Counter(each for ran, _ in shares for each in ran)
    times = Counter(min(counts[f"c{i}"], 2) for i in range(100))
    return name, times[1], times[2], times[0], sum(errors for _, errors in shares)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [trials_per_second(library, folder) for library in LIBRARIES]
        show(
            "processes/trials",
            ["library", "trials/s", "numbers 0..399", "errors"],
            rows,
            processes=4,
            trials=100,
        )
        rows = [opening(library, folder, rounds) for library in LIBRARIES]
        show(
            "processes/opening", ["library", "openings", "errors", "kinds"], rows, processes=8, rounds=rounds
        )
        rows = [queue(library, folder) for library in LIBRARIES]
        show(
            "processes/queue",
            ["library", "run once", "run again", "never run", "errors"],
            rows,
            workers=4,
            queued=100,
        )


if __name__ == "__main__":
    main()
