"""Training curves: trends whose errors are correlated, step noise, forecasts, saturation, time to a target, periodicity.

Curves are losses (m,) at evenly spaced evaluations, oldest first. Long ones are averaged in blocks to at most 200 points before
a model is fitted. Errors are taken to follow a first-order autoregression whose correlation is not estimated but
averaged over, which is what keeps the error rates right on short windows (docs/validation.md, V8).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from tunewise.types import FloatArray

_RHO = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
_RHO_PRIOR = np.array([2, 2, 2, 2, 2, 3, 3, 4, 4, 4, 2]) / 30
_MOST = 200
_SHAPE_ERROR = 0.2
_POWERS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
_RATES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)


class Mixture(NamedTuple):
    """A mixture of Student's t distributions: weights, means, scales (k,) and one number of degrees of freedom."""

    weight: FloatArray
    mean: FloatArray
    scale: FloatArray
    df: float

    def above(self, x: float) -> float:
        """P(value > x)."""
        scale = np.maximum(self.scale, 1e-300)
        return float(self.weight @ stdtr(self.df, (self.mean - x) / scale))

    @property
    def centre(self) -> float:
        """The mean."""
        return float(self.weight @ self.mean)

    def quantile(self, p: float) -> float:
        """The p-quantile, by bisection."""
        reach = 60 * float(self.scale.max()) + 1e-300
        low, high = float(self.mean.min()) - reach, float(self.mean.max()) + reach
        for _ in range(70):
            middle = (low + high) / 2
            low, high = (middle, high) if 1 - self.above(middle) < p else (low, middle)
        return (low + high) / 2


def step_sd(y: FloatArray) -> float:
    """SD from one evaluation to the next, from second differences, so that a smooth trend does not count.

    y (m,), m >= 3. Bias +8 % at m = 10, under 2 % from m = 25 on an exponential curve with white noise; correlated noise is
    seen as smaller, as it should be: it moves less from one evaluation to the next.
    """
    second = y[:-2] - 2 * y[1:-1] + y[2:]
    return math.sqrt(float((second**2).mean()) / 6)


def lag_one(residual: FloatArray) -> float:
    """Lag-1 autocorrelation, with Marriott and Pope's small-sample correction, in [0, 0.95]."""
    total = float((residual**2).sum())
    n = len(residual)
    if total <= 0 or n < 4:
        return 0.0
    rho = float((residual[1:] * residual[:-1]).sum()) / total
    return min(0.95, max(0.0, rho + (1 + 4 * max(rho, 0.0)) / n))


def rise_of(y: FloatArray) -> Mixture:
    """The posterior of the rise of a straight line over the whole window y (m,), m >= 5; negative where it falls.

    Generalised least squares at each of 11 correlations, weighted by their restricted likelihoods. One minus ``above(0)`` is
    nearly a one-sided p-value: 5 % of healthy plateaus with correlations up to 0.5 (8 % at 0.8) get below 0.05.
    """
    y = thinned(y)
    return _fit(y, np.column_stack([np.ones(len(y)), np.linspace(0, 1, len(y))]), np.array([0.0, 1.0]))


def forecast(y: FloatArray, share: float = 0.25) -> Mixture:
    """The posterior of how much a curve will fall in a further ``share`` of its length, if training goes on as it does.

    Averages over decays a + b t^-c and a + b exp(-r t / T), c and r on a grid, fitted to the last two thirds. m >= 8. No real
    curve has exactly such a shape: a fifth of the gain is added to its standard error.
    """
    y = thinned(y)
    m = len(y)
    t = np.arange(1, m + 1) / m
    late = slice(m // 3, m)
    parts = []
    for shape in (*(_power(c) for c in _POWERS), *(_decay(r) for r in _RATES)):
        now, then = shape(np.array([1.0, 1.0 + share]))
        scale = float(np.ptp(shape(t[late]))) or 1.0
        X = np.column_stack([np.ones(m - m // 3), shape(t[late]) / scale])
        parts.append(_raw_fit(y[late], X, np.array([0.0, (now - then) / scale])))
    log_weight = np.concatenate([part[0] for part in parts])
    weight = np.exp(log_weight - log_weight.max())
    mean = np.concatenate([part[1] for part in parts])
    scale = np.hypot(np.concatenate([part[2] for part in parts]), _SHAPE_ERROR * mean)
    return Mixture(weight / weight.sum(), mean, scale, parts[0][3])


def _power(c: float) -> Callable[[FloatArray], FloatArray]:
    return lambda t: t**-c


def _decay(r: float) -> Callable[[FloatArray], FloatArray]:
    return lambda t: np.exp(-r * t)


def thinned(y: FloatArray, most: int = _MOST) -> FloatArray:
    """y (m,), or means of equal blocks of it where m > ``most``."""
    if len(y) <= most:
        return y
    edges = np.linspace(0, len(y), most + 1).astype(np.int64)
    return np.asarray(np.add.reduceat(y, edges[:-1]) / np.diff(edges))


def _fit(y: FloatArray, X: FloatArray, contrast: FloatArray) -> Mixture:
    log_weight, mean, scale, df = _raw_fit(y, X, contrast)
    weight = np.exp(log_weight - log_weight.max())
    return Mixture(weight / weight.sum(), mean, scale, df)


def _raw_fit(
    y: FloatArray, X: FloatArray, contrast: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """For each correlation: log weight, and mean and scale of contrast @ coefficients, given y (m,) and X (m, p)."""
    m, p = X.shape
    both = np.column_stack([X, y])
    root = np.sqrt(1 - _RHO**2)[:, None, None]
    white = np.concatenate(
        [np.repeat(both[None, :1], len(_RHO), 0), (both[1:] - _RHO[:, None, None] * both[:-1]) / root], axis=1
    )
    A, z = white[:, :, :p], white[:, :, p]
    G = np.linalg.inv(np.einsum("rij,rik->rjk", A, A) + 1e-12 * np.eye(p))
    coefficient = np.einsum("rjk,rik,ri->rj", G, A, z)
    residual = ((z - np.einsum("rij,rj->ri", A, coefficient)) ** 2).sum(axis=1)
    floor = 1e-24 * float((y**2).sum()) + 1e-300
    residual = np.maximum(residual, floor)
    df = float(m - p)
    log_weight = (
        np.log(_RHO_PRIOR)
        - 0.5 * (m - 1) * np.log(1 - _RHO**2)
        + 0.5 * np.linalg.slogdet(G)[1]
        - 0.5 * df * np.log(residual)
    )
    scale = np.sqrt(residual / df * np.einsum("j,rjk,k->r", contrast, G, contrast))
    return log_weight, coefficient @ contrast, scale, df


def settled(y: FloatArray, tolerance: float) -> int:
    """The earliest index after which the mean of what remains stays within ``tolerance`` of the final level, the next
    evaluations by themselves too. O(m).

    The final level is the mean of the last tenth (at least 3 evaluations); as many must not be above it at the place found. The
    mean of what remains alone is early: a long tail near the end hides a descent that goes on.
    """
    m = len(y)
    tail = max(3, m // 10)
    final = float(y[-tail:].mean())
    remaining = np.cumsum(y[::-1])[::-1] / np.arange(m, 0, -1)
    outside = np.flatnonzero(np.abs(remaining[: m - tail + 1] - final) > tolerance)
    start = int(outside[-1]) + 1 if len(outside) else 0
    total = np.append(0.0, np.cumsum(y))
    following = (total[tail:] - total[:-tail])[start:] / tail
    near = np.flatnonzero(following - final <= tolerance)
    return start + int(near[0]) if len(near) else start


def first_reaching(step: FloatArray, y: FloatArray, target: float) -> float:
    """The step at which a noisy falling curve reaches ``target``; NaN where it does not (censored at the last step).

    The crossing of a local straight line through 7 evaluations (fewer near the ends) with interpolation. The first single
    crossing is 8 to 26 % early under noise, and a trailing mean of 5 is late by two evaluations where noise is small.
    """
    smooth = local_line(y)
    below = np.flatnonzero(smooth <= target)
    if not len(below):
        return math.nan
    i = int(below[0])
    if i == 0:
        return float(step[0])
    share = (smooth[i - 1] - target) / (smooth[i - 1] - smooth[i])
    return float(step[i - 1] + share * (step[i] - step[i - 1]))


def local_line(y: FloatArray, width: int = 7) -> FloatArray:
    """Smoothed y (m,): at each place the value of a least-squares line through the ``width`` nearest evaluations."""
    m = len(y)
    width = min(width, m)
    if width < 3:
        return y
    start = np.clip(np.arange(m) - width // 2, 0, m - width)
    windows = y[start[:, None] + np.arange(width)]
    x = np.arange(width) - (width - 1) / 2
    slope = windows @ x / float(x @ x)
    return np.asarray(windows.mean(axis=1) + slope * (np.arange(m) - start - (width - 1) / 2))


class Period(NamedTuple):
    """The strongest period in evaluations, and the chance of a peak as high in autocorrelated noise."""

    length: float
    chance: float


def periodicity(y: FloatArray, draws: int = 400) -> Period:
    """Search the detrended curve (m >= 16) for a period between 2 and m/3 evaluations.

    The largest normalised ordinate of its periodogram against that of simulated first-order autoregressions with the
    curve's own lag-1 correlation, detrended alike. O(draws m log m).
    """
    y = y - local_line(y, max(9, len(y) // 2 * 2 // 2 + 1))
    power, length = _peaks(y[None])
    rng = np.random.default_rng(0)
    rho = lag_one(y)
    noise = rng.standard_normal((draws, len(y) + 30))
    for i in range(1, noise.shape[1]):
        noise[:, i] += rho * noise[:, i - 1]
    noise = noise[:, 30:]
    width = max(9, len(y) // 2 * 2 // 2 + 1)
    null, _ = _peaks(np.array([row - local_line(row, width) for row in noise]))
    return Period(float(length[0]), float((1 + (null >= power[0]).sum()) / (draws + 1)))


def _peaks(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    m = rows.shape[1]
    spectrum = np.abs(np.fft.rfft(rows, axis=1)) ** 2
    inside = slice(3, m // 2 + 1)
    total = spectrum[:, 1:].sum(axis=1)
    peak = spectrum[:, inside].argmax(axis=1) + 3
    return spectrum[np.arange(len(rows)), peak] / np.maximum(total, 1e-300), m / peak
