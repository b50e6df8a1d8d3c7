"""How many steps until a target is met, for one curve and as a function of the learning rate."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from tunewise.types import BoolArray, FloatArray

_WINDOW = 5
_EM_STEPS = 60


def time_to_target(step: FloatArray, value: FloatArray, target: float) -> float:
    """The step at which a falling curve (n,) reaches ``target``, in a centred moving average of 5; inf if never.

    A single first crossing of a noisy curve comes 8 to 26 % early; the average is right within a few per cent.
    Between two averages the step is interpolated. Values that are not finite never meet the target.
    """
    width = min(_WINDOW, len(value))
    if width == 0:
        return math.inf
    smooth = np.convolve(np.where(np.isfinite(value), value, math.inf), np.full(width, 1 / width), "valid")
    centre = np.convolve(step, np.full(width, 1 / width), "valid")
    met = np.flatnonzero(smooth <= target)
    if len(met) == 0:
        return math.inf
    first = int(met[0])
    if first == 0 or not math.isfinite(smooth[first - 1]):
        return float(centre[first])
    share = (smooth[first - 1] - target) / (smooth[first - 1] - smooth[first])
    return float(centre[first - 1] + share * (centre[first] - centre[first - 1]))


class Fastest(NamedTuple):
    """The least time over a range of learning rates, its 90 % interval, and where it is."""

    time: float
    low: float
    high: float
    at: float


def fastest(
    lr: FloatArray, time: FloatArray, limit: float, rng: np.random.Generator, draws: int = 200
) -> Fastest | None:
    """The minimum of time to target (n,) over learning rates (n,), from noisy runs stopped at ``limit``.

    A quadratic of log time in log rate is fitted to the runs at the five rates nearest to the fastest one
    (Tobit regression by EM: a run that did not get there took longer than ``limit``); its least value within
    their range is the answer. The interval is a parametric bootstrap of ``draws`` fits. With fewer than three runs
    that got there it is the fastest of them, and the interval reaches to ``limit``. None where no run met the target.

    ``time`` is inf for runs that did not get there; leave out runs that diverged: they say nothing about the
    curve on this side of the cliff. Source: the learning-rate sweep of Google's Tuning Playbook, made smooth.
    """
    got = np.isfinite(time)
    if not got.any():
        return None
    if got.sum() < 3:
        first = int(np.argmin(time))
        return Fastest(float(time[first]), float(time[first]), limit, float(lr[first]))
    x = np.log(lr)
    near = _nearest_rates(x, float(x[np.argmin(np.where(got, time, math.inf))]))
    x, censored = x[near], ~got[near]
    y = np.log(np.where(censored, limit, time[near]))
    shift = float(x.mean())
    u = x - shift
    degree = min(2, len(np.unique(u)) - 1)
    fit, sd = _tobit(u, y, censored, degree)
    at, low = _least(fit, u[~censored])
    lows = []
    for _ in range(draws):
        z = np.polyval(fit, u) + sd * rng.standard_normal(len(u))
        again = z > math.log(limit)
        if not again.all():
            redrawn, _ = _tobit(u, np.minimum(z, math.log(limit)), again, degree)
            lows.append(_least(redrawn, u[~again])[1])
    spread = np.quantile(lows, [0.05, 0.95]) if lows else (low, low)
    return Fastest(math.exp(low), math.exp(spread[0]), math.exp(spread[1]), math.exp(at + shift))


def _nearest_rates(x: FloatArray, best: float) -> BoolArray:
    """The runs at the five distinct rates nearest to the best one, two on each side where there are so many."""
    rates = np.unique(x)
    place = int(np.argmin(np.abs(rates - best)))
    start = max(0, min(place - 2, len(rates) - 5))
    return np.isin(x, rates[start : start + 5])


def _tobit(x: FloatArray, y: FloatArray, censored: BoolArray, degree: int) -> tuple[FloatArray, float]:
    """Coefficients (highest power first) and residual SD of y on x; where censored, y is a lower bound."""
    design = np.vander(x, degree + 1)
    solve = np.linalg.pinv(design)
    z, extra = y.copy(), np.zeros(len(y))
    fit, sd = solve @ z, 0.1
    for _ in range(_EM_STEPS):
        fit = solve @ z
        mean = design @ fit
        df = max(1, len(y) - degree - 1)
        sd = max(1e-6, math.sqrt(float((((z - mean) ** 2) + extra).sum()) / df))
        if not censored.any():
            break
        a = (y[censored] - mean[censored]) / sd
        hazard = np.exp(-0.5 * a**2 - 0.5 * math.log(2 * math.pi) - log_ndtr(-a))
        z[censored] = mean[censored] + sd * hazard
        extra[censored] = sd**2 * np.maximum(0.0, 1 + a * hazard - hazard**2)
    return fit, sd


def _least(fit: FloatArray, x: FloatArray) -> tuple[float, float]:
    """(where, value) of the least value of a polynomial over the range of x."""
    low, high = float(x.min()), float(x.max())
    ends = [low, high]
    if len(fit) == 3 and fit[0] > 0:
        ends.append(min(high, max(low, float(-fit[1] / (2 * fit[0])))))
    return min(((at, float(np.polyval(fit, at))) for at in ends), key=lambda pair: pair[1])
