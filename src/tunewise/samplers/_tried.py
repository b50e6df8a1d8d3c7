"""Points that were tried: a search of a finite space proposes none of them again while others are left.

Where losses are noisy that costs little: a model averages over neighbours, and once a space is exhausted points repeat freely.
"""

from __future__ import annotations

import math

import numpy as np

from tunewise.samplers._features import features, legal, neighbours
from tunewise.samplers.base import names_that_vary
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray

_MOST_CELLS = 100_000
_AROUND, _STEPS = 500, (0.3, 0.1, 0.03)
_MIX = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64)


def untried(
    trials: Trials, space: Space, number: int, points: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """The first of some raw points (m, d), best first, that is allowed and that no other trial holds; raw (d,).

    Where there is none it is the nearest such point to the first of them. In a space with a continuum, or that is exhausted, it
    is the first itself. Running and failed trials count. O(n m) after O(new trials d), in NumPy.
    """
    if not _is_finite(space):
        return np.asarray(points[0])
    keys = tried(trials, space, number)
    fresh = _fresh(space, points, keys)
    if fresh.any():
        return np.asarray(points[np.argmax(fresh)])
    others = _others(space, points[0], rng)
    others = others[_fresh(space, others, keys)]
    return _nearest(space, points[0], others, rng) if len(others) else np.asarray(points[0])


def tried(trials: Trials, space: Space, number: int) -> FloatArray:
    """`keys_of` the points of all trials but ``number``; of none where the space is but a part of what trials ask for.

    A part repeats with good reason, as the rest differs.
    """
    if not set(names_that_vary(trials)) <= set(space):
        return np.empty(0)
    plain = space.pinned({})

    def keys(rows: IntArray) -> FloatArray:
        return keys_of(plain.mask(trials.raw(plain, rows)))[:, None]

    running = np.array([n for n in trials.running if n != number], dtype=np.int64)
    finished = trials.per_finished(("point", plain), keys)
    return np.concatenate([finished, keys(running)])[:, 0]


def keys_of(raw: FloatArray) -> FloatArray:
    """(m,): equal for equal rows of raw (m, d), NaN being equal to NaN; for two others equal once in 2^52 times."""
    bits = np.ascontiguousarray(np.nan_to_num(raw, nan=-np.inf) + 0.0).view(np.uint64)
    key = np.zeros(len(raw), dtype=np.uint64)
    for column in bits.T:
        key ^= column
        for shift, factor in zip((30, 27), _MIX, strict=True):
            key = (key ^ (key >> np.uint64(shift))) * factor
        key ^= key >> np.uint64(31)
    return (key >> np.uint64(12)).astype(np.float64)


def _fresh(space: Space, raw: FloatArray, keys: FloatArray) -> BoolArray:
    return ~np.isin(keys_of(raw), keys) & space.allowed(raw)


def _is_finite(space: Space) -> bool:
    return all(domain.n_values is not None or name in space.pins for name, domain in space.items())


def _others(space: Space, point: FloatArray, rng: np.random.Generator) -> FloatArray:
    """All points of the space; some near one point and some from everywhere where there are too many: raw (m, d)."""
    if math.prod(d.n_values or 1 for name, d in space.items() if name not in space.pins) <= _MOST_CELLS:
        return space.grid()
    here = np.repeat(space.to_unit(point)[None], _AROUND, axis=0)
    near = [legal(space, neighbours(space, here, sd, rng)) for sd in _STEPS]
    return np.concatenate([*near, space.sample(rng, 2 * _AROUND)])


def _nearest(space: Space, point: FloatArray, others: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Of the nearest of some points any one."""
    here, there = features(space, space.to_unit(point[None])), features(space, space.to_unit(others))
    distance = ((there - here) ** 2).sum(axis=1)
    nearest = np.flatnonzero(distance <= distance.min() * (1 + 1e-9))
    return np.asarray(others[rng.choice(nearest)])
