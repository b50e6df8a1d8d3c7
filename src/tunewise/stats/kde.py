"""Mixtures of product kernels in the unit cube: the densities of a tree-structured Parzen estimator.

A numeric axis has normal kernels cut to [0, 1]; an unordered axis with K choices has the kernel "this choice with
probability 1 - b, any of the K with probability b" (Aitchison and Aitken, Biometrika 63, 1976). One more component is
uniform. Densities are relative to the uniform distribution, so that NaN (an inactive coordinate of a point or of a
kernel) is a factor 1.

The exponent of point c under kernel i is a quadratic form, so that all of them are one matrix product:
-(c - x)^2 / 2s^2 summed over the axes = [c^2, c, 1] . [-1/2s^2, x/s^2, -x^2/2s^2].
"""

from __future__ import annotations

import numpy as np

from tunewise.stats.truncnorm import quantile
from tunewise.types import FloatArray, IntArray

_LOG_ROOT_2PI = 0.5 * np.log(2.0 * np.pi)


class Mixture:
    """``sum_i weight_i prod_j kernel(c_j | X_ij, width_ij) + uniform_weight``, normalised.

    Args:
        X: (n, d) in [0, 1], NaN where inactive; unordered axes hold bin centres.
        width: (n, d) or (d,): the standard deviation on numeric axes, b in (0, 1] on unordered ones.
        weight: (n,) not negative; a kernel of weight 0 does not count.
        uniform_weight: positive.
        n_choices: (d,) number of choices of unordered axes, 0 for numeric ones.
        features: `kernel_features` of X, where they are known already. In single precision densities are right
            to about 1e-4, at a third of the cost.
    """

    def __init__(
        self, X: FloatArray, width: FloatArray, weight: FloatArray, uniform_weight: float, n_choices: IntArray,
        features: FloatArray | None = None,
    ) -> None:  # fmt: skip
        total = float(weight.sum()) + uniform_weight
        self._X = X
        self._width = width
        self._weight = weight / total
        self._uniform = uniform_weight / total
        self._n_choices = n_choices
        self._unordered = np.flatnonzero(n_choices)
        self._features = kernel_features(X, width, n_choices) if features is None else features

    def log_density(self, C: FloatArray) -> FloatArray:
        """Log of the density relative to uniform at points C (c, d): (c,). O(c n d) in one matrix product."""
        known = ~np.isnan(C)
        c = np.where(known, C, 0.0)
        query = np.concatenate([c * c, c, known], axis=1).astype(self._features.dtype, copy=False)
        exponent = query @ self._features.T
        for j in self._unordered:
            exponent += np.where(C[:, j, None] == self._X[:, j], self._gain(int(j)), 0.0).astype(
                exponent.dtype
            )
        top = exponent.max(axis=1, initial=0.0)
        exponent -= top[:, None]
        kernels = np.exp(exponent, out=exponent) @ self._weight.astype(exponent.dtype, copy=False)
        top = top.astype(np.float64)
        return np.asarray(top + np.log(kernels + self._uniform * np.exp(-top)))

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """n points (n, d); coordinates in which the chosen kernel is inactive are uniform. O(n d)."""
        kernel = self._weight.cumsum().searchsorted(rng.random(n), side="right")
        u, fresh = rng.random((2, n, self._X.shape[1]))
        rows = (kernel < len(self._X)).nonzero()[0]
        kernel, u = kernel[rows], u[rows]
        x, s = self._X[kernel], self._width[kernel] if self._width.ndim > 1 else self._width
        near = x + s * quantile(u, -x / s, (1.0 - x) / s)
        keep = ~np.isnan(near)
        if len(self._unordered):
            numeric = self._n_choices == 0
            near = np.where(numeric, near, x)
            keep = ~np.isnan(near) & (numeric | (u >= s))
        fresh[rows] = np.where(keep, near, fresh[rows])
        return np.asarray(fresh.clip(0.0, 1.0))

    def _gain(self, j: int) -> FloatArray:
        """How much more log density the kernels (n,) or () give to their own choice on axis j than to another one."""
        b = self._width[..., j]
        return np.asarray(np.log((1.0 - b) * self._n_choices[j] + b) - np.log(b))


def kernel_features(X: FloatArray, width: FloatArray, n_choices: IntArray) -> FloatArray:
    """(n, 3 d): what multiplies c^2, c and 1 in the exponent of each kernel; arguments as for `Mixture`. O(n d)."""
    n, d = X.shape
    features = np.empty((n, 3, d))
    s = np.broadcast_to(width, X.shape)
    precision = s**-2.0
    features[:, 0] = -0.5 * precision
    features[:, 1] = X * precision
    features[:, 2] = -0.5 * X * features[:, 1] - np.log(s * _mass(X, s)) - _LOG_ROOT_2PI
    unordered = np.flatnonzero(n_choices)
    if len(unordered):
        features[:, :2, unordered] = 0.0
        features[:, 2, unordered] = np.log(s[:, unordered])
    unknown = np.isnan(X)
    if unknown.any():
        features[np.broadcast_to(unknown[:, None, :], features.shape)] = 0.0
    return features.reshape(n, 3 * d)


def _mass(x: FloatArray, s: FloatArray) -> FloatArray:
    """The part of normal kernels at x in [0, 1], of width s, that lies in [0, 1], within 3e-4.

    By the logistic approximation of the normal distribution function, at a tenth of its cost (Bowling et al., J. Ind.
    Eng. Manag. 2(1), 2009).
    """
    below, above = x / s, (1.0 - x) / s
    return np.asarray(_normal_cdf(below) + _normal_cdf(above) - 1.0)


def _normal_cdf(t: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(t * (-1.5976 - 0.07056 * t * t))))


def neighbour_widths(X: FloatArray, exponent: float) -> FloatArray:
    """A width for each kernel and axis: the larger gap to the two neighbours on that axis, (n, d).

    At least ``min(100, n + 2) ** -exponent`` (exponent 1: the "magic clip" of Bergstra et al. 2011; see Watanabe,
    arXiv:2304.11127, sec. 3.3.5) and at most 1; 1 where a kernel has no neighbour. The borders are no neighbours.
    """
    n, d = X.shape
    order, column = X.argsort(axis=0), np.arange(d)
    padded = np.full((n + 2, d), np.nan)
    padded[1:-1] = X[order, column]
    gaps = padded[1:] - padded[:-1]
    width = np.empty((n, d))
    width[order, column] = np.fmax(gaps[1:], gaps[:-1])
    return np.where(np.isnan(width), 1.0, width).clip(min(100, n + 2) ** -exponent, 1.0)


def common_widths(n: int, d: int, scale: float) -> FloatArray:
    """One width an axis (d,): ``scale * n ** (-1 / (d + 4))``, Scott's rate (Multivariate Density Estimation, 1992)."""
    return np.full(d, min(1.0, scale * max(n, 1) ** (-1.0 / (d + 4))))


def choice_widths(n: int, n_choices: FloatArray | IntArray) -> FloatArray:
    """The share b of uniform choice in the kernels of unordered axes, K / (n + 1 + K): it fades as n grows."""
    return np.asarray(n_choices / (n + 1.0 + n_choices))
