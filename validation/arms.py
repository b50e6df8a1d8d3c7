"""V11, V12: isolation, best sets, the test of whole studies."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tunewise import sim
from tunewise.playbook.evidence import gather
from tunewise.playbook.isolation import isolate, simplest
from tunewise.stats.order import median_best
from tunewise.stats.permutation import beaten_chances, study_test
from validation.core import Figure, Size, at_least, at_most, number, row, shown, within
from validation.pools import pools


@row("V11", "isolation and best set")
def isolation(size: Size) -> list[Figure]:
    """Equal values with 45 against 5 trials; one truly best of five; widths of which the larger are hardly better."""
    rng = np.random.default_rng(0)
    naive = [rng.random(45).min() < rng.random(5).min() for _ in range(size.n(2000))]
    kept, size_of = [], []
    for run in range(size.n(400, 20)):
        arms = [
            ((np.random.default_rng([run, k]).random((20, 3)) - 0.5) ** 2).sum(axis=1) + 0.02 * k
            for k in range(5)
        ]
        inside = [chance > 0.05 for chance in beaten_chances(arms, draws=400)]
        kept.append(inside[0])
        size_of.append(sum(inside))
    regret, allowance = [], 0.01
    for seed in range(size.n(300, 15)):
        effects = {"width": {8: 0.05, 16: 0.02, 32: 0.002, 64: 0.0}}
        problem = sim.Problem((0.5, 0.5), (0.3, 0.3), noise_sd=0.003, effects=effects)
        study = problem.study(80, seed)
        found = isolate(gather(study.trials, problem.space, 0.003, roles={"width": "scientific"}), "width")
        chosen = found.values[simplest(found, range(4), 0.003)] if found else 64
        regret.append(effects["width"][chosen] <= allowance)
    return [
        shown("crowded value (45 against 5 trials) wins by its best", f"{np.mean(naive):.3f}", len(naive)),
        *[
            within(f"crowded value wins at the median best of {k}, {name}", wins, 0.45, 0.55)
            for name, k, wins in _crowded(size.n(4000, 200))
        ],
        at_least("best set holds the truly best of 5 values", kept, 0.95),
        shown("values in the best set, of 5", f"{np.mean(size_of):.2f}", len(size_of)),
        at_least("simplest of the set loses at most the smallest effect", regret, 0.95),
    ]


def _crowded(runs: int) -> Iterator[tuple[str, int, np.ndarray]]:
    """Whether 45 losses are better than 5 others of the same population, ties counting half."""
    rng = np.random.default_rng(1)
    for name, population in _populations().items():
        a, b = rng.choice(population, (runs, 45)), rng.choice(population, (runs, 5))
        for k in (2, 5):
            x, y = (np.array([median_best(row, k) for row in rows]) for rows in (a, b))
            yield name, k, (x < y) + 0.5 * (x == y)


def _populations() -> dict[str, np.ndarray]:
    """Losses of a bowl and of the real pools."""
    rng = np.random.default_rng(0)
    bowl = (rng.random((20_000, 4)) - 0.5) ** 2 @ np.array([1, 0.5, 0.2, 0.1])
    return {"bowl": bowl, **{pool.name: pool.worst_filled for pool in pools()}}


@row("V12", "the test of whole studies")
def studies(size: Size) -> list[Figure]:
    """Two arms of 40 trials: identical, or one better by 1 to 3 SDs of the best of a study."""
    rng = np.random.default_rng(0)
    populations = _populations()
    noise = {"bowl": 0.01, "AlexNet": 0.0012, "DeBERTa": 0.0012}
    figures, runs, n = [], size.n(4000, 60), 40
    for name, population in populations.items():
        sd = float(np.array([rng.choice(population, n, replace=False).min() for _ in range(2000)]).std())
        for shift in (0, 1, 3):
            apart, together = [], []
            for run in range(runs):  # also the seed: relabellings that all share would shift the size
                a, b = (
                    rng.choice(population, n, replace=False),
                    rng.choice(population, n, replace=False) - shift * sd,
                )
                apart.append(study_test(a, b, draws=400, seed=run).chance <= 0.05)
                again = a - shift * sd + noise[name] * rng.standard_normal(n)
                first = a + noise[name] * rng.standard_normal(n)
                together.append(study_test(first, again, matched=True, draws=400, seed=run).chance <= 0.05)
            if shift == 0:
                figures += [within(f"{name}: size of the 5 % test, unmatched", apart, 0.035, 0.06),
                            within(f"{name}: size of the 5 % test, matched", together, 0.035, 0.06)]  # fmt: skip
            elif shift == 3:
                figures += [shown(f"{name}: power at 3 SDs, unmatched", f"{np.mean(apart):.3f}", runs),
                            at_least(f"{name}: power at 3 SDs, matched", together, 0.80)]  # fmt: skip
            if shift:
                figures.append(
                    at_most(
                        f"{name}: power lost by matching, {shift} SDs",
                        [max(0.0, np.mean(apart) - np.mean(together))],
                        0.05,
                    )
                )
    for between in (0.1, 0.2, 0.3, 0.4, 0.6):
        apart, together = _different_optima(runs, n, rng, between, worse=0.06)
        lost = max(0.0, apart - together)
        _, alike = _different_optima(runs, n, rng, between, worse=0.0)
        lost_where = f"power lost by matching where the arms' optima are {between} apart"
        if between <= 0.2:
            figures.append(number(lost_where, lost, 0, 0.05, runs, math.sqrt(0.5 / runs)))
        else:
            figures.append(shown(f"{lost_where} (ranks disagree)", f"{lost:.3f}", runs))
        where = f"size, matched, optima {between} apart, equally good"
        figures.append(at_most(where, np.full(runs, alike), 0.06))
    return figures


def _different_optima(
    runs: int, n: int, rng: np.random.Generator, between: float, worse: float
) -> tuple[float, float]:
    """How often the second of two arms whose best places lie apart is called better, unmatched and matched."""
    apart, together = [], []
    for run in range(runs):
        X, Z = rng.random((n, 3)), rng.random((n, 3))
        a = ((X - 0.5 + between / 2) ** 2).sum(axis=1) + worse
        b, c = (((P - 0.5 - between / 2) ** 2).sum(axis=1) for P in (X, Z))
        apart.append(study_test(a, c, draws=400, seed=run).chance <= 0.05)
        together.append(study_test(a, b, matched=True, draws=400, seed=run).chance <= 0.05)
    return float(np.mean(apart)), float(np.mean(together))
