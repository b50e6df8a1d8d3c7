"""V14, V15: variance components; seeds against the finite validation set."""

from __future__ import annotations

import math

import numpy as np

from tunewise.playbook.noise import variance_budget
from tunewise.stats.examples import seed_variance
from tunewise.stats.intervals import sd_interval
from tunewise.stats.variance import nested
from validation.core import Figure, Size, number, row, shown, within
from validation.pools import realmlp


@row("V14", "variance components")
def components(size: Size) -> list[Figure]:
    """Seeds of SD 1 within studies of SD 0.5, 1 and 3; 95 % intervals."""
    figures = []
    runs = size.n(1000, 40)
    for studies, seeds in ((3, 3), (5, 3), (10, 5)):
        for sd in (0.5, 1.0, 3.0):
            rng = np.random.default_rng([studies, int(10 * sd)])
            labels = np.repeat(np.arange(studies), seeds)
            found = []
            for _ in range(runs):
                y = sd * rng.standard_normal(studies)[labels] + rng.standard_normal(len(labels))
                found.append(nested(y, [labels], level=0.95))
            error = 0.6 / math.sqrt(runs)
            name = f"{studies} x {seeds}, study SD {sd}"
            figures.append(
                number(
                    f"{name}: median seed SD / truth",
                    float(np.median([f[1].sd for f in found])),
                    0.95,
                    1.05,
                    runs,
                    error / 4,
                )
            )
            ratio = float(np.median([f[0].sd for f in found])) / sd
            if studies >= 10:
                figures.append(number(f"{name}: median study SD / truth", ratio, 0.9, 1.1, runs, error / 3))
            else:
                reml = float(np.median([f[0].reml for f in found])) / sd
                zero = float(np.mean([f[0].reml == 0 for f in found]))
                figures.append(
                    shown(
                        f"{name}: median study SD / truth (REML: {reml:.2f}, {zero:.0%} zeros)",
                        f"{ratio:.3f}",
                        runs,
                    )
                )
            figures.append(
                within(
                    f"{name}: 95 % interval holds the study SD",
                    [f[0].low <= sd <= f[0].high for f in found],
                    0.92,
                    0.97,
                )
            )
            figures.append(
                within(
                    f"{name}: 95 % interval holds the seed SD",
                    [f[1].low <= 1 <= f[1].high for f in found],
                    0.92,
                    0.97,
                )
            )
    text = str(variance_budget([]))
    figures.append(
        number('"not measured" where nothing was replicated', text.count("not measured"), 4, 4, 1, form=".0f")
    )
    for task in ("fashion14", "protein"):
        figures += _real(task)
    return figures


def _real(task: str) -> list[Figure]:
    """Three seeds of each real configuration: the interval from half of the good ones against the other half."""
    curves = realmlp(task)
    if curves is None:
        return []
    error = curves[..., 2]
    best = np.where(
        np.isnan(error).all(axis=2), np.nan, np.nanmin(np.where(np.isnan(error), np.inf, error), axis=2)
    )
    good = best[np.isfinite(best).all(axis=1)]
    good = good[np.argsort(good.mean(axis=1))][: len(good) // 4]
    first, second = good[::2], good[1::2]
    sd = math.sqrt(float(first.var(axis=1, ddof=1).mean()))
    low, high = sd_interval(sd, 2.0 * len(first), 0.95)
    other = math.sqrt(float(second.var(axis=1, ddof=1).mean()))
    return [shown(f"{task}: seed SD of a half of the best quarter (95 % interval) / of the other half",
                  f"{sd:.2g} ({low:.2g} to {high:.2g}) / {other:.2g}", len(good))]  # fmt: skip


@row("V15", "seed variance against the finite validation set")
def seeds(size: Size) -> list[Figure]:
    """10 networks on 10,000 examples of beta-distributed difficulty; the distribution-wise SD is planted."""
    figures = []
    for sd in (0.005, 0.002):
        rng = np.random.default_rng(int(1e4 * sd))
        found = []
        for _ in range(size.n(1500, 100)):
            p = 0.1 + 0.8 * rng.beta(4, 1, 10_000)
            found.append(seed_variance(_networks(rng, p, sd)).distribution / sd**2)
        error = float(np.std(found) / math.sqrt(len(found)))
        figures.append(
            number(
                f"mean distribution-wise variance / truth, SD {sd}",
                float(np.mean(found)),
                0.95,
                1.05,
                len(found),
                error,
            )
        )
    return figures


def _networks(rng: np.random.Generator, p: np.ndarray, sd: float) -> np.ndarray:
    """Right or wrong (10, n): each network is better or worse everywhere by its own shift."""
    return np.array(
        [rng.random(len(p)) < p + sd * rng.standard_normal() for _ in range(10)], dtype=np.float64
    )
