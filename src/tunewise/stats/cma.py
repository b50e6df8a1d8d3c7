"""The normal distribution of CMA-ES and its update by one sorted generation; arrays only.

Equation numbers are those of Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772. A point is
mean + sigma * scale * (C^(1/2) z), where ``scale`` (n,) is the diagonal matrix with which the margin of Hamano et al.,
arXiv:2205.13482, widens discrete coordinates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from tunewise.types import FloatArray


class Normal(NamedTuple):
    """The state of the search in n dimensions. Never changed in place."""

    mean: FloatArray  # (n,)
    sigma: float
    scale: FloatArray  # (n,)
    C: FloatArray  # (n, n)
    root: FloatArray  # (n, n), the symmetric square root of C
    path_sigma: FloatArray  # (n,)
    path_c: FloatArray  # (n,)
    generation: int

    @property
    def deviation(self) -> FloatArray:
        """The standard deviation of each coordinate (n,)."""
        return np.asarray(self.sigma * self.scale * np.sqrt(np.diag(self.C)))


class _Constants(NamedTuple):
    weights: FloatArray  # (population,), the worse half negative
    mu_eff: float
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    chi: float


def start(mean: FloatArray, sigma: float) -> Normal:
    """An isotropic distribution."""
    n = len(mean)
    zeros, eye = np.zeros(n), np.eye(n)
    return Normal(np.asarray(mean, dtype=np.float64), sigma, np.ones(n), eye, eye, zeros, zeros, 0)


def start_like(X: FloatArray) -> Normal:
    """The distribution of points X (k, n), best first, about the first of them; no narrower than 1e-4 in any direction."""
    C, root = _repaired(np.cov(X, rowvar=False).reshape(X.shape[1], X.shape[1]) + 1e-8 * np.eye(X.shape[1]))
    sigma = math.exp(0.5 * float(np.linalg.slogdet(C)[1]) / X.shape[1])
    return start(X[0], sigma)._replace(C=C / sigma**2, root=root / sigma)


def points(normal: Normal, z: FloatArray) -> FloatArray:
    """Standard normal z (k, n) to points (k, n), eq. 38-40."""
    return np.asarray(normal.mean + normal.sigma * normal.scale * (z @ normal.root))


def update(normal: Normal, X: FloatArray) -> Normal:
    """The distribution after a generation X (population, n), sorted from the best to the worst. O(n^3).

    Points that could hardly have been drawn from ``normal`` (repaired ones, those of an earlier generation) count with
    a bounded length (Hansen, arXiv:1110.4181, eq. 4).
    """
    n = len(normal.mean)
    k = _constants(n, len(X))
    inverse_root = np.linalg.inv(normal.root)
    y = (X - normal.mean) / (normal.sigma * normal.scale)
    length = np.linalg.norm(y @ inverse_root, axis=1)
    longest = math.sqrt(n) + 2.0 * n / (n + 2.0)
    y *= np.minimum(1.0, longest / np.maximum(length, 1e-300))[:, None]
    length = np.minimum(length, longest)

    step = np.maximum(k.weights, 0.0) @ y  # eq. 41
    path_sigma = (1 - k.c_sigma) * normal.path_sigma + math.sqrt(k.c_sigma * (2 - k.c_sigma) * k.mu_eff) * (
        inverse_root @ step
    )  # eq. 43
    norm = float(np.linalg.norm(path_sigma))
    sigma = normal.sigma * math.exp(min(1.0, k.c_sigma / k.d_sigma * (norm / k.chi - 1)))  # eq. 44
    decay = math.sqrt(1 - (1 - k.c_sigma) ** (2 * (normal.generation + 1)))
    moving = norm / decay < (1.4 + 2 / (n + 1)) * k.chi
    path_c = (1 - k.c_c) * normal.path_c + moving * math.sqrt(k.c_c * (2 - k.c_c) * k.mu_eff) * step  # eq. 45
    weights = np.where(k.weights >= 0, k.weights, k.weights * n / np.maximum(length, 1e-12) ** 2)  # eq. 46
    lost = k.c_1 * (not moving) * k.c_c * (2 - k.c_c)
    C = (1 + lost - k.c_1 - k.c_mu * k.weights.sum()) * normal.C  # eq. 47
    C = C + k.c_1 * np.outer(path_c, path_c) + k.c_mu * (y.T * weights) @ y
    C, root = _repaired(C)
    mean = normal.mean + normal.sigma * normal.scale * step  # eq. 42
    return Normal(mean, sigma, normal.scale, C, root, path_sigma, path_c, normal.generation + 1)


def with_margin(normal: Normal, borders: Sequence[FloatArray], margin: float) -> Normal:
    """Move and widen discrete coordinates so that each neighbouring cell keeps probability of about ``margin``.

    ``borders[j]`` holds the ascending borders between the cells of coordinate j; none for a continuous one.
    Hamano et al., arXiv:2205.13482, sec. 4.2: 1/(n population) is the margin they recommend.
    """
    mean, scale, deviation = normal.mean.copy(), normal.scale.copy(), normal.deviation
    for j, border in enumerate(borders):
        if not len(border):
            continue
        m, s = mean[j], deviation[j]
        cell = int(np.searchsorted(border, m))
        if cell in (0, len(border)):
            edge = border[min(cell, len(border) - 1)]
            reach = -s * ndtri(margin)
            mean[j] = min(max(m, edge - reach), edge + reach)
        else:
            mean[j], new = _centred(m, s, border[cell - 1], border[cell], margin / 2)
            scale[j] *= new / s
    return normal._replace(mean=mean, scale=scale)


def _centred(m: float, s: float, low: float, high: float, least: float) -> tuple[float, float]:
    """Mean and deviation with at least ``least`` of the mass on either side of the cell low..high."""
    below, above = float(ndtr((low - m) / s)), float(ndtr((m - high) / s))
    if min(below, above) >= least:
        return m, s
    inside = max(0.0, 1.0 - below - above)
    below, above = max(below, least), max(above, least)
    excess = (1.0 - below - above - inside) / (below + above + inside - 3.0 * least)
    z_low = -float(ndtri(below + excess * (below - least)))
    z_high = -float(ndtri(above + excess * (above - least)))
    s = (high - low) / (z_low + z_high)
    return low + s * z_low, s


@lru_cache(maxsize=256)
def _constants(n: int, population: int) -> _Constants:
    """Table 1 of the tutorial, eq. 49-58."""
    raw = math.log((population + 1) / 2) - np.log(np.arange(1, population + 1))
    positive, negative = np.maximum(raw, 0.0), np.minimum(raw, 0.0)
    mu_eff = positive.sum() ** 2 / (positive**2).sum()
    mu_eff_negative = negative.sum() ** 2 / (negative**2).sum()
    c_c = (4 + mu_eff / n) / (n + 4 + 2 * mu_eff / n)
    c_sigma = (mu_eff + 2) / (n + mu_eff + 5)
    c_1 = 2 / ((n + 1.3) ** 2 + mu_eff)
    c_mu = min(1 - c_1, 2 * (0.25 + mu_eff + 1 / mu_eff - 2) / ((n + 2) ** 2 + mu_eff))
    d_sigma = 1 + 2 * max(0.0, math.sqrt((mu_eff - 1) / (n + 1)) - 1) + c_sigma
    share = min(1 + c_1 / c_mu, 1 + 2 * mu_eff_negative / (mu_eff + 2), (1 - c_1 - c_mu) / (n * c_mu))
    weights = positive / positive.sum() - share * negative / negative.sum()
    chi = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n**2))
    return _Constants(weights, float(mu_eff), c_sigma, d_sigma, c_c, c_1, c_mu, chi)


def _repaired(C: FloatArray) -> tuple[FloatArray, FloatArray]:
    """C made symmetric, with a condition number of at most 1e14, and its symmetric square root."""
    values, vectors = np.linalg.eigh((C + C.T) / 2)
    values = np.maximum(values, max(float(values[-1]), 1e-300) * 1e-14)
    return (vectors * values) @ vectors.T, (vectors * np.sqrt(values)) @ vectors.T
