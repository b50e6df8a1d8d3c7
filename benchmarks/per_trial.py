"""What the engine itself costs a trial: ask, ten suggestions and tell, in memory, with an objective that costs nothing.

Run: python benchmarks/per_trial.py [--trials 5000] [--repeats 3]. CPU time; the libraries take turns in one process.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from common import cpu_seconds, in_turns, show, silence

NAMES = [f"x{i}" for i in range(10)]


def loop(study: Any, n_trials: int) -> None:
    """Ask, suggest ten floats, tell."""
    for _ in range(n_trials):
        trial = study.ask()
        study.tell(trial, sum(trial.suggest_float(name, -5.0, 5.0) ** 2 for name in NAMES))


def microseconds(new_study: Callable[[], Any], n_trials: int) -> float:
    """CPU microseconds a trial of a new study, its creation not counted."""
    return 1e6 * cpu_seconds(partial(loop, new_study(), n_trials)) / n_trials


def main() -> None:
    """Measure and print."""
    import optuna

    import tunewise

    silence()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    peers = {"random": optuna.samplers.RandomSampler, "qmc": optuna.samplers.QMCSampler}
    rows = []
    for sampler, peer in peers.items():
        studies = {
            "tunewise": partial(tunewise.create_study, sampler=sampler, seed=1),
            "optuna": lambda peer=peer: optuna.create_study(sampler=peer(seed=1)),
        }
        sides = {name: partial(microseconds, new, options.trials) for name, new in studies.items()}
        found = in_turns(sides, options.repeats)
        rows.append((sampler, found["tunewise"], found["optuna"], found["optuna"] / found["tunewise"]))
    columns = ["sampler", "tunewise us", "optuna us", "ratio"]
    show("per_trial", columns, rows, trials=options.trials, floats=len(NAMES), repeats=options.repeats)


if __name__ == "__main__":
    main()
