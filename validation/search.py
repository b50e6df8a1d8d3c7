"""V2, V6, V7: best of k, what doubling buys, how much a study would vary."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import qmc

from tunewise.stats.order import best_of, doubling, tuning_curve
from validation.core import Figure, Size, at_least, number, row, shown
from validation.pools import pools


@row("V2", "expected best of k, bands")
def best_of_k(size: Size) -> list[Figure]:
    """Uniform, normal and lognormal scores, n = 20."""
    rng = np.random.default_rng(0)
    n, runs = 20, size.n(4000)
    figures = []
    draws = {
        "uniform": rng.random,
        "normal": rng.standard_normal,
        "lognormal": lambda s: np.exp(rng.standard_normal(s)),
    }
    for name, draw in draws.items():
        y = draw((runs, n))
        truth = {k: float(draw((200_000, k)).min(axis=1).mean()) for k in (2, 10, 20)}
        sd = float(draw((100_000,)).std())
        bias = {k: np.array([best_of(row, k) for row in y]) / sd - truth[k] / sd for k in truth}
        worst = max(bias.values(), key=lambda b: abs(b.mean()))
        figures.append(number(f"bias of E[best of k], k = 2, 10, 20, {name}, in SDs (worst)", float(worst.mean()), -0.05, 0.05,
                              runs, float(worst.std() / math.sqrt(runs))))  # fmt: skip
    k = np.arange(1, 3 * n)
    at = 1 - 0.5 ** (1 / k)
    for level in (0.8, 0.95):
        inside = [_inside(tuning_curve(rng.random(n), k, level), at) for _ in range(runs)]
        figures.append(
            at_least(
                f"simultaneous {level:.0%} band of the tuning curve holds, independent trials",
                inside,
                level - 0.01,
            )
        )
    spread = []
    for seed in range(size.n(1000)):
        X = qmc.Halton(4, seed=seed).random(n)
        y = ((X - 0.5) ** 2).sum(axis=1)
        spread.append(_inside(tuning_curve(y, k, 0.8), _quantiles(at)))
    figures.append(shown("the same 80 % band, quasi-random trials", f"{np.mean(spread):.3f}", len(spread)))
    return figures


def _inside(curve: object, truth: np.ndarray) -> bool:
    return bool(((curve.low <= truth) & (truth <= curve.high)).all())  # type: ignore[attr-defined]


def _quantiles(at: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(5)
    return np.quantile(((rng.random((200_000, 4)) - 0.5) ** 2).sum(axis=1), at)


def _synthetic(dims: int, noise: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(dims)
    X = rng.random((20_000, dims))
    return ((X - 0.5) ** 2 @ np.linspace(1, 0.5, dims)) + noise * rng.standard_normal(20_000)


def _populations() -> dict[str, np.ndarray]:
    """Losses to draw studies from: bowls of 1 to 3 effective dimensions, one with noise, and the real pools."""
    made = {f"bowl, d = {d}": _synthetic(d) for d in (1, 2, 3)}
    made["bowl, d = 2, noise"] = _synthetic(2, 0.01)
    return {**made, **{pool.name: pool.worst_filled for pool in pools()}}


def _studies(population: np.ndarray, n: int, runs: int) -> tuple[float, float, list[object], np.ndarray]:
    """True gain of doubling, true SD of the best, the estimates of ``runs`` studies, and the naive estimates."""
    rng = np.random.default_rng(1)
    gain = best_of(population, n) - best_of(population, 2 * n)
    sd = float(np.array([rng.choice(population, n, replace=False).min() for _ in range(4000)]).std())
    drawn = [rng.choice(population, n, replace=False) for _ in range(runs)]
    naive = np.array([best_of(y, n // 2) - best_of(y, n) for y in drawn])
    return gain, sd, [doubling(y) for y in drawn], naive


@row("V6", "what doubling a study buys")
def doubling_gain(size: Size) -> list[Figure]:
    """Continue real and synthetic studies of n = 20, 40, 80 to 2n."""
    figures, close, bounded, dims = [], [], [], {1: [], 2: [], 3: []}
    runs = size.n(500)
    for name, population in _populations().items():
        for n in (20, 40, 80):
            gain, _, found, naive = _studies(population, n, runs)
            near = [0.5 < f.gain / gain < 2 for f in found]
            above = [f.interval[1] >= gain for f in found]
            figures.append(shown(f"{name}, n = {n}: within a factor of 2 / bound holds / naive bound holds",
                                 f"{np.mean(near):.2f} / {np.mean(above):.2f} / {np.mean(naive >= gain):.2f}", runs))  # fmt: skip
            close += near
            bounded += above
            if name.startswith("bowl, d =") and "noise" not in name and n >= 40:
                d = int(name[-1])
                dims[d] += [abs(f.n_dims - d) <= 1 for f in found]
    head = [
        at_least("estimate within a factor of 2 of the gain, all pools and n", close, 0.70),
        at_least("90 % bound at or above the gain, all pools and n", bounded, 0.75),
    ]
    return (
        head
        + [
            at_least(f"effective dimension {d} recovered to 1, n >= 40", hits, 0.5)
            for d, hits in dims.items()
        ]
        + figures
    )


@row("V7", "study variance from one study")
def study_variance(size: Size) -> list[Figure]:
    """SD of the best over repeated studies of n = 20, 40, 80."""
    figures, ratios, covered = [], [], []
    runs = size.n(500)
    for name, population in _populations().items():
        for n in (20, 40, 80):
            _, sd, found, _ = _studies(population, n, runs)
            ratio = np.array([f.sd / sd for f in found])
            inside = [f.sd_interval[0] <= sd <= f.sd_interval[1] for f in found]
            figures.append(shown(f"{name}, n = {n}: median ratio / coverage of the 90 % interval",
                                 f"{np.median(ratio):.2f} / {np.mean(inside):.2f}", runs))  # fmt: skip
            ratios.append(float(np.median(ratio)))
            covered += inside
    head = [
        number(
            "median over pools and n of the median ratio to the true SD",
            float(np.median(ratios)),
            0.8,
            1.25,
            len(covered),
        ),
        at_least("90 % interval holds the true SD, all pools and n", covered, 0.85),
    ]
    return head + figures
