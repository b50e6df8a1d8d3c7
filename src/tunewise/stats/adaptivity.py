"""Were points chosen by looking at earlier results? Two tests for a search whose sampler nobody recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.special import chdtrc, kolmogorov

from tunewise.types import FloatArray, IntArray

_N_BLOCKS, _TOP, _MOST_POINTS, _MOST_COLUMNS, _FEW = 5, 0.2, 300, 20, 8


def follows_results(X: FloatArray, loss: FloatArray, n_permutations: int = 199, seed: int = 0) -> float:
    """P-value of "the order of the points has nothing to do with the results": small for an adaptive search.

    The sequence is cut into 5 blocks. For each coordinate, and for all jointly, the statistic is the mean distance of a
    block's points to the best fifth of the points before the block, summed over blocks 2 to 5. Where points are drawn
    without looking at results every order of the pairs (point, result) is equally likely, so that the smallest of the
    standardised statistics gives an exact one-sided permutation test. Points of low discrepancy avoid each other, which
    makes it conservative.

    Args:
        X: (n, d) in [0, 1]; NaN where inactive, at distance 0 from NaN and 1 from a value.
        loss: (n,) smaller is better; NaN is the worst.
        n_permutations: of them; the smallest p-value is 1 / (n_permutations + 1).
        seed: of the permutations, so that the answer is the same every time.

    Returns 1.0 with fewer than 10 points. Looks at the first 300 points and 20 coordinates: at most about 0.5 s.
    """
    X = X[:_MOST_POINTS, :_MOST_COLUMNS]
    n, d = X.shape
    if n < 2 * _N_BLOCKS or d == 0:
        return 1.0
    rank = np.empty(n)
    rank[np.argsort(np.where(np.isnan(loss[:n]), np.inf, loss[:n]), kind="stable")] = np.arange(n)
    rng = np.random.Generator(np.random.Philox(key=seed))
    orders = [np.arange(n), *(rng.permutation(n) for _ in range(n_permutations))]
    pairs = [_block_pairs(rank, order) for order in orders]
    lowest = np.full(len(orders), np.inf)
    joint = np.zeros((n, n))
    for u in X.T:
        distance = _distance(u)
        joint += distance
        lowest = np.minimum(lowest, _standardised([_mean_distance(distance, each) for each in pairs]))
    lowest = np.minimum(lowest, _standardised([_mean_distance(joint, each) for each in pairs]))
    return float(np.mean(lowest <= lowest[0]))


def covers_evenly(X: FloatArray, n_values: Sequence[int | None]) -> float:
    """P-value of "each coordinate is uniform over its range", the smallest over the d columns times their number.

    Kolmogorov's test (with Stephens' correction of the sample size), or the chi-squared test where a column has at most 8
    values. Small for an adaptive search, which crowds. O(d n log n).

    Args:
        X: (n, d) in [0, 1], discrete values at the centres of their bins; NaN is left out.
        n_values: how many values each column has; None for a continuum.
    """
    ps = [_uniform(u[~np.isnan(u)], k) for u, k in zip(X.T, n_values, strict=True) if k is None or k > 1]
    return min(1.0, len(ps) * min(ps, default=1.0))


def _block_pairs(rank: FloatArray, order: IntArray) -> list[tuple[IntArray, IntArray]]:
    """For each block but the first: its points, and the best of the points before it."""
    edges = np.linspace(0, len(order), _N_BLOCKS + 1).astype(int)
    pairs = []
    for start, stop in pairwise(edges[1:]):
        before = order[:start]
        k = max(1, int(_TOP * start))
        pairs.append((order[start:stop], before[np.argpartition(rank[before], k - 1)[:k]]))
    return pairs


def _distance(u: FloatArray) -> FloatArray:
    """(n, n) distances of one coordinate."""
    gap = np.abs(u[:, None] - u[None, :])
    missing = np.isnan(u)
    gap[missing[:, None] != missing[None, :]] = 1.0
    return np.nan_to_num(gap)


def _mean_distance(distance: FloatArray, pairs: list[tuple[IntArray, IntArray]]) -> float:
    return sum(float(distance[np.ix_(block, best)].sum()) / len(best) for block, best in pairs)


def _standardised(statistics: list[float]) -> FloatArray:
    values = np.array(statistics)
    spread = values.std()
    return (values - values.mean()) / spread if spread > 1e-12 else np.zeros(len(values))


def _uniform(u: FloatArray, n_values: int | None) -> float:
    n = len(u)
    if n < 2 * _N_BLOCKS:
        return 1.0
    if n_values is not None and n_values <= _FEW:
        counts = np.bincount(np.minimum((u * n_values).astype(np.int64), n_values - 1), minlength=n_values)
        return float(chdtrc(n_values - 1, float(((counts - n / n_values) ** 2).sum() * n_values / n)))
    u = np.sort(u)
    k = np.arange(n)
    gap = max(float((u - k / n).max()), float(((k + 1) / n - u).max()))
    if n_values is not None:
        gap = max(0.0, gap - 0.5 / n_values)  # the steps of the grid themselves
    return float(kolmogorov(gap * (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n))))
