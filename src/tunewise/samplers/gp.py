"""Bayesian optimisation with a Gaussian process that understands diverged trials.

Losses are winsorised and warped (the warp that predicts left-out losses best); a diverged trial counts as worse than all
others, with extra noise, and a second process models where trials survive. The next point has the highest log expected
improvement plus log probability of success. Hyperparameters are functions of the first trials alone, refitted as the
study grows by a tenth, so that any worker, at any time, computes the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tunewise.errors import NoTrials
from tunewise.samplers._acquire import maximise
from tunewise.samplers._features import feature_groups, features, legal
from tunewise.samplers._observations import Observations, observations
from tunewise.samplers.qmc import points_of
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray

_MOST_POINTS = 256
_FAILURE_NOISE = 0.25


class _Fitted(NamedTuple):
    """What is learned from the first trials: a warp and two sets of hyperparameters."""

    warp: Any
    hyper: Any


@dataclass(frozen=True)
class GP:
    """Gaussian-process search: best for up to a few hundred trials; numbers, choices and conditions alike.

    The first ``n_startup`` trials (default: clip(d / 2, 4, 10)) are the centre of the space and scrambled Sobol points.
    Several goals are scalarised anew for every trial (augmented Chebyshev, random weights, as in ParEGO).
    Cost: O(n^3) with n capped at 256, the most informative trials beyond.
    """

    n_startup: int | None = None
    name: ClassVar[str] = "gp"

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """One point; see the module's text. The order of the parameters changes nothing."""
        ordered = space.subset(sorted(space.names))
        raw = self._suggest(trials, ordered, number, rng)
        return raw[[ordered.names.index(name) for name in space.names]]

    def _suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        seen = observations(trials, space, number)
        if np.isfinite(seen.loss).sum() + seen.infeasible.sum() < self._startup(space):
            return self._first(trials, space, number)
        loss = _one_loss(trials, seen, rng)
        bad = seen.infeasible | (seen.violation > 0)
        if not np.isfinite(loss[~bad]).any() or space.n_dims == 0:
            return self._escape(space, seen, bad, rng)
        return self._improve(trials, space, seen, loss, bad, rng)

    def predict(self, trials: Trials, space: Space, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation (m,) of the first goal's loss at raw (m, d), to first order in the warp.

        Raises:
            NoTrials: fewer than two finished trials hold the space.
        """
        from tunewise.stats import gp

        seen = observations(trials, space)
        bad = seen.infeasible
        if (~bad).sum() < 2:
            raise NoTrials("A prediction needs at least 2 finished trials; run some first.")
        model, fitted = _model(trials, space, seen, seen.loss, bad, trials.goals[0].name)
        mu, sigma = gp.predict(model, features(space, space.to_unit(raw)))
        grid = np.quantile(seen.loss[~bad], np.linspace(0, 1, 65))
        warped = np.maximum.accumulate(fitted.warp(grid) + 1e-9 * np.arange(65))
        low, mid, high = (np.interp(v, warped, grid) for v in (mu - sigma, mu, mu + sigma))
        return mid, (high - low) / 2

    def _startup(self, space: Space) -> int:
        return self.n_startup if self.n_startup is not None else int(np.clip(-(-space.n_dims // 2), 4, 10))

    def _first(self, trials: Trials, space: Space, number: int) -> FloatArray:
        if number == 0:
            start = np.array([0.5 if domain.is_numeric else 0.0 for domain in space.domains])
            return legal(space, start)
        sequence = points_of("sobol", trials.seed, space.names, trials.names)
        return legal(space, sequence(np.array([number]))[0])

    def _escape(
        self, space: Space, seen: Observations, bad: BoolArray, rng: np.random.Generator
    ) -> FloatArray:
        """Nothing has succeeded yet: go where failures are farthest."""
        Z = features(space, seen.X[bad]) if bad.any() else np.zeros((0, 1))
        if not len(Z):
            return np.asarray(space.sample(rng, 1)[0])
        candidates = space.sample(rng, 200)
        far = features(space, space.to_unit(candidates))
        distance = ((far[:, None, :] - Z[None, -_MOST_POINTS:, :]) ** 2).sum(axis=2).min(axis=1)
        return np.asarray(candidates[np.argmax(distance)])

    def _improve(
        self, trials: Trials, space: Space, seen: Observations, loss: FloatArray, bad: BoolArray,
        rng: np.random.Generator,
    ) -> FloatArray:  # fmt: skip
        from tunewise.stats import gp
        from tunewise.stats.acquisition import log_expected_improvement, log_probability_positive

        key = trials.goals[0].name if len(trials.goals) == 1 else None
        model, fitted = _model(trials, space, seen, loss, bad, key)
        group = feature_groups(space)
        Z = features(space, seen.X)
        mu_seen, _ = gp.predict(model, Z[~bad])
        best = float(mu_seen.min())
        success = None
        if bad.any():
            rows = _subset(Z, loss, bad)
            labels = np.where(bad[rows], -1.0, 1.0)
            hyper = fitted.hyper._replace(signal_var=1.0, noise_var=0.05)
            success = gp.condition(Z[rows], labels, group, np.zeros(len(rows)), hyper)

        def score(raw: FloatArray) -> FloatArray:
            z = features(space, space.to_unit(raw))
            value = log_expected_improvement(*gp.predict(model, z), best)
            return value if success is None else value + 2 * log_probability_positive(*gp.predict(success, z))

        good = np.flatnonzero(~bad)
        top = good[np.argsort(mu_seen, kind="stable")[:8]]
        visited = np.concatenate([seen.X, seen.pending])
        return maximise(score, space, np.nan_to_num(seen.X[top], nan=0.5), _raw(space, visited), rng)


def _model(
    trials: Trials, space: Space, seen: Observations, loss: FloatArray, bad: BoolArray, key: str | None
) -> tuple[Any, _Fitted]:
    """The process given all finished trials and, as if they had gone as expected, the pending ones."""
    from tunewise.stats import gp

    group = feature_groups(space)
    Z = features(space, seen.X)
    n_fit = _checkpoint(len(loss))
    if key is None or np.isfinite(loss[:n_fit][~bad[:n_fit]]).sum() < 2:
        fitted = _fit(Z, loss, bad, group)
    else:
        name = ("gp", key, space.pinned({}), n_fit, int(seen.rows[n_fit - 1]))
        fitted = trials.remember(name, lambda: _fit(Z[:n_fit], loss[:n_fit], bad[:n_fit], group))
    rows = _subset(Z, loss, bad)
    y, extra = _targets(fitted.warp, loss[rows], bad[rows])
    model = gp.condition(Z[rows], y, group, extra, fitted.hyper)
    if len(seen.pending):
        Z_pending = features(space, seen.pending)
        believed, _ = gp.predict(model, Z_pending)
        Z_all, zeros = np.concatenate([Z[rows], Z_pending]), np.zeros(len(Z_pending))
        model = gp.condition(Z_all, np.append(y, believed), group, np.append(extra, zeros), fitted.hyper)
    return model, fitted


def _fit(Z: FloatArray, loss: FloatArray, bad: BoolArray, group: IntArray) -> _Fitted:
    """The warp and hyperparameters that predict left-out losses best, of two warps."""
    from tunewise.stats import gp
    from tunewise.stats.warp import make_warp

    rows = _subset(Z, loss, bad)
    best: tuple[float, _Fitted] | None = None
    for power in (1.0, None):
        warp = make_warp(loss[~bad], power)
        y, extra = _targets(warp, loss[rows], bad[rows])
        hyper = gp.fit(Z[rows], y, group, extra)
        mu, sigma = gp.leave_one_out(gp.condition(Z[rows], y, group, extra, hyper), y)
        good = ~bad[rows]
        density = -0.5 * ((y - mu) / sigma) ** 2 - np.log(sigma)
        total = float((density[good] + warp.log_slope(loss[rows][good])).sum())
        if best is None or total > best[0]:
            best = (total, _Fitted(warp, hyper))
    assert best is not None
    return best[1]


def _targets(warp: Any, loss: FloatArray, bad: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Warped losses, a failure at the worst plus half the range, and the extra noise of each."""
    known = ~bad & np.isfinite(loss)
    y = warp(np.where(known, loss, warp.centre))
    worst, low = (float(y[known].max()), float(y[known].min())) if known.any() else (1.0, -1.0)
    y = np.where(known, y, worst + 0.5 * (worst - low))
    return y, np.where(known, 0.0, _FAILURE_NOISE)


def _subset(Z: FloatArray, loss: FloatArray, bad: BoolArray) -> IntArray:
    """At most 256 rows: the best, the nearest to the best, and an even spread of the rest; ascending."""
    n = len(Z)
    if n <= _MOST_POINTS:
        return np.arange(n)
    order = np.argsort(np.where(bad, np.inf, loss), kind="stable")
    best = order[:64]
    distance = ((Z - Z[order[0]]) ** 2).sum(axis=1)
    near = np.argsort(distance, kind="stable")[:160]
    spread = np.linspace(0, n - 1, 64).astype(np.int64)
    chosen = dict.fromkeys([*best.tolist(), *near.tolist(), *spread.tolist()])
    return np.asarray(np.sort(np.array(list(chosen)[:_MOST_POINTS])))


def _checkpoint(n: int) -> int:
    """The latest of 2, 3, ..., 20, 22, 24, 26, ... (a tenth more each time) that is not above n."""
    at = min(n, 20)
    while (following := at + max(1, at // 10)) <= n and at >= 20:
        at = following
    return at


def _one_loss(trials: Trials, seen: Observations, rng: np.random.Generator) -> FloatArray:
    if len(trials.goals) == 1:
        return seen.loss
    loss = trials.loss[seen.rows]
    low, high = np.nanmin(loss, axis=0), np.nanmax(loss, axis=0)
    scaled = (loss - low) / np.where(high > low, high - low, 1.0)
    weights = rng.dirichlet(np.ones(loss.shape[1]))
    return np.asarray((weights * scaled).max(axis=1) + 0.05 * (weights * scaled).sum(axis=1))


def _raw(space: Space, X: FloatArray) -> FloatArray:
    return space.mask(np.where(np.isnan(X), np.nan, space.from_unit(np.nan_to_num(X, nan=0.5))))
