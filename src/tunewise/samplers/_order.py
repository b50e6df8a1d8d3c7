"""The order of merit in which samplers that only use ranks see the finished trials."""

from __future__ import annotations

import numpy as np

from tunewise.records import TrialState
from tunewise.stats.pareto import spread_first
from tunewise.trials import Trials
from tunewise.types import IntArray

_IN_ORDER = 100


def best_to_worst(trials: Trials) -> IntArray:
    """Numbers of all completed and pruned trials, the best first. O(n log n) for one goal, O(n^2) for several.

    Completed trials come first: by loss; with several goals the first 100 are spread over the whole front. Then
    pruned ones: by their last step, the largest first, and the value there. Then those that violate constraints,
    completed or pruned, by their violation.
    """
    return trials.memo("best to worst", _ordered)


def _ordered(trials: Trials) -> IntArray:
    violated = trials.violation > 0
    complete = trials.state == TrialState.COMPLETE
    pruned = trials.state == TrialState.PRUNED
    outside = np.flatnonzero((complete | pruned) & violated)
    outside = outside[np.argsort(trials.violation[outside], kind="stable")]
    parts = [_by_loss(trials, np.flatnonzero(complete & ~violated))]
    parts.append(_longest_first(trials, np.flatnonzero(pruned & ~violated)))
    return np.concatenate([*parts, outside])


def _by_loss(trials: Trials, numbers: IntArray) -> IntArray:
    loss = trials.loss[numbers]
    if loss.shape[1] == 1:
        return numbers[np.argsort(loss[:, 0], kind="stable")]
    return numbers[spread_first(loss, _IN_ORDER)]


def _longest_first(trials: Trials, numbers: IntArray) -> IntArray:
    """Trials without reports come last; a report that is no number is the worst at its step."""
    if not len(numbers):
        return numbers
    last_step = np.full(len(trials), -1.0)
    last_loss = np.full(len(trials), np.inf)
    reporting, step, value = trials.curves().last()
    last_step[reporting] = step
    last_loss[reporting] = trials.goals[0].sign * value
    return numbers[np.lexsort((last_loss[numbers], -last_step[numbers]))]
