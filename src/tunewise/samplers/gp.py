"""Bayesian optimisation with a Gaussian process that understands diverged trials.

Losses are winsorised and warped (the warp that predicts left-out losses best); a diverged trial counts as worse than all
others, with extra noise, and a second process models where trials survive (`_surrogate`). The next point has the highest
log expected improvement plus log probability of success (`_acquire`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewise.errors import NoTrials
from tunewise.samplers._acquire import maximise, n_cells
from tunewise.samplers._features import features, legal
from tunewise.samplers._observations import Observations, observations
from tunewise.samplers._region import around_best, n_best, whole
from tunewise.samplers.base import in_name_order
from tunewise.samplers.qmc import points_of
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import FloatArray

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
    """

    n_startup: int | None = None
    local_after: float = 60
    name: ClassVar[str] = "gp"

    @in_name_order
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """One point; see the module's text."""
        found = observations(trials, space, number)
        if np.isfinite(found.loss).sum() + found.infeasible.sum() < self._startup(space):
            return self._first(trials, space, number)
        seen = found._replace(
            loss=_one_loss(trials, found, rng), infeasible=found.infeasible | (found.violation > 0)
        )
        if not np.isfinite(seen.loss[~seen.infeasible]).any() or space.n_dims == 0:
            return self._escape(space, seen, rng)
        return self._improve(trials, space, seen, number, rng)

    def predict(self, trials: Trials, space: Space, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation (m,) of the first goal's loss at raw (m, d), to first order in the warp.

        Raises:
            NoTrials: fewer than two finished trials hold the space.
        """
        from tunewise.samplers._surrogate import learnt, posterior
        from tunewise.stats import gp

        seen = observations(trials, space)
        good = ~seen.infeasible
        if good.sum() < 2:
            raise NoTrials("A prediction needs at least 2 finished trials; run some first.")
        fitted = learnt(trials, space, seen, trials.goals[0].name)
        mu, sigma = gp.predict(posterior(space, seen, fitted), features(space, space.to_unit(raw)))
        grid = np.quantile(seen.loss[good], np.linspace(0, 1, 65))
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
        from tunewise.samplers._surrogate import improvement, learnt, posterior

        key = trials.goals[0].name if len(trials.goals) == 1 else None
        second_turn = number % 2 == 0 and key is not None and n_cells(space) is None
        fitted, region = learnt(trials, space, seen, key), whole(space, seen)
        if second_turn and fitted.skill < _LEAST_SKILL + _LEAST_SKILL_PER_TRIAL * len(seen.loss):
            return self._first(trials, space, number)
        if second_turn and self._has_enough(space, seen):
            fitted, region = learnt(trials, space, seen, key, around_best), around_best(space, seen)
        near = region.view(seen)
        acquisition, mu = improvement(posterior(space, near, fitted), fitted, space, near)
        top = np.flatnonzero(~near.infeasible)[np.argsort(mu, kind="stable")[:_SEEDS]]
        visited = _raw(space, np.concatenate([seen.X, seen.pending]))
        return maximise(acquisition, space, region, np.nan_to_num(near.X[top], nan=0.5), visited, rng)

    def _has_enough(self, space: Space, seen: Observations) -> bool:
        """Whether there are trials enough to tell the best from the rest."""
        n_good = int(np.count_nonzero(~seen.infeasible))
        return len(seen.loss) >= self.local_after and n_good >= 2 * n_best(space)


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
