"""Tree-structured Parzen estimator: where were the good trials dense, and the others not?

Bergstra et al., NeurIPS 2011, with the choices of Watanabe, arXiv:2304.11127: one joint (multivariate) density over
all parameters of a space, a tenth of the trials good, kernels of the good ones as wide as the gaps between them and
weighted by rank. Only the order of the losses matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np

from tunewise.samplers._observations import pending, unit_block
from tunewise.samplers._order import DIVERGED, UNRANKED, best_places, checkpoint, merits
from tunewise.samplers._tried import untried
from tunewise.samplers.base import of_what_varies
from tunewise.samplers.qmc import sequence
from tunewise.space import Space
from tunewise.stats.kde import Mixture, choice_widths, common_widths, kernel_features, neighbour_widths
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray

_GOOD_SHARE, _MOST_GOOD = 0.1, 25
_OTHER_SCALE = 0.25
_SHUNNED = 1e6
_MOST_OTHERS = 50_000


@dataclass(frozen=True)
class TPE:
    """Candidates from the density of the good trials, the one with the highest ratio to the density of the others.

    A tenth of the finished trials is good, 25 at most; with several goals those of the lowest ranks that dominate most. Violated
    constraints come after everything that was completed or pruned, in the order of the violation; pruned trials after
    completed ones, the longest first. Diverged trials are never good, and a candidate nearer to one of them than to
    any other trial is shunned. Running trials count as not good (the constant liar of Ginsbourger et al., 2010).

    A suggestion costs O(n d), about 1 ms at n = 1,000 and d = 10. Beyond 50,000 trials every second, third, ... one
    stands for those that are not good.

    Args:
        n_startup: so many trials are points of a scrambled Sobol sequence.
        n_candidates: how many candidates are drawn.
        uniform_weight: the weight of the uniform component in both densities; a trial has weight 1.
    """

    n_startup: int = 10
    n_candidates: int = 24
    uniform_weight: float = 1.0
    name: ClassVar[str] = "tpe"
    version: ClassVar[int] = 1

    @of_what_varies
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """The best of some candidates; a Sobol point while there are few results."""
        seen = _evidence(trials, space, number)
        if seen.n_finished < self.n_startup:
            index = trials.index_of_start(self.name, number)
            points = sequence("sobol", trials, space, trials.seed)
            raw = space.mask(space.from_unit(points(np.array([index]))))
            return untried(trials, space, number, raw, rng)
        axes = _axes(space)
        good = self._good_density(seen.X[seen.good], axes, len(trials.goals))
        raw = space.mask(space.from_unit(good.sample(rng, self.n_candidates)))
        C = space.to_unit(raw)
        score = good.log_density(C) - self._other_density(trials, space, seen).log_density(C)
        if seen.diverged.any():
            some = seen.some
            X, diverged, sound = seen.X[some], seen.diverged[some], seen.sound[some]
            shunned = _shunned(C, X[diverged], X[sound], axes.n_choices)
            score -= np.where(shunned, _SHUNNED, 0.0)
        if space.has_limits:
            score = np.where(space.allowed(raw), score, -np.inf)
        return untried(trials, space, number, raw[np.argsort(-score, kind="stable")], rng)

    def _good_density(self, X: FloatArray, axes: _Axes, n_goals: int) -> Mixture:
        """X comes best first; for one goal the weights are log(n + 1/2) - log(rank), with the mean 1."""
        n = len(X)
        width = np.maximum(neighbour_widths(X, 1.3 if n_goals == 1 else 1.0), axes.least_width)
        weight = np.ones(n)
        if n_goals == 1 and n:
            weight = np.log(n + 0.5) - np.log(np.arange(1, n + 1))
            weight /= weight.mean()
        return Mixture(X, axes.widths(width, n), weight, self.uniform_weight, axes.n_choices)

    def _other_density(self, trials: Trials, space: Space, seen: _Evidence) -> Mixture:
        """All that are not good, and the pending ones.

        The widths follow the number of trials in steps of a tenth, so that the kernels of most trials stay as they are.
        """
        axes, plain = _axes(space), space.pinned({})
        n = checkpoint(seen.n_finished)
        width = axes.widths(np.maximum(common_widths(n, space.n_dims, _OTHER_SCALE), axes.least_width), n)
        known = trials.per_finished(
            ("tpe", plain, n), lambda rows: _features(trials.unit_of(plain, rows)[0], width, axes)
        )
        weight = (seen.sound | seen.diverged).astype(np.float64)
        weight[seen.good] = 0.0
        some = seen.some
        X, features, weight = seen.X[some], known[some], weight[some]
        if len(seen.pending):
            X = np.concatenate([X, seen.pending])
            features = np.concatenate([features, _features(seen.pending, width, axes)])
            weight = np.append(weight, np.ones(len(seen.pending)))
        return Mixture(X, width, weight, self.uniform_weight, axes.n_choices, features)


def _features(X: FloatArray, width: FloatArray, axes: _Axes) -> FloatArray:
    return kernel_features(X, width, axes.n_choices).astype(np.float32)


class _Axes(NamedTuple):
    """What the densities need to know of a space."""

    n_choices: IntArray  # (d,), 0 for numeric axes
    least_width: FloatArray  # (d,) half a bin of discrete axes
    has_unordered: bool

    def widths(self, numeric: FloatArray, n: int) -> FloatArray:
        """``numeric`` (n, d) or (d,) with the widths of unordered axes put in."""
        if not self.has_unordered:
            return numeric
        return np.where(self.n_choices > 0, choice_widths(n, self.n_choices), numeric)


@lru_cache(maxsize=256)
def _axes(space: Space) -> _Axes:
    n_choices = [0 if d.is_numeric else d.n_values or 0 for d in space.domains]
    least_width = [0.5 / d.n_values if d.n_values else 0.0 for d in space.domains]
    return _Axes(np.array(n_choices, dtype=np.int64), np.array(least_width), any(n_choices))


class _Evidence(NamedTuple):
    """The k finished trials, in the order of finishing."""

    X: FloatArray  # (k, d) unit cube, NaN where inactive
    sound: BoolArray  # (k,) completed or pruned, and they hold the space
    diverged: BoolArray  # (k,)
    good: IntArray  # places in X, best first
    pending: FloatArray  # (p, d)
    n_finished: int

    @property
    def some(self) -> slice:
        """The places of trials that stand for all."""
        return slice(None, None, 1 + len(self.X) // _MOST_OTHERS)


def _evidence(trials: Trials, space: Space, number: int) -> _Evidence:
    block = unit_block(trials, space)
    merit = merits(trials)
    holds = block[:, -1] > 0
    sound, diverged = holds & (merit[:, 0] < UNRANKED), holds & (merit[:, 0] == DIVERGED)
    n_finished = int(np.count_nonzero(sound | diverged))
    n_good = min(int(np.ceil(_GOOD_SHARE * n_finished)), _MOST_GOOD)
    good = best_places(trials, sound, n_good)
    return _Evidence(block[:, :-1], sound, diverged, good, pending(trials, space, number), n_finished)


def _shunned(C: FloatArray, diverged: FloatArray, sound: FloatArray, n_choices: IntArray) -> BoolArray:
    """Which candidates (c,) have a diverged trial as their nearest neighbour."""
    to_diverged = _squared_distances(C, diverged, n_choices).min(axis=1, initial=np.inf)
    return np.asarray(to_diverged < _squared_distances(C, sound, n_choices).min(axis=1, initial=np.inf))


def _squared_distances(C: FloatArray, X: FloatArray, n_choices: IntArray) -> FloatArray:
    """(c, n) over the axes active in both; two different unordered choices are at distance 1."""
    numeric = n_choices == 0
    c, x = np.nan_to_num(C * numeric), np.nan_to_num(X * numeric)
    squares = (c * c) @ ~np.isnan(X).T + ~np.isnan(C) @ (x * x).T - 2.0 * c @ x.T
    for j in np.flatnonzero(n_choices):
        squares += abs(C[:, j, None] - X[:, j]) > 0
    return np.asarray(squares)
