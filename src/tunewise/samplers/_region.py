"""The part of a space that a suggestion is about: all of it, or a box around the best trials.

A surrogate of a box forgets what lies outside, so its lengthscales fit the landscape there (the trust regions of TuRBO,
Eriksson et al., NeurIPS 2019, without their restarts: the other half of the suggestions still sees everything).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tunewise.samplers._observations import Observations
from tunewise.space import Space
from tunewise.types import FloatArray

_BEST_FIXED, _BEST_PER_DIM = 10, 3
_MARGIN = 0.25
_LEAST_WIDTH = 1e-4
_ROUNDING = 1e-12


class Region(NamedTuple):
    """A box in the unit cube; what is in it is seen in coordinates in which the box is the unit cube."""

    low: FloatArray  # (d,)
    width: FloatArray  # (d,)

    def inward(self, X: FloatArray) -> FloatArray:
        """Points (n, d) of the cube as coordinates of the box."""
        return (X - self.low) / self.width

    def outward(self, U: FloatArray) -> FloatArray:
        """Coordinates of the box (n, d) as points of the cube."""
        return self.low + U * self.width

    def view(self, seen: Observations) -> Observations:
        """The trials in the box, in its coordinates."""
        X, pending = self.inward(seen.X), self.inward(seen.pending)
        return seen.take(_inside(X))._replace(X=X[_inside(X)], pending=pending[_inside(pending)])


RegionOf = Callable[[Space, Observations], Region]


def whole(space: Space, seen: Observations) -> Region:
    """The whole space."""
    return Region(np.zeros(space.n_dims), np.ones(space.n_dims))


def around_best(space: Space, seen: Observations) -> Region:
    """The box of the 10 + 3d best trials and a margin, at least one value of a discrete number; all values of choices."""
    loss = np.where(seen.infeasible, np.inf, seen.loss)
    X = seen.X[np.argsort(loss, kind="stable")[: n_best(space)]]
    numeric = np.array([domain.is_numeric for domain in space.domains])
    low = np.min(np.where(np.isnan(X), np.inf, X), axis=0, initial=np.inf)
    high = np.max(np.where(np.isnan(X), -np.inf, X), axis=0, initial=-np.inf)
    known = numeric & (low <= high)
    low, high = np.where(known, low, 0.0), np.where(known, high, 1.0)
    cell = np.array([1.0 / d.n_values if d.n_values else 0.0 for d in space.domains])
    margin = np.maximum(_MARGIN * np.maximum(high - low, _LEAST_WIDTH), cell)
    low, high = np.clip(low - margin, 0.0, 1.0), np.clip(high + margin, 0.0, 1.0)
    return Region(low, high - low)


def n_best(space: Space) -> int:
    """How many trials make a box."""
    return _BEST_FIXED + _BEST_PER_DIM * space.n_dims


def _inside(U: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """(n,): coordinates in the unit cube, where active."""
    return np.asarray((np.isnan(U) | ((U >= -_ROUNDING) & (U <= 1 + _ROUNDING))).all(axis=1))
