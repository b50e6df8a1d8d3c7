"""Finding the point of highest acquisition: a global pool, then a local search whose steps shrink.

Every candidate is made legal before it is scored, so that discrete parameters and conditions need no special case; points
already visited (or pending) are never proposed again while others are left.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tunewise.samplers._features import legal, neighbours
from tunewise.space import Space
from tunewise.types import BoolArray, FloatArray

Score = Callable[[FloatArray], FloatArray]  # raw (m, d) -> (m,), higher is better

_POOL = 400
_LOCAL = 160
_STEPS = (0.2, 0.1, 0.05, 0.02, 0.007, 0.002)
_MOST_CELLS = 2000


def maximise(
    score: Score, space: Space, seeds: FloatArray, visited: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """The raw point (d,) of highest score; ``seeds`` (s, d) in [0, 1] are good points to look around.

    Cost: about 1,400 scored points, or all points of a space that has at most 2,000.
    """
    n_points = space.n_points
    if n_points is not None and n_points <= _MOST_CELLS:
        cells = space.grid()
        values = score(cells)
        fresh = ~_seen(cells, visited)
        return np.asarray(cells[np.argmax(np.where(fresh, values, -np.inf) if fresh.any() else values)])
    pool = np.concatenate([rng.random((_POOL, space.n_dims)), _around(space, seeds, 0.1, rng)])
    points, values = _scored(score, space, pool, visited)
    for sd in _STEPS:
        top = np.argsort(-values, kind="stable")[:8]
        centres = space.to_unit(points[top])
        around = neighbours(space, np.repeat(centres, _LOCAL // len(top), axis=0), sd, rng)
        new_points, new_values = _scored(score, space, around, visited)
        points = np.concatenate([points[top], new_points])
        values = np.concatenate([values[top], new_values])
    return np.asarray(points[np.argmax(values)])


def _around(space: Space, seeds: FloatArray, sd: float, rng: np.random.Generator) -> FloatArray:
    if not len(seeds):
        return np.empty((0, space.n_dims))
    return neighbours(space, np.repeat(seeds, max(1, _LOCAL // len(seeds)), axis=0), sd, rng)


def _scored(score: Score, space: Space, U: FloatArray, visited: FloatArray) -> tuple[FloatArray, FloatArray]:
    raw = legal(space, U)
    return raw, np.where(_seen(raw, visited), -1e300, score(raw))


def _seen(raw: FloatArray, visited: FloatArray) -> BoolArray:
    """Which rows of raw (m, d) are among visited (n, d); NaN equals NaN. O((m + n) log(m + n))."""
    if not len(visited):
        return np.zeros(len(raw), dtype=bool)
    both = np.ascontiguousarray(np.nan_to_num(np.concatenate([visited, raw]), nan=-np.inf) + 0.0)
    keys = both.view(np.dtype((np.void, both.dtype.itemsize * both.shape[1]))).ravel()
    return np.isin(keys[len(visited) :], keys[: len(visited)])
