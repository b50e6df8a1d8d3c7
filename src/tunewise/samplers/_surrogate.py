"""What a Gaussian-process sampler believes: a process over warped losses, and one over where trials survive.

The hyperparameters are functions of the first trials alone, refitted as the study grows by a tenth, so that any worker, at
any time, computes the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tunewise.samplers._features import feature_groups, features
from tunewise.samplers._observations import Observations
from tunewise.samplers._order import checkpoint
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
from tunewise.types import BoolArray, FloatArray, IntArray

MOST_POINTS = 256
_FAILURE_NOISE = 0.25
_CAUTION = 2.0  # the power of the probability of success


class Fitted(NamedTuple):
    """What is learned from the first trials: a warp and a set of hyperparameters."""

    warp: Warp
    hyper: gp.Hyper


class Improvement(NamedTuple):
    """The acquisition: log expected improvement on ``best`` plus log probability of success, squared."""

    model: gp.Posterior
    best: float
    success: gp.Posterior | None

    def value(self, Z: FloatArray) -> FloatArray:
        """(m,) at features Z (m, D)."""
        value = log_expected_improvement(*gp.predict(self.model, Z), self.best)
        if self.success is None:
            return value
        return np.asarray(value + _CAUTION * log_probability_positive(*gp.predict(self.success, Z)))

    def value_and_gradient(self, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m, D) at features Z (m, D)."""
        mu, sigma, *slopes = gp.predict_with_gradient(self.model, Z)
        value, *weights = log_expected_improvement_gradient(mu, sigma, self.best)
        gradient = _chain(weights, slopes)
        if self.success is not None:
            mu, sigma, *slopes = gp.predict_with_gradient(self.success, Z)
            log_p, *weights = log_probability_positive_gradient(mu, sigma)
            value, gradient = value + _CAUTION * log_p, gradient + _CAUTION * _chain(weights, slopes)
        return value, gradient


def improvement(
    model: gp.Posterior, fitted: Fitted, space: Space, seen: Observations, loss: FloatArray, bad: BoolArray
) -> tuple[Improvement, FloatArray]:
    """The acquisition, and the posterior means (g,) at the trials that went well, the best of which is to be improved."""
    Z = features(space, seen.X)
    mu, _ = gp.predict(model, Z[~bad])
    success = None
    if bad.any():
        rows = subset(Z, loss, bad)
        labels = np.where(bad[rows], -1.0, 1.0)
        hyper = fitted.hyper._replace(signal_var=1.0, noise_var=0.05)
        success = gp.condition(Z[rows], labels, feature_groups(space), np.zeros(len(rows)), hyper)
    return Improvement(model, float(mu.min()), success), mu


def _chain(weights: list[FloatArray], slopes: list[FloatArray]) -> FloatArray:
    return np.asarray(sum(w[:, None] * slope for w, slope in zip(weights, slopes, strict=True)))


def surrogate(
    trials: Trials, space: Space, seen: Observations, loss: FloatArray, bad: BoolArray, key: str | None
) -> tuple[gp.Posterior, Fitted]:
    """The process given all finished trials and, as if they had gone as expected, the pending ones."""
    group = feature_groups(space)
    Z = features(space, seen.X)
    n_fit = checkpoint(len(loss))
    if key is None or np.isfinite(loss[:n_fit][~bad[:n_fit]]).sum() < 2:
        fitted = _fit(Z, loss, bad, group)
    else:
        name = ("gp", key, space.pinned({}), n_fit, int(seen.rows[n_fit - 1]))
        fitted = trials.remember(name, lambda: _fit(Z[:n_fit], loss[:n_fit], bad[:n_fit], group))
    rows = subset(Z, loss, bad)
    y, extra = _targets(fitted.warp, loss[rows], bad[rows])
    model = gp.condition(Z[rows], y, group, extra, fitted.hyper)
    if len(seen.pending):
        Z_pending = features(space, seen.pending)
        believed, _ = gp.predict(model, Z_pending)
        Z_all, zeros = np.concatenate([Z[rows], Z_pending]), np.zeros(len(Z_pending))
        model = gp.condition(Z_all, np.append(y, believed), group, np.append(extra, zeros), fitted.hyper)
    return model, fitted


def _fit(Z: FloatArray, loss: FloatArray, bad: BoolArray, group: IntArray) -> Fitted:
    """The warp and hyperparameters that predict left-out losses best, of two warps."""
    rows = subset(Z, loss, bad)
    best: tuple[float, Fitted] | None = None
    for power in (1.0, None):
        warp = make_warp(loss[~bad], power)
        y, extra = _targets(warp, loss[rows], bad[rows])
        hyper = gp.fit(Z[rows], y, group, extra)
        mu, sigma = gp.leave_one_out(gp.condition(Z[rows], y, group, extra, hyper), y)
        good = ~bad[rows]
        density = -0.5 * ((y - mu) / sigma) ** 2 - np.log(sigma)
        total = float((density[good] + warp.log_slope(loss[rows][good])).sum())
        if best is None or total > best[0]:
            best = (total, Fitted(warp, hyper))
    assert best is not None
    return best[1]


def _targets(warp: Any, loss: FloatArray, bad: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Warped losses, a failure at the worst plus half the range, and the extra noise of each."""
    known = ~bad & np.isfinite(loss)
    y = warp(np.where(known, loss, warp.centre))
    worst, low = (float(y[known].max()), float(y[known].min())) if known.any() else (1.0, -1.0)
    y = np.where(known, y, worst + 0.5 * (worst - low))
    return y, np.where(known, 0.0, _FAILURE_NOISE)


def subset(Z: FloatArray, loss: FloatArray, bad: BoolArray) -> IntArray:
    """At most 256 rows: the best, the nearest to the best, and an even spread of the rest; ascending."""
    n = len(Z)
    if n <= MOST_POINTS:
        return np.arange(n)
    order = np.argsort(np.where(bad, np.inf, loss), kind="stable")
    best = order[:64]
    distance = ((Z - Z[order[0]]) ** 2).sum(axis=1)
    near = np.argsort(distance, kind="stable")[:160]
    spread = np.linspace(0, n - 1, 64).astype(np.int64)
    chosen = dict.fromkeys([*best.tolist(), *near.tolist(), *spread.tolist()])
    return np.asarray(np.sort(np.array(list(chosen)[:MOST_POINTS])))
