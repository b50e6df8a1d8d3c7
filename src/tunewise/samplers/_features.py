"""Unit-cube points as features for a kernel, and the moves by which an acquisition is searched."""

from __future__ import annotations

import math

import numpy as np

from tunewise.space import Categorical, Space
from tunewise.types import FloatArray, IntArray


def feature_groups(space: Space) -> IntArray:
    """(D,) which parameter each feature column belongs to: one a number, K a choice of K values."""
    return np.repeat(np.arange(space.n_dims), [_width(space[name]) for name in space])


def features(space: Space, X: FloatArray) -> FloatArray:
    """X (n, d) in [0, 1], NaN where inactive, to Z (n, D).

    A choice is one-hot, scaled so that two different ones lie at distance 1, and all zero where inactive; an
    inactive number sits at 1/2.
    """
    columns: list[FloatArray] = []
    for j, domain in enumerate(space.domains):
        x = X[:, j]
        if _width(domain) == 1:
            columns.append(np.where(np.isnan(x), 0.5, x)[:, None])
        else:
            code = np.where(np.isnan(x), -1, np.floor(x * _width(domain)))
            columns.append((code[:, None] == np.arange(_width(domain))) / math.sqrt(2))
    return np.concatenate(columns, axis=1)


def neighbours(space: Space, X: FloatArray, sd: float, rng: np.random.Generator) -> FloatArray:
    """One changed copy of every row of X (n, d): some coordinates moved by N(0, sd^2), some choices redrawn.

    On average at least one and at most about five coordinates change (in high dimensions a move of all of them
    is rarely an improvement).
    """
    n, d = X.shape
    changed = rng.random((n, d)) < min(1.0, max(5.0 / d, 0.15))
    changed[np.arange(n), rng.integers(0, d, n)] = True
    start = np.where(np.isnan(X), rng.random((n, d)), X)
    moved = start + sd * rng.standard_normal((n, d))
    moved = np.abs(moved)
    moved = np.clip(1 - np.abs(1 - moved), 0.0, 1.0)
    redrawn = rng.random((n, d))
    return np.where(changed, np.where(_is_unordered(space), redrawn, moved), start)


def legal(space: Space, U: FloatArray) -> FloatArray:
    """Any points of the unit cube to the raw coding of legal points (n, d)."""
    return space.mask(space.from_unit(U))


def _width(domain: object) -> int:
    unordered = isinstance(domain, Categorical) and not domain.ordered and domain.n_values > 2
    return domain.n_values if unordered and isinstance(domain, Categorical) else 1


def _is_unordered(space: Space) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.array([not domain.is_numeric for domain in space.domains])
