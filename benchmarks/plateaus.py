"""Does the search leave a plateau? What exploring without skill buys (docs/samplers.md), on planted problems.

Run: python benchmarks/plateaus.py [--trials 60] [--seeds 12]. Four parameters; nearly everywhere the loss is 0.9 and noise
(a network that learns nothing), and only in a basin it falls to 0.4: a box in two coordinates (4 % of the space), a ball in three
(3 %), a strip in one (8 %). How many studies have found nothing below 0.8 after 20, 40 and all trials, with that rule of
the Gaussian process and without it, and the difference in shares with its 95 % bootstrap interval over pairs of studies.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from common import Cell, show, silence  # one thread: before numpy is imported

# isort: split
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PLATEAU, NOISE, FOUND = 0.9, 0.01, 0.8
DISTANCES: dict[str, Callable[[Array], float]] = {  # of x from the optimum, 1 at the edge of the basin
    "box": lambda x: float(np.abs(x[:2]).max() / 0.1),
    "ball": lambda x: float(np.linalg.norm(x[:3]) / 0.2),
    "strip": lambda x: float(abs(x[0]) / 0.04),
}


def best_so_far(kind: str, seed: int, n: int) -> Array:
    """The best loss after each of n trials of one study."""
    import tunewise

    rng = np.random.default_rng([seed, 5])
    optimum = rng.uniform(0.15, 0.85, 4)
    study = tunewise.create_study(sampler="gp", seed=seed)
    losses = []
    for _ in range(n):
        trial = study.ask()
        x = np.array([trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(4)]) - optimum
        r = DISTANCES[kind](x)
        loss = PLATEAU if r > 1 else 0.4 + 0.3 * r * r + 0.1 * float(x @ x)
        losses.append(loss + NOISE * rng.standard_normal())
        study.tell(trial, losses[-1])
    return np.minimum.accumulate(losses)


def without_exploring(kind: str, seed: int, n: int) -> Array:
    """The same where the surrogate is always believed."""
    from tunewise.samplers import gp

    before = gp._LEAST_SKILL
    gp._LEAST_SKILL = -np.inf
    try:
        return best_so_far(kind, seed, n)
    finally:
        gp._LEAST_SKILL = before


def row(kind: str, n: int, with_it: Array, without: Array) -> list[Cell]:
    """How many of the studies (s,) are stuck, and the interval of the difference in shares."""
    stuck = with_it > FOUND, without > FOUND
    difference = stuck[0].astype(float) - stuck[1]
    rng = np.random.default_rng(0)
    means = difference[rng.integers(len(difference), size=(2000, len(difference)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5]).tolist()
    return [kind, n, len(difference), int(stuck[0].sum()), int(stuck[1].sum()), float(difference.mean()), low, high]  # fmt: skip


def main() -> None:
    """Measure and print."""
    silence()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=12)
    options = parser.parse_args()
    rows: list[list[Cell]] = []
    everything: list[tuple[Array, Array]] = []
    budgets = sorted({n for n in (20, 40, options.trials) if n <= options.trials})
    for kind in (*DISTANCES, "all"):
        pairs = everything if kind == "all" else [
            (best_so_far(kind, seed, options.trials), without_exploring(kind, seed, options.trials))
            for seed in range(options.seeds)
        ]  # fmt: skip
        everything = [*everything, *pairs] if kind != "all" else everything
        curves = np.array(pairs)
        rows += [row(kind, n, curves[:, 0, n - 1], curves[:, 1, n - 1]) for n in budgets]
    head = ["basin", "after", "studies", "stuck with", "stuck without", "difference", "from", "to"]
    show("plateaus", head, rows, trials=options.trials, seeds=options.seeds)


if __name__ == "__main__":
    main()
