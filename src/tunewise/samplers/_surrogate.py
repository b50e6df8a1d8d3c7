"""What a Gaussian-process sampler believes: a process over warped losses, and one over where trials survive.

The hyperparameters are functions of the first trials alone, refitted as the study grows by a tenth, so that any worker, at
any time, computes the same.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr

from tunewise.samplers._features import feature_groups, features
from tunewise.samplers._observations import Observations
from tunewise.samplers._order import checkpoint
from tunewise.samplers._region import RegionOf, whole
from tunewise.samplers._transfer import Trend
from tunewise.space import Space
from tunewise.stats import gp
from tunewise.stats.acquisition import (
    log_expected_improvement,
    log_expected_improvement_gradient,
    log_probability_positive,
    log_probability_positive_gradient,
)
from tunewise.stats.warp import Warp, make_warp
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray

MOST_POINTS = 256
_MOST_TO_FIT = 128
_FAILURE_NOISE = 0.25
_SHARES = (0.0, 0.5, 1.0)
_CAUTION = 2.0  # the power of the probability of success
_BARRIER = 100.0
_RECENT = 20
_LEAST_SCORE, _SCORE_PER_SHARE = 1.0, 10.0  # of normal quantiles
_HOPELESS = 1000.0


class Fitted(NamedTuple):
    """What is learned from the first trials: a warp and a set of hyperparameters.

    ``skill`` says by how many nats the process predicts left-out losses better than their mean and spread do; ``share``, how
    much of the trend of earlier studies helps it.
    """

    warp: Warp
    hyper: gp.Hyper
    skill: float
    share: float


class Model(NamedTuple):
    """A process over warped losses: ``share`` times the trend of earlier studies, and what remains."""

    rest: gp.Posterior
    trend: Trend | None
    share: float
    offset: float

    def predict(self, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation (m,) at features Z (m, D)."""
        mu, sigma = gp.predict(self.rest, Z)
        return mu + _shift(self.trend, self.share, self.offset, Z), sigma

    def predict_with_gradient(self, Z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """The same, and the gradients (m, D) of both."""
        mu, sigma, d_mu, d_sigma = gp.predict_with_gradient(self.rest, Z)
        if self.trend is not None and self.share:
            mu = mu + _shift(self.trend, self.share, self.offset, Z)
            d_mu = d_mu + self.share * self.trend.slope(Z)
        return mu, sigma, d_mu, d_sigma


class Improvement(NamedTuple):
    """The acquisition: log expected improvement on ``best`` plus log probability of success, squared.

    What falls short of the log probability ``floor`` counts `_BARRIER` times more, which only leaves points below it where
    there is nothing else.
    """

    model: Model
    best: float
    success: gp.Posterior | None
    floor: float

    def value(self, Z: FloatArray) -> FloatArray:
        """(m,) at features Z (m, D)."""
        value = log_expected_improvement(*self.model.predict(Z), self.best)
        if self.success is None:
            return value
        log_p = log_probability_positive(*gp.predict(self.success, Z))
        return np.asarray(value + _CAUTION * log_p + _BARRIER * np.minimum(log_p - self.floor, 0.0))

    def value_and_gradient(self, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m, D) at features Z (m, D)."""
        mu, sigma, *slopes = self.model.predict_with_gradient(Z)
        value, *weights = log_expected_improvement_gradient(mu, sigma, self.best)
        gradient = _chain(weights, slopes)
        if self.success is not None:
            mu, sigma, *slopes = gp.predict_with_gradient(self.success, Z)
            log_p, *weights = log_probability_positive_gradient(mu, sigma)
            short = log_p < self.floor
            value = value + _CAUTION * log_p + _BARRIER * np.where(short, log_p - self.floor, 0.0)
            caution = _CAUTION + _BARRIER * short
            gradient = gradient + caution[:, None] * _chain(weights, slopes)
        return value, gradient


def improvement(
    model: Model, fitted: Fitted, space: Space, seen: Observations, floor: float
) -> tuple[Improvement, FloatArray]:
    """The acquisition, and the posterior means (g,) at the trials that went well, the best of which is to be improved."""
    Z, bad = features(space, seen.X), seen.infeasible
    mu, _ = model.predict(Z[~bad])
    success = None
    if bad.any():
        hyper = fitted.hyper._replace(signal_var=1.0, noise_var=0.05, quadratic_var=0.0)
        success = gp.condition(Z, np.where(bad, -1.0, 1.0), feature_groups(space), np.zeros(len(Z)), hyper)
    return Improvement(model, float(mu.min()), success, floor), mu


def _chain(weights: list[FloatArray], slopes: list[FloatArray]) -> FloatArray:
    return np.asarray(sum(w[:, None] * slope for w, slope in zip(weights, slopes, strict=True)))


def learnt(
    trials: Trials,
    space: Space,
    seen: Observations,
    key: str | None,
    region_of: RegionOf = whole,
    trend: Trend | None = None,
) -> Fitted:
    """What the first trials of a region teach, remembered until there are a tenth more.

    ``key`` is the name of the loss; None if it is made up for this one suggestion.
    """
    first = seen if key is None else seen.take(slice(checkpoint(len(seen.loss))))
    if len(first.loss) - first.infeasible.sum() < 2:
        first = seen

    def fit() -> Fitted:
        return _fit(space, region_of(space, first).view(first), trend)

    if key is None or first is seen:
        return fit()
    name = ("gp", key, region_of.__name__, space.pinned({}), len(first.loss), int(first.rows[-1]))
    return trials.remember(name, fit)


def posterior(space: Space, seen: Observations, fitted: Fitted, trend: Trend | None = None) -> Model:
    """The process given finished trials and, as if they had gone as expected, the pending ones."""
    Z, group = features(space, seen.X), feature_groups(space)
    y, extra = _targets(fitted.warp, seen)
    offset = _offset(trend, fitted.share, Z)
    y = y - _shift(trend, fitted.share, offset, Z)
    model = gp.condition(Z, y, group, extra, fitted.hyper)
    if len(seen.pending):
        Z_pending = features(space, seen.pending)
        believed, _ = gp.predict(model, Z_pending)
        Z_all, zeros = np.concatenate([Z, Z_pending]), np.zeros(len(Z_pending))
        model = gp.condition(Z_all, np.append(y, believed), group, np.append(extra, zeros), fitted.hyper)
    return Model(model, trend, fitted.share, offset)


def _shift(trend: Trend | None, share: float, offset: float, Z: FloatArray) -> FloatArray | float:
    return 0.0 if trend is None or not share else share * trend.mean(Z) - offset


def _offset(trend: Trend | None, share: float, Z: FloatArray) -> float:
    """The mean of the trend where there are data, which is left to the process."""
    return 0.0 if trend is None or not share else share * float(trend.mean(Z).mean())


def _fit(space: Space, seen: Observations, trend: Trend | None) -> Fitted:
    """The warp, share of the trend and hyperparameters that predict left-out losses best, of a few."""
    chosen = most_telling(space, seen, _MOST_TO_FIT)
    Z, group = features(space, chosen.X), feature_groups(space)
    good = ~chosen.infeasible
    best: tuple[float, Fitted] | None = None
    for share in (0.0,) if trend is None else _SHARES:
        shift = _shift(trend, share, _offset(trend, share, Z), Z)
        for power in (1.0, None):
            warp = make_warp(seen.loss[~seen.infeasible], power)
            y, extra = _targets(warp, chosen)
            rest = y - shift
            hyper = gp.fit(Z, rest, group, extra, with_quadratic=True)
            left_out = gp.leave_one_out(gp.condition(Z, rest, group, extra, hyper), rest)
            density = _log_density(rest, *left_out)[good].sum()
            total = float(density + warp.log_slope(chosen.loss[good]).sum())
            if best is None or total > best[0]:
                best = total, Fitted(warp, hyper, float(density - _guessed(y[good])), share)
    assert best is not None
    return best[1]


def _guessed(y: FloatArray) -> float:
    """The log density of each y (n,) under the normal distribution of all others, summed; -inf below 3."""
    n = len(y)
    if n < 3:
        return -math.inf
    mean = (y.sum() - y) / (n - 1)
    square = ((y - y.mean()) ** 2).sum()
    variance = np.maximum((square - (y - y.mean()) ** 2 * n / (n - 1)) / (n - 2), 1e-12) * n / (n - 1)
    return float(_log_density(y, mean, np.sqrt(variance)).sum())


def _log_density(y: FloatArray, mean: FloatArray, sd: FloatArray) -> FloatArray:
    return np.asarray(-0.5 * ((y - mean) / sd) ** 2 - np.log(sd))


def _targets(warp: Warp, seen: Observations) -> tuple[FloatArray, FloatArray]:
    """Warped losses, a failure at the worst plus half the range, and the extra noise of each."""
    known = ~seen.infeasible & np.isfinite(seen.loss)
    y = warp(np.where(known, seen.loss, warp.centre))
    worst, low = (float(y[known].max()), float(y[known].min())) if known.any() else (1.0, -1.0)
    y = np.where(known, y, worst + 0.5 * (worst - low))
    return y, np.where(known, 0.0, _FAILURE_NOISE)


def most_telling(space: Space, seen: Observations, most: int = MOST_POINTS) -> Observations:
    """At most so many trials: the best, the nearest to the best one, and an even spread of the rest, in their order."""
    n = len(seen.loss)
    if n <= most:
        return seen
    Z = features(space, seen.X)
    order = np.argsort(np.where(seen.infeasible, np.inf, seen.loss), kind="stable")
    distance = ((Z - Z[order[0]]) ** 2).sum(axis=1)
    near = np.argsort(distance, kind="stable")[: 5 * most // 8]
    spread = np.linspace(0, n - 1, most // 4).astype(np.int64)
    chosen = dict.fromkeys([*order[: most // 4].tolist(), *near.tolist(), *spread.tolist()])
    return seen.take(np.sort(np.array(list(chosen)[:most])))


def least_probability(infeasible: BoolArray) -> float:
    """The log probability of success that a suggestion must have: the more of the last 20 trials went wrong, the higher.

    A thermostat. What a search believes of places where it has not been is most wrong where the search most wants to go, so a
    fixed bar lets through far more failures than it promises.
    """
    share = float(infeasible[-_RECENT:].mean()) if len(infeasible) else 0.0
    return float(log_ndtr(_LEAST_SCORE + _SCORE_PER_SHARE * share))


def hopeless(loss: FloatArray) -> BoolArray:
    """Which losses (n,) are as good as diverged: 1,000 times as far above the third quartile as that is above the best."""
    known = loss[np.isfinite(loss)]
    if not len(known):
        return np.zeros(len(loss), dtype=bool)
    best, q3 = np.quantile(known, [0.0, 0.75])
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray((loss - q3 > _HOPELESS * (q3 - best)) & (q3 > best))
