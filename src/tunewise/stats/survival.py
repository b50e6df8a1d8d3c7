"""Times that may be censored: runs that never reached a target say "later than this", they are not missing.

Steps are positive numbers; ``reached`` (n,) says which were observed, the others are censored at their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_ndtr, stdtrit

from tunewise.types import BoolArray, FloatArray


class Tobit(NamedTuple):
    """A linear regression with right-censored answers: coefficients (p,), their covariance (p, p), residual SD."""

    coefficient: FloatArray
    covariance: FloatArray
    sd: float


def tobit(X: FloatArray, y: FloatArray, reached: BoolArray, least_sd: float = 1e-3) -> Tobit:
    """Maximum likelihood of y (n,) on X (n, p) where y is only a lower bound if not ``reached``. Tobin 1958.

    ``least_sd`` keeps the residual SD away from 0 where the fit is perfect; the SD is corrected for p by n / (n - p).
    """
    n, p = X.shape
    start = np.linalg.lstsq(X, y, rcond=None)[0]
    sd = max(float(np.sqrt(((y - X @ start) ** 2).mean())), least_sd)

    def cost(theta: FloatArray) -> tuple[float, FloatArray]:
        sigma = least_sd + math.exp(theta[p])
        z = (y - X @ theta[:p]) / sigma
        value = float(
            (0.5 * z[reached] ** 2).sum() + reached.sum() * math.log(sigma) - log_ndtr(-z[~reached]).sum()
        )
        hazard = np.exp(-0.5 * z[~reached] ** 2 - 0.9189385332 - log_ndtr(-z[~reached]))
        pull = np.where(reached, z, 0.0)
        pull[~reached] = hazard
        by_sigma = (reached.sum() - (pull * z).sum()) / sigma
        return value, np.append(-(X.T @ pull) / sigma, by_sigma * math.exp(theta[p]))

    found = minimize(
        cost,
        np.append(start, math.log(sd)),
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None)] * p + [(-12, 6)],
    )
    sigma = least_sd + math.exp(found.x[p])
    sigma *= math.sqrt(n / max(n - p, 1))
    z = (y - X @ found.x[:p]) / sigma
    hazard = np.exp(-0.5 * z**2 - 0.9189385332 - log_ndtr(-z))
    information = np.where(reached, 1.0, np.clip(hazard * (hazard - z), 0, 1))
    precision = (X * information[:, None]).T @ X / sigma**2
    return Tobit(found.x[:p], np.asarray(np.linalg.pinv(precision), dtype=np.float64), sigma)


class Fastest(NamedTuple):
    """The answer of a learning-rate sweep.

    Attributes:
        lr: the rate of the fastest run by the fit; NaN where no run reached the target.
        steps: steps it needs, ``low`` and ``high`` their 90 % interval.
        edge: "low" or "high" where the fastest rate is at the end of the rates that worked and of the grid, so that faster
            ones may lie outside; "" inside.
        unstable: the lowest rate that failed above the fastest one; NaN where none did.
        grid, fit: the fitted curve, for a picture.
    """

    lr: float
    steps: float
    low: float
    high: float
    edge: str
    unstable: float
    grid: FloatArray
    fit: FloatArray


def fastest(lr: FloatArray, steps: FloatArray, reached: BoolArray) -> Fastest:
    """Steps to a target against a constant learning rate: the minimum of a censored parabola of logs.

    lr (n,) and steps (n,), several runs of one rate allowed; ``steps`` of a run that did not get there is its length. The
    parabola is fitted to the 5 rates nearest the fastest one (geometric means of repeats count once); runs above it that
    failed are beyond the edge of stability and are left out, runs below it that were too slow are censored. The minimum
    stays in the fitted range.

    Raises:
        ValueError: no rate.
    """
    if not len(lr):
        raise ValueError("A sweep needs at least one learning rate.")
    rates = np.unique(lr)
    worked = np.array([reached[lr == rate].any() for rate in rates])
    nothing = np.empty(0)
    if not worked.any():
        return Fastest(math.nan, math.nan, math.nan, math.nan, "", math.nan, nothing, nothing)
    mean = np.array(
        [
            np.log(steps[(lr == r) & reached]).mean() if w else math.inf
            for r, w in zip(rates, worked, strict=True)
        ]
    )
    best = int(mean.argmin())
    failed = [float(r) for r in rates[best + 1 :][~worked[best + 1 :]]]
    unstable = failed[0] if failed else math.nan
    usable = np.flatnonzero(worked | (np.arange(len(rates)) < best))
    near = usable[np.argsort(np.abs(np.log(rates[usable] / rates[best])), kind="stable")[:5]]
    edge = "low" if best == 0 else "high" if best == len(rates) - 1 else ""
    chosen = np.isin(lr, rates[near]) & (reached | (lr < rates[best]))
    x, y = np.log(lr[chosen] / rates[best]), np.log(steps[chosen])
    lowest, log_steps, error, curve = _vertex(x, y, reached[chosen])
    grid = np.linspace(x.min(), x.max(), 41)
    reach = float(stdtrit(max(len(x) - 3, 1), 0.95)) * error
    return Fastest(
        float(rates[best] * math.exp(lowest)), math.exp(log_steps), math.exp(log_steps - reach),
        math.exp(log_steps + reach), edge, unstable, rates[best] * np.exp(grid), np.exp(curve(grid)),
    )  # fmt: skip


def _vertex(
    x: FloatArray, y: FloatArray, reached: BoolArray
) -> tuple[float, float, float, Callable[[FloatArray], FloatArray]]:
    """Place and height of the minimum of a parabola in the range of x, the height's standard error, and the parabola."""
    degree = min(
        2, len(np.unique(x[reached])) - 1
    )  # rates that are only known to be slow do not fix a curvature
    X = np.vander(x, degree + 1, increasing=True)
    fit = tobit(X, y, reached, least_sd=0.02)
    c = fit.coefficient
    ends = np.array([x.min(), x.max()])
    at = -c[1] / (2 * c[2]) if degree == 2 and c[2] > 0 else ends[np.polyval(c[::-1], ends).argmin()]
    at = float(np.clip(at, *ends))
    row = at ** np.arange(degree + 1)
    error = math.sqrt(float(row @ fit.covariance @ row))
    return at, float(row @ c), error, lambda t: np.asarray(np.polyval(c[::-1], t), dtype=np.float64)
