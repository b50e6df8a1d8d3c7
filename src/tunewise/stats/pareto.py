"""Several losses at once: who dominates whom, how crowded a front is, and how much space it dominates.

Everything is minimised: Y (n, m), one row a point. One point dominates another if it is nowhere worse and somewhere
better; equal points do not dominate each other.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np

from tunewise.stats.quasirandom import halton
from tunewise.types import BoolArray, FloatArray, IntArray

_RAYS = 256
_BEYOND = 0.1
_LARGEST_LOSS = 1e300


def ranks(Y: FloatArray, violation: FloatArray | None = None, enough: int | None = None) -> IntArray:
    """The front of each point (n,): 0 for those that nobody dominates, 1 once these are taken away, and so on.

    Points with ``violation`` (n,) above 0 come after all others, in the order of their violation (constrained
    domination: Deb et al., IEEE Trans. Evol. Comp. 6(2), 2002). Once ``enough`` points are ranked, the rest share
    one last rank. O(n^2 m) time, O(n^2) memory.
    """
    n = len(Y)
    rank = np.zeros(n, dtype=np.int64)
    allowed = np.ones(n, dtype=bool) if violation is None else ~(violation > 0)
    rows = np.flatnonzero(allowed)
    rank[rows] = _peel(Y[rows], n if enough is None else enough)
    if violation is not None and not allowed.all():
        next_rank = int(rank[rows].max()) + 1 if len(rows) else 0
        rank[~allowed] = next_rank + np.unique(violation[~allowed], return_inverse=True)[1]
    return rank


def nondominated(Y: FloatArray) -> BoolArray:
    """Which points (n,) no other point dominates. O(n^2 m)."""
    return np.asarray(~dominance(Y).any(axis=0))


def dominance(Y: FloatArray) -> BoolArray:
    """(n, n): whether the point of the row dominates the point of the column. O(n^2 m)."""
    no_worse = np.ones((len(Y), len(Y)), dtype=bool)
    for column in Y.T:
        no_worse &= column[:, None] <= column
    return no_worse & ~no_worse.T


def crowding(Y: FloatArray) -> FloatArray:
    """How far each point of one front is from its neighbours (n,): inf at the ends (Deb et al. 2002, sec. III.B).

    The sum over the losses of the gap between the two neighbours, as a share of the loss's range. O(m n log n).
    """
    n = len(Y)
    distance = np.zeros(n)
    for column in subtractable(Y).T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        with np.errstate(invalid="ignore"):
            width = ordered[-1] - ordered[0] if n else 0.0
        if not np.isfinite(width):
            ordered, width = np.arange(n, dtype=np.float64), float(n - 1)
        if width > 0:
            distance[order[1:-1]] += (ordered[2:] - ordered[:-2]) / width
            distance[order[[0, -1]]] = np.inf
    return distance


def best_first(Y: FloatArray, violation: FloatArray | None = None, enough: int | None = None) -> IntArray:
    """Row numbers (n,) by rank, the least crowded first within a rank; only the first ``enough`` are in order."""
    rank = ranks(Y, violation, enough)
    space = np.zeros(len(Y))
    for front in range(int(rank.max(initial=-1)) + 1):
        rows = np.flatnonzero(rank == front)
        space[rows] = crowding(Y[rows])
        if enough is not None and np.count_nonzero(rank <= front) >= enough:
            break
    return np.lexsort((-space, rank))


def volume_first(Y: FloatArray, enough: int) -> IntArray:
    """Row numbers (n,) by rank; within a rank, one after the other, the point that adds most to the dominated volume.

    Better than `best_first` where nearly all points are non-dominated: the first ones stand for the whole front. The volume is
    estimated along 256 rays, up to a tenth of the rank's range beyond its worst values, so that nobody's units
    matter. Only the first ``enough`` are in order. O(n^2 m + n m rays).
    """
    rank = ranks(Y, enough=enough)
    order: list[int] = []
    while len(order) < min(len(Y), enough):
        rows = np.flatnonzero(rank == rank[np.setdiff1d(np.arange(len(Y)), order)].min())
        order.extend(rows[_largest_volume(Y[rows], enough - len(order))].tolist())
    return np.concatenate([order, np.setdiff1d(np.arange(len(Y)), order)]).astype(np.int64)


def _largest_volume(Y: FloatArray, k: int) -> IntArray:
    """Rows of at most ``k`` points of a front, chosen greedily.

    The volume that a set dominates is, but for a factor, the mean over directions of the m-th power of the ray that reaches
    from the reference point to the set's edge (Deng and Zhang, IEEE Trans. Evol. Comp. 23(5), 2019).
    """
    m = Y.shape[1]
    room = 1.0 + _BEYOND - _in_units_of_their_range(Y)
    power = (room[:, None, :] / _rays(m)).min(axis=2) ** m
    covered, chosen = np.zeros(_RAYS), np.zeros(0, dtype=np.int64)
    while len(chosen) < min(k, len(Y)):
        gain = np.maximum(power - covered, 0.0).sum(axis=1)
        gain[chosen] = -1.0
        chosen = np.append(chosen, np.argmax(gain))
        covered = np.maximum(covered, power[chosen[-1]])
    return chosen


@lru_cache(maxsize=32)
def _rays(m: int) -> FloatArray:
    """Directions (h, m) with positive coordinates, evenly spread over the sphere."""
    from tunewise.stats.truncnorm import quantile  # scipy.special takes longer to import than all of this

    normal = quantile(halton(range(m))(np.arange(1, _RAYS + 1)), np.zeros(m), np.full(m, 9.0))  # of |N(0, 1)|
    return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True))


def _in_units_of_their_range(Y: FloatArray) -> FloatArray:
    Y = subtractable(Y)
    Y = Y - Y.min(axis=0)
    width = Y.max(axis=0)
    return np.asarray(Y / np.where(width > 0, width, 1.0))


@lru_cache(maxsize=32)
def reference_directions(m: int, most: int) -> FloatArray:
    """Points (h, m) evenly spread over the unit simplex, as fine as at most ``most`` of them allow (Das and Dennis 1998)."""
    n_parts = 1
    while comb(n_parts + m, m - 1) <= most and n_parts < most:
        n_parts += 1
    places = list(combinations(range(n_parts + m - 1), m - 1))
    bars = np.array(places, dtype=np.int64).reshape(len(places), m - 1)
    edges = np.column_stack([np.full(len(bars), -1), bars, np.full(len(bars), n_parts + m - 1)])
    return np.asarray((np.diff(edges, axis=1) - 1) / n_parts)


def hypervolume(Y: FloatArray, reference: FloatArray) -> float:
    """The volume that Y (n, m) dominates up to the reference point (m,); points beyond it add nothing.

    Exact: a sweep for two losses, O(n log n); else the WFG algorithm (While, Bradstreet and Barone, IEEE Trans. Evol.
    Comp. 16(1), 2012), exponential in m and fast for m <= 6 and some hundred points.
    """
    Y, reference = np.asarray(Y, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    inside = Y[(Y < reference).all(axis=1)]
    return _volume(_front(inside), reference)


def subtractable(Y: FloatArray) -> FloatArray:
    """Y with a smaller unit for losses so large that the difference of two would overflow."""
    largest = np.abs(Y).max(axis=0, initial=0.0)
    return np.asarray(Y / np.where(np.isfinite(largest), np.maximum(1.0, largest / _LARGEST_LOSS), 1.0))


def _peel(Y: FloatArray, enough: int) -> IntArray:
    dominates = dominance(Y)
    n_above = dominates.sum(axis=0)
    rank = np.full(len(Y), -1, dtype=np.int64)
    front, n_ranked = 0, 0
    while n_ranked < min(enough, len(Y)):
        rows = np.flatnonzero((n_above == 0) & (rank < 0))
        rank[rows] = front
        n_above -= dominates[rows].sum(axis=0)
        n_ranked += len(rows)
        front += 1
    rank[rank < 0] = front
    return rank


def _front(Y: FloatArray) -> FloatArray:
    return np.unique(Y[nondominated(Y)], axis=0)


def _volume(front: FloatArray, reference: FloatArray) -> float:
    """``front`` holds different, mutually non-dominated points in lexicographic order."""
    if not len(front):
        return 0.0
    if len(reference) == 1:
        return float(reference[0] - front[0, 0])
    if len(reference) == 2:
        edges = np.append(front[1:, 0], reference[0])
        return float(np.sum((edges - front[:, 0]) * (reference[1] - front[:, 1])))
    total = 0.0
    for i, point in enumerate(front):
        limited = np.maximum(front[i + 1 :], point)
        total += float(np.prod(reference - point)) - _volume(_front(limited), reference)
    return total
