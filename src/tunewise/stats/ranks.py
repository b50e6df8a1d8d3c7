"""Do two lists agree in order? Between training lengths, between metrics, between a subset and the whole."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from tunewise.types import BoolArray, FloatArray


class Agreement(NamedTuple):
    """Kendall's tau-b, its interval, and the number of items."""

    tau: float
    low: float
    high: float
    n: int


def kendall(x: FloatArray, y: FloatArray, level: float = 0.9) -> Agreement:
    """Kendall's tau-b of x (n,), y (n,) with an interval on the scale of artanh. n >= 3; O(n^2).

    The variance is the jackknife's (a U-statistic has a consistent one, Fligner and Rust 1983), on the artanh scale with a
    floor of 0.437 / (n - 4) (Fieller, Hartley and Pearson 1957), which keeps small samples from claiming certainty. Items
    where either is NaN are left out; (nan, -1, 1) for fewer than 3, or where a list has one value only.
    """
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = x[known], y[known]
    n = len(x)
    if n < 3:
        return Agreement(math.nan, -1.0, 1.0, n)
    a, b = np.sign(x[:, None] - x[None, :]), np.sign(y[:, None] - y[None, :])
    signs = a * b
    pairs = math.sqrt(float((a != 0).sum()) * float((b != 0).sum()))
    if pairs == 0:
        return Agreement(math.nan, -1.0, 1.0, n)
    tau = float(signs.sum()) / pairs
    without = (signs.sum() - 2 * signs.sum(axis=1)) / (pairs * (n - 1) * (n - 2) / (n * (n - 1)))
    without = np.clip(without, -0.99, 0.99)
    z = np.arctanh(without)
    jackknife = (n - 1) / n * float(((z - z.mean()) ** 2).sum())
    error = math.sqrt(max(jackknife, 0.437 / max(n - 4, 1)))
    most = 1 - 2 / (n * (n - 1))  # as if half a pair more was discordant
    centre, reach = math.atanh(min(max(tau, -most), most)), float(ndtri((1 + level) / 2)) * error
    return Agreement(tau, math.tanh(centre - reach), math.tanh(centre + reach), n)


class Promotion(NamedTuple):
    """What choosing by an early look costs: regret of the single best, and the share kept that loses the winner at most 5 %.

    ``regret`` is the expected final loss of the early winner minus that of the final winner, (low, high) its 90 % interval.
    """

    regret: float
    low: float
    high: float


def promotion_regret(
    early: FloatArray, final: FloatArray, keep: int = 1, draws: int = 500, seed: int = 0
) -> Promotion:
    """The regret of promoting the ``keep`` best by ``early`` (n,) and then taking their best by ``final`` (n,). O(draws n).

    Bootstrap over configurations; the point estimate is the bootstrap mean (a single winner is one number of luck).
    """
    rng = np.random.default_rng(seed)
    n = len(early)
    rows = rng.integers(0, n, (draws, n))
    e, f = early[rows], final[rows]
    chosen = np.take_along_axis(f, np.argsort(e, axis=1, kind="stable")[:, :keep], axis=1).min(axis=1)
    regret = chosen - f.min(axis=1)
    low, high = np.quantile(regret, (0.05, 0.95))
    return Promotion(float(regret.mean()), float(low), float(high))


def auc(u: FloatArray, positive: BoolArray) -> float:
    """P(u of a positive > u of a negative), ties counting one half; NaN without both kinds. O(n log n)."""
    n_positive = int(positive.sum())
    n_negative = len(u) - n_positive
    if n_positive == 0 or n_negative == 0:
        return math.nan
    _, place, count = np.unique(u, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
