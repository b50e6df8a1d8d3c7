"""Finding the point of highest acquisition: a global pool, a local search, and a climb along the gradient.

Every candidate is made legal before it is scored, so that discrete parameters and conditions need no special case; points
that are ruled out, or already visited (or pending), are never proposed while others are left.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from tunewise.samplers._features import feature_groups, features, legal, neighbours
from tunewise.samplers._region import Region
from tunewise.samplers._tried import keys_of
from tunewise.space import Space
from tunewise.stats.ascent import climb
from tunewise.types import BoolArray, FloatArray

_POOL = 400
_LOCAL = 160
_AROUND = (0.1, 0.02)
_STEPS = (0.1, 0.03)
_STEPS_WITHOUT_CLIMB = (0.2, 0.1, 0.05, 0.02, 0.007, 0.002)
_TOP = 8
_MOST_CELLS = 2000
_SMOOTH_FROM = 20  # a number with more values than this is climbed as if it were continuous, and rounded


class Acquisition(Protocol):
    """How much a point is worth as the next trial; on features Z (m, D) as `features` makes them."""

    def value(self, Z: FloatArray) -> FloatArray:
        """(m,), higher is better."""
        ...

    def value_and_gradient(self, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m, D)."""
        ...


def maximise(
    acquisition: Acquisition,
    space: Space,
    region: Region,
    seeds: FloatArray,
    visited: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """The raw point (d,) of highest acquisition in a region; ``seeds`` (s, d) are good points to look around,
    ``visited`` (v,) the keys of points to avoid.

    The acquisition and the seeds are in coordinates of the region. Cost: about 1,000 values and 30 gradients at 8 points, or
    the values of a space that has at most 2,000 points.
    """
    if n_cells(space) is not None:
        return _best_cell(acquisition, space, region, visited)
    search = _Search(acquisition, space, region, visited)
    smooth = _smooth(space)
    pool = np.concatenate(
        [rng.random((_POOL, space.n_dims)), *(_around(space, seeds, sd, rng) for sd in _AROUND)]
    )
    points, values = search.scored(pool)
    for sd in _STEPS if smooth.any() else _STEPS_WITHOUT_CLIMB:
        top = np.argsort(-values, kind="stable")[:_TOP]
        around = _around(space, search.seen_at(points[top]), sd, rng)
        points, values = search.joined(points[top], values[top], around)
    if smooth.any():
        top = np.argsort(-values, kind="stable")[:_TOP]
        climbed = _climbed(acquisition, space, search.seen_at(points[top]), smooth)
        points, values = search.joined(points[top], values[top], climbed)
    return np.asarray(points[np.argmax(values)])


def n_cells(space: Space) -> int | None:
    """The number of points of a space that is small enough to look at all of them."""
    n = space.n_points
    return n if n is not None and n <= _MOST_CELLS else None


class _Search(NamedTuple):
    """What makes a coordinate of a region a legal point with a value."""

    acquisition: Acquisition
    space: Space
    region: Region
    visited: FloatArray  # keys

    def scored(self, U: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Raw points (m, d) of coordinates U, and their values (m,)."""
        raw = legal(self.space, self.region.outward(U))
        ruled_out = np.isin(keys_of(raw), self.visited)
        if self.space.has_limits:
            ruled_out |= ~self.space.allowed(raw)
        return raw, np.where(
            ruled_out, -1e300, self.acquisition.value(features(self.space, self.seen_at(raw)))
        )

    def seen_at(self, raw: FloatArray) -> FloatArray:
        """Coordinates of raw points, NaN where inactive."""
        return self.region.inward(self.space.to_unit(raw))

    def joined(self, points: FloatArray, values: FloatArray, U: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Points with their values, and those of coordinates U."""
        new_points, new_values = self.scored(U)
        return np.concatenate([points, new_points]), np.concatenate([values, new_values])


def _best_cell(acquisition: Acquisition, space: Space, region: Region, visited: FloatArray) -> FloatArray:
    cells = space.grid()
    values = acquisition.value(features(space, region.inward(space.to_unit(cells))))
    fresh = ~np.isin(keys_of(cells), visited)
    return np.asarray(cells[np.argmax(np.where(fresh, values, -np.inf) if fresh.any() else values)])


def _smooth(space: Space) -> BoolArray:
    """(d,): the parameters along which an acquisition has a useful gradient."""
    return np.array(
        [
            domain.is_numeric
            and name not in space.pins
            and (domain.n_values is None or domain.n_values > _SMOOTH_FROM)
            for name, domain in space.items()
        ]
    )


def _climbed(acquisition: Acquisition, space: Space, X: FloatArray, smooth: BoolArray) -> FloatArray:
    """Points of the unit cube to which X (s, d), NaN where inactive, climbs along its smooth parameters."""
    first_column = np.flatnonzero(np.diff(feature_groups(space), prepend=-1))
    active = ~np.isnan(X)

    def function(U: FloatArray) -> tuple[FloatArray, FloatArray]:
        value, gradient = acquisition.value_and_gradient(features(space, np.where(active, U, np.nan)))
        return value, gradient[:, first_column]

    return climb(function, np.where(active, X, 0.5), active & smooth)


def _around(space: Space, seeds: FloatArray, sd: float, rng: np.random.Generator) -> FloatArray:
    if not len(seeds):
        return np.empty((0, space.n_dims))
    return neighbours(space, np.repeat(seeds, max(1, _LOCAL // len(seeds)), axis=0), sd, rng)
