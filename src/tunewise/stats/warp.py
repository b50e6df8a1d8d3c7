"""Making losses look Gaussian before a surrogate sees them: winsorise, Yeo-Johnson, standardise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from tunewise.types import FloatArray


class Warp(NamedTuple):
    """An increasing map of losses: clip at ``cap``, standardise, Yeo-Johnson with ``power``, standardise again."""

    cap: float
    centre: float
    spread: float
    power: float
    shift: float
    width: float

    def __call__(self, loss: FloatArray) -> FloatArray:
        """Warped losses; all that lie above the cap are equal."""
        u = (np.minimum(loss, self.cap) - self.centre) / self.spread
        return np.asarray((yeo_johnson(u, self.power) - self.shift) / self.width)

    def log_slope(self, loss: FloatArray) -> FloatArray:
        """ln of the derivative of the map at (clipped) losses: the Jacobian that makes densities comparable."""
        u = (np.minimum(loss, self.cap) - self.centre) / self.spread
        slope = (self.power - 1) * np.sign(u) * np.log1p(np.abs(u))
        return np.asarray(slope - np.log(self.spread) - np.log(self.width))


def make_warp(loss: FloatArray, power: float | None) -> Warp:
    """The warp for finite losses (n,); ``power=None`` finds the Yeo-Johnson power of highest Gaussian likelihood.

    The bad side is clipped at the third quartile + 1.5 interquartile ranges (as Ax does), so that one near-divergence
    does not flatten everything else.
    """
    q1, median, q3 = np.quantile(loss, [0.25, 0.5, 0.75])
    with np.errstate(over="ignore", invalid="ignore"):
        cap = q3 + 1.5 * (q3 - q1)
    cap = float(cap) if np.isfinite(cap) and q3 > q1 else float(loss.max())
    clipped = np.minimum(loss, cap)
    with np.errstate(over="ignore", invalid="ignore"):
        centre, spread = float(clipped.mean()), float(clipped.std())
    if not np.isfinite([centre, spread]).all() or spread <= 1e-300:
        centre, spread = float(median), max(float(np.abs(clipped - median).max() / 2), 1e-300)
        spread = spread if np.isfinite(spread) else float(np.finfo(float).max / 4)
    u = (clipped - centre) / spread
    best = _likeliest_power(u) if power is None else power
    v = yeo_johnson(u, best)
    return Warp(cap, centre, spread, best, float(v.mean()), max(float(v.std()), 1e-12))


def yeo_johnson(u: FloatArray, power: float) -> FloatArray:
    """The transform of Yeo and Johnson (Biometrika 2000), for power in [0, 2]."""
    size = np.log1p(np.abs(u))
    up = size if abs(power) < 1e-9 else np.expm1(power * size) / power
    down = size if abs(2 - power) < 1e-9 else np.expm1((2 - power) * size) / (2 - power)
    return np.where(u >= 0, up, -down)


def _likeliest_power(u: FloatArray) -> float:
    def cost(power: float) -> float:
        v = yeo_johnson(u, power)
        jacobian = (power - 1) * float((np.sign(u) * np.log1p(np.abs(u))).sum())
        return 0.5 * len(u) * float(np.log(max(float(v.var()), 1e-300))) - jacobian

    return float(minimize_scalar(cost, bounds=(0.0, 2.0), method="bounded", options={"xatol": 1e-3}).x)
