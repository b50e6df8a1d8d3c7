"""What the samplers cost a suggestion, after n finished trials in d dimensions, in memory.

Run: python benchmarks/suggest_cost.py [--asks 60] [--peer-asks 10]. The history is n random trials; then each library's
sampler runs some more. The median, the 95th percentile and the mean of their CPU milliseconds (ask, suggest, tell) are printed;
the mean counts the occasional refits. The first, which fits from cold and imports, does not count. Rustuna (the Rust
rewrite of Optuna) is measured where it is installed: pip install rustuna. Each has one thread.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

from common import Cell, cpu_seconds, show, silence  # one thread: before numpy is imported

# isort: split
import numpy as np

MODELS = [
    *(("tpe", n, 10) for n in (100, 1000, 3000, 5000)),
    ("gp", 200, 20),
    ("auto", 200, 20),
    ("auto", 200, 10),
    ("auto", 1000, 10),
]
LONG = [(name, 10_000, 10) for name in ("auto", "gp", "tpe", "cmaes", "nsga2", "qmc", "random")]
CHEAP = [(name, 100_000, 10) for name in ("random", "qmc")]


def one_trial(study: Any, names: list[str]) -> None:
    """Ask, suggest, tell."""
    trial = study.ask()
    study.tell(trial, sum((trial.suggest_float(name, -5.0, 5.0) - 1.0) ** 2 for name in names))


def milliseconds(study: Any, d: int, asks: int) -> np.ndarray[Any, Any]:
    """CPU milliseconds of trials, after one that does not count."""
    names = [f"x{i}" for i in range(d)]
    one_trial(study, names)
    return 1000 * np.array([cpu_seconds(partial(one_trial, study, names)) for _ in range(asks)])


def with_history(study: Any, n: int, d: int, sampler: Any) -> Any:
    """The study after n trials of its own (random) sampler."""
    names = [f"x{i}" for i in range(d)]
    for _ in range(n):
        one_trial(study, names)
    study.sampler = sampler
    return study


def ours(name: str, n: int, d: int) -> Any:
    """A tunewise study, declared so that the table can be filled at once."""
    import tunewise
    from tunewise.samplers import make

    return with_history(tunewise.create_study(sampler="random", seed=1), n, d, make(name))


def optunas(name: str, n: int, d: int) -> Any:
    """An Optuna study; its default sampler beside `auto`."""
    import optuna

    samplers: dict[str, Callable[..., Any]] = {
        "tpe": partial(optuna.samplers.TPESampler, multivariate=True),
        "gp": optuna.samplers.GPSampler,
        "auto": optuna.samplers.TPESampler,
    }
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    return with_history(study, n, d, samplers[name](seed=1))


def rustunas(n: int, d: int, asks: int) -> float | None:
    """The median of Rustuna's TPE, whose sampler cannot be changed: the history is its own."""
    try:
        import rustuna
    except ImportError:
        return None
    study = _ByNumber(rustuna.create_study(sampler=rustuna.samplers.TPESampler(seed=1)))
    names = [f"x{i}" for i in range(d)]
    for _ in range(n):
        one_trial(study, names)
    return float(np.median(milliseconds(study, d, asks)))


class _ByNumber:
    """A study that is told the number of a trial."""

    def __init__(self, study: Any) -> None:
        self.ask, self._tell = study.ask, study.tell

    def tell(self, trial: Any, value: float) -> None:
        self._tell(trial.number, value)


def main() -> None:
    """Measure and print."""
    silence()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=60)
    parser.add_argument("--peer-asks", type=int, default=10)
    options = parser.parse_args()
    rows: list[list[Cell]] = []
    for name, n, d in MODELS:
        mine = milliseconds(ours(name, n, d), d, options.asks)
        theirs = milliseconds(optunas(name, n, d), d, options.peer_asks)
        rust = rustunas(n, d, options.asks) if name == "tpe" else None
        median, peer = float(np.median(mine)), statistics.median(theirs.tolist())
        rows.append(
            [
                name,
                n,
                d,
                median,
                float(np.quantile(mine, 0.95)),
                float(mine.mean()),
                peer,
                peer / median,
                rust,
            ]
        )
    head = ["sampler", "n", "d", "median ms", "p95", "mean", "optuna median", "ratio", "rustuna median"]
    show("suggest_cost", head, rows, asks=options.asks, peer_asks=options.peer_asks)
    rows = []
    for name, n, d in LONG + CHEAP:
        mine = milliseconds(ours(name, n, d), d, options.asks if n < 100_000 else 1000)
        rows.append([name, n, d, float(np.median(mine)), float(np.quantile(mine, 0.95)), float(mine.mean())])
    show("suggest_cost_long", head[:6], rows, asks=options.asks)


if __name__ == "__main__":
    main()
