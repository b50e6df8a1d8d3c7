"""A quadratic trend as a covariance: what is a bowl is known for one after few points.

A polynomial of the second degree with normal coefficients is a Gaussian process with the covariance
(1 + x.y / d)^2 + x^2.y^2 / d (Rasmussen and Williams, 2006, section 4.2.2; the second term makes squares likelier than
products). Coordinates x lie in [-1, 1]; those of choices are 0, since a trend along a choice means nothing.
"""

from __future__ import annotations

import numpy as np

from tunewise.types import FloatArray, IntArray


def centred(Z: FloatArray, group: IntArray) -> FloatArray:
    """Features Z (n, D) in [0, 1] as coordinates; ``group`` (D,) says to which parameter a column belongs."""
    return np.asarray((2.0 * Z - 1.0) * (np.bincount(group) == 1)[group])


def covariance(X: FloatArray, Y: FloatArray) -> FloatArray:
    """(m, n) between coordinates X (m, D) and Y (n, D)."""
    d = X.shape[1]
    return np.asarray((1.0 + X @ Y.T / d) ** 2 + (X * X) @ (Y * Y).T / d)


def variance(X: FloatArray) -> FloatArray:
    """(m,) at coordinates X (m, D)."""
    squares, d = X * X, X.shape[1]
    return np.asarray((1.0 + squares.sum(axis=1) / d) ** 2 + (squares * squares).sum(axis=1) / d)


def slope(X: FloatArray, Y: FloatArray, weights: FloatArray) -> FloatArray:
    """The gradient (m, D), by the features, of sum_j weights_ij k(x_i, y_j); weights (m, n) or (n,)."""
    d = X.shape[1]
    near = 2.0 * (1.0 + X @ Y.T / d) * weights
    return np.asarray(2.0 / d * (near @ Y + 2.0 * X * (np.broadcast_to(weights, near.shape) @ (Y * Y))))


def variance_slope(X: FloatArray) -> FloatArray:
    """The gradient (m, D), by the features, of `variance`."""
    d = X.shape[1]
    level = 1.0 + (X * X).sum(axis=1)[:, None] / d
    return np.asarray(8.0 / d * (level * X + X**3))
