"""What the model-based samplers cost a suggestion, after n finished trials in d dimensions, in memory.

Run: python benchmarks/suggest_cost.py [--asks 20]. The history is n random trials; then each library's sampler runs
some more, and the mean of their CPU milliseconds (ask, suggest, tell) is printed, so that occasional refits count; the
first, which fits from cold and imports, does not. `auto` has Optuna's default sampler beside it.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

from common import cpu_seconds, show, silence


def one_trial(study: Any, names: list[str]) -> None:
    """Ask, suggest, tell."""
    trial = study.ask()
    study.tell(trial, sum((trial.suggest_float(name, -5.0, 5.0) - 1.0) ** 2 for name in names))


def milliseconds(study: Any, sampler: Any, n: int, d: int, asks: int) -> float:
    """Mean CPU milliseconds of a trial after n random ones."""
    names = [f"x{i}" for i in range(d)]
    for _ in range(n):
        one_trial(study, names)
    study.sampler = sampler
    one_trial(study, names)
    return 1000 * statistics.mean(cpu_seconds(partial(one_trial, study, names)) for _ in range(asks))


def main() -> None:
    """Measure and print."""
    import optuna

    import tunewise
    from tunewise.samplers import make

    silence()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=20)
    asks = parser.parse_args().asks
    peers: dict[str, Callable[..., Any]] = {
        "tpe": partial(optuna.samplers.TPESampler, multivariate=True),
        "gp": optuna.samplers.GPSampler,
        "auto": optuna.samplers.TPESampler,
    }
    rows = []
    for name, n, d in [
        ("tpe", 1000, 10),
        ("tpe", 3000, 10),
        ("gp", 200, 20),
        ("auto", 200, 10),
        ("auto", 1000, 10),
    ]:
        ours = tunewise.create_study(sampler="random", seed=1)
        theirs = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
        mine = milliseconds(ours, make(name), n, d, asks)
        peer = milliseconds(theirs, peers[name](seed=1), n, d, asks)
        rows.append((name, n, d, mine, peer, peer / mine))
    show("suggest_cost", ["sampler", "n", "d", "tunewise ms", "optuna ms", "ratio"], rows, asks=asks)


if __name__ == "__main__":
    main()
