"""Bayesian optimisation with a Gaussian process that understands diverged trials.

Losses are winsorised and warped (the warp that predicts left-out losses best); a diverged trial counts as worse than all
others, with extra noise, and a second process models where trials survive (`_surrogate`). The next point has the highest
log expected improvement plus log probability of success (`_acquire`), which must be the more probable the more of the last
trials went wrong. Losses a thousand times as bad as the usual ones count as diverged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewise.errors import NoTrials
from tunewise.samplers._acquire import maximise, n_cells
from tunewise.samplers._belief import believed, start_of
from tunewise.samplers._features import features, legal
from tunewise.samplers._observations import Observations, observations
from tunewise.samplers._region import around_best, n_best, whole
from tunewise.samplers._transfer import Trend, source_of, trend_of
from tunewise.samplers._tried import tried, untried
from tunewise.samplers.base import of_what_varies, what_varies
from tunewise.samplers.qmc import sequence
from tunewise.space import Space
from tunewise.stats.pareto import nondominated
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray

_SEEDS = 8
_MOST_FAILURES = 256
_LEAST_SKILL, _LEAST_SKILL_PER_TRIAL = 1.0, 1 / 8


@dataclass(frozen=True)
class GP:
    """Gaussian-process search: best for up to a few hundred trials; numbers, choices and conditions alike.

    The first ``n_startup`` trials (default: clip(d / 2, 4, 10)) are the centre of the space and scrambled Sobol points.
    Several goals are scalarised anew for every trial (augmented Chebyshev, random weights, as in ParEGO).
    As long as the surrogate predicts left-out losses hardly better than their mean does, every second suggestion goes on along
    the Sobol points: all losses may be those of a plateau (a network that learns nothing), of which only noise can be learnt.
    After ``local_after`` trials every second suggestion is made by a surrogate of its own, of a box around the best trials.
    Cost: O(n^3) with n capped at 256, the most informative trials beyond.

    Args:
        n_startup: how many trials are made before there is a model.
        local_after: from how many trials on every second suggestion is local.
        prior: values that are believed to be good, by name, such as {"lr": 1e-3}: where the search starts and what it favours,
            less and less as trials come in. Names that the study does not have have no effect.
        warm_start_from: earlier studies of similar problems (their 100 most telling trials are kept in the settings). Their
            best points come first; beyond that only as much is believed as helps to predict this study's losses.

    Raises:
        SettingError: what is to be started from is no study of one goal with 3 complete trials.
        SpaceError: (when used) a believed value that its domain does not hold.
    """

    n_startup: int | None = None
    local_after: float = 60
    prior: Mapping[str, Choice] | None = None
    warm_start_from: Sequence[Any] = ()
    name: ClassVar[str] = "gp"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "warm_start_from", tuple(map(source_of, self.warm_start_from)))

    @of_what_varies
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """One point; see the module's text."""
        point = self._point(trials, space, number, rng)
        return untried(trials, space, number, point[None], rng)

    def _point(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        found = observations(trials, space, number)
        if np.isfinite(found.loss).sum() + found.infeasible.sum() < self._startup(space):
            return self._first(trials, space, number)
        from tunewise.samplers._surrogate import hopeless

        loss = _one_loss(trials, found, rng)
        seen = found._replace(loss=loss, infeasible=found.infeasible | (found.violation > 0) | hopeless(loss))
        if not np.isfinite(seen.loss[~seen.infeasible]).any() or space.n_dims == 0:
            return self._escape(space, seen, rng)
        return self._improve(trials, space, seen, number, rng)

    def predict(self, trials: Trials, space: Space, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation (m,) of the first goal's loss at raw (m, d), to first order in the warp.

        Raises:
            NoTrials: fewer than two finished trials hold the space.
        """
        from tunewise.samplers._surrogate import learnt, most_telling, posterior

        plain, columns, _ = what_varies(space)
        if len(plain):
            space, raw = plain, raw[:, columns]
        seen = observations(trials, space)
        good = ~seen.infeasible
        if good.sum() < 2:
            raise NoTrials("A prediction needs at least 2 finished trials; run some first.")
        trend = self._trend(trials, space)
        fitted = learnt(trials, space, seen, trials.goals[0].name, trend=trend)
        mu, sigma = posterior(space, most_telling(space, seen), fitted, trend).predict(
            features(space, space.to_unit(raw))
        )
        grid = np.quantile(seen.loss[good], np.linspace(0, 1, 65))
        warped = np.maximum.accumulate(fitted.warp(grid) + 1e-9 * np.arange(65))
        low, mid, high = (np.interp(v, warped, grid) for v in (mu - sigma, mu, mu + sigma))
        return mid, (high - low) / 2

    def _startup(self, space: Space) -> int:
        if self.n_startup is not None:
            return self.n_startup
        usual = int(np.clip(-(-space.n_dims // 2), 4, 10))
        return min(usual, len(self.warm_start_from) + 1) if self.warm_start_from else usual

    def _first(self, trials: Trials, space: Space, number: int) -> FloatArray:
        trend = self._trend(trials, space)
        if trend is not None and number < len(trend.best):
            return legal(space, start_of(space, space.decode(space.from_unit(trend.best[number]))))
        if number == 0:
            return legal(space, start_of(space, self.prior or {}))
        points = sequence("sobol", trials, space, trials.seed)
        return legal(space, points(np.array([number]))[0])

    def _trend(self, trials: Trials, space: Space) -> Trend | None:
        if not self.warm_start_from or len(trials.goals) > 1:
            return None
        return trials.remember(("trend", space.pinned({})), lambda: trend_of(space, self.warm_start_from))

    def _escape(self, space: Space, seen: Observations, rng: np.random.Generator) -> FloatArray:
        """Nothing has succeeded yet: go where failures are farthest."""
        if not seen.infeasible.any():
            return np.asarray(space.sample(rng, 1)[0])
        Z = features(space, seen.X[seen.infeasible])
        candidates = space.sample(rng, 200)
        far = features(space, space.to_unit(candidates))
        distance = ((far[:, None, :] - Z[None, -_MOST_FAILURES:, :]) ** 2).sum(axis=2).min(axis=1)
        return np.asarray(candidates[np.argmax(distance)])

    def _improve(
        self, trials: Trials, space: Space, seen: Observations, number: int, rng: np.random.Generator
    ) -> FloatArray:
        from tunewise.samplers._surrogate import (
            improvement,
            learnt,
            least_probability,
            most_telling,
            posterior,
        )

        key = trials.goals[0].name if len(trials.goals) == 1 else None
        second_turn = number % 2 == 0 and key is not None and n_cells(space) is None
        trend = self._trend(trials, space)
        fitted, region = learnt(trials, space, seen, key, whole, trend), whole(space, seen)
        if second_turn and fitted.skill < _LEAST_SKILL + _LEAST_SKILL_PER_TRIAL * len(seen.loss):
            return self._first(trials, space, number)
        local = second_turn and self._has_enough(space, seen)
        if local:
            trend, region = None, around_best(space, seen)
            fitted = learnt(trials, space, seen, key, around_best)
        near = most_telling(space, region.view(seen))
        improved, mu = improvement(
            posterior(space, near, fitted, trend), fitted, space, near, least_probability(seen.infeasible)
        )
        top = np.flatnonzero(~near.infeasible)[np.argsort(mu, kind="stable")[:_SEEDS]]
        seeds = np.concatenate([near.X[top], *([] if trend is None else [trend.best])])
        visited = tried(trials, space, number)
        acquisition = improved if local else believed(improved, space, self.prior or {}, len(seen.loss))
        return maximise(acquisition, space, region, np.nan_to_num(seeds, nan=0.5), visited, rng)

    def _has_enough(self, space: Space, seen: Observations) -> bool:
        """Whether there are trials enough to tell the best from the rest."""
        n_good = int(np.count_nonzero(~seen.infeasible))
        return len(seen.loss) >= self.local_after and n_good >= 2 * n_best(space)


def _one_loss(trials: Trials, seen: Observations, rng: np.random.Generator) -> FloatArray:
    if len(trials.goals) == 1:
        return seen.loss
    loss = trials.loss[seen.rows]
    finite = np.isfinite(loss).all(axis=1)
    allowed = loss[finite & ~seen.infeasible & ~(seen.violation > 0)]
    front = allowed[nondominated(allowed)] if len(allowed) else loss[finite]
    if not len(front):
        return np.asarray(loss.max(axis=1))
    low, high = front.min(axis=0), front.max(axis=0)
    spread = np.nanmax(np.where(np.isfinite(loss), loss, np.nan), axis=0) - low
    width = np.where(high > low, high - low, np.where(spread > 0, spread, 1.0))
    scaled = (loss - low) / width
    weights = rng.dirichlet(np.ones(loss.shape[1]))
    return np.asarray((weights * scaled).max(axis=1) + 0.05 * (weights * scaled).sum(axis=1))
