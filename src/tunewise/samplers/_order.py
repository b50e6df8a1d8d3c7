"""The order of merit in which samplers that only use ranks see the finished trials.

Completed trials come first, by their loss; then pruned ones, by their last step, the largest first, and the value there;
then those that violate constraints, completed or pruned, by their violation. Diverged and failed trials have no place.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tunewise.records import TrialState
from tunewise.stats.pareto import volume_first
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray

COMPLETED, PRUNED, VIOLATING, UNRANKED, DIVERGED, CRASHED = 0.0, 1.0, 2.0, 3.0, 3.0, 4.0
_IN_ORDER = 25
_CLASS_OF = np.array([CRASHED, CRASHED, COMPLETED, PRUNED, CRASHED, DIVERGED])  # by TrialState


def merits(trials: Trials) -> FloatArray:
    """(k, 3): of the finished trials in the order of finishing the class and two numbers that order it. O(new trials)."""
    return trials.per_finished("merit", lambda rows: _merits(trials, rows))


def best_places(trials: Trials, among: BoolArray, n: int) -> IntArray:
    """The places, in the order of finishing, of the best ``n`` ranked trials ``among`` (k,), best first.

    O(k) for one goal; with several, the first 25 are spread over the whole front, O(k^2) when a trial finished.
    """
    if len(trials.goals) > 1:
        place = np.empty(len(trials), dtype=np.int64)
        place[trials.finished] = np.arange(trials.n_finished)
        order = place[best_to_worst(trials)]
        return np.asarray(order[among[order]][:n])
    merit = merits(trials)
    places = np.flatnonzero(among & (merit[:, 0] == COMPLETED))
    if len(places) < n:
        places = np.flatnonzero(among & (merit[:, 0] < UNRANKED))
    elif len(places) > n:
        places = places[np.argpartition(merit[places, 1], n - 1)[:n]] if n else places[:0]
    return np.asarray(places[_sorting(merit[places], trials.finished[places])][:n])


def best_to_worst(trials: Trials) -> IntArray:
    """Numbers of all completed and pruned trials, the best first. O(n log n) for one goal, O(n^2) for several."""
    return trials.memo("best to worst", _ordered)


def best_of_first(trials: Trials, first: int) -> IntArray:
    """Numbers below ``first`` of completed and pruned trials, the best first; for one goal. O(n)."""
    merit, numbers = merits(trials), trials.finished
    places = np.flatnonzero((numbers < first) & (merit[:, 0] < UNRANKED))
    return np.asarray(numbers[places[_sorting(merit[places], numbers[places])]])


def sorted_by_merit(trials: Trials, rows: IntArray) -> IntArray:
    """Some finished trials from the best to the worst, those without a place last; for one goal. O(k log k)."""
    merit = _merits(trials, rows)
    merit[merit[:, 0] >= UNRANKED] = UNRANKED, 0.0, 0.0
    return np.asarray(rows[_sorting(merit, rows)])


@lru_cache(maxsize=256)
def checkpoint(n: int) -> int:
    """The latest of 0, 1, ..., 20, 22, 24, 26, ... (a tenth more each time) that is not above n."""
    at = min(n, 20)
    while (following := at + max(1, at // 10)) <= n and at >= 20:
        at = following
    return at


def _merits(trials: Trials, rows: IntArray) -> FloatArray:
    state, violation = trials.state[rows], trials.violation[rows]
    out = np.zeros((len(rows), 3))
    out[:, 0] = _CLASS_OF[state]
    out[:, 1] = np.where(state == TrialState.COMPLETE, trials.loss[rows, 0], 0.0)
    for i in np.flatnonzero(state == TrialState.PRUNED):
        curve = trials.curve(trials.goals[0].name, int(rows[i]))
        last = max(curve, default=-1)
        loss = trials.goals[0].sign * curve[last] if curve else np.inf
        out[i, 1:] = -last, np.inf if np.isnan(loss) else loss
    for i in np.flatnonzero((out[:, 0] < UNRANKED) & (violation > 0)):
        out[i] = VIOLATING, violation[i], 0.0
    return out


def _ordered(trials: Trials) -> IntArray:
    merit, numbers = merits(trials), trials.finished
    ranked = np.flatnonzero(merit[:, 0] < UNRANKED)
    order = numbers[ranked[_sorting(merit[ranked], numbers[ranked])]]
    if len(trials.goals) > 1:
        complete = np.sort(numbers[merit[:, 0] == COMPLETED])
        order[: len(complete)] = complete[volume_first(trials.loss[complete], _IN_ORDER)]
    return np.asarray(order)


def _sorting(merit: FloatArray, numbers: IntArray) -> IntArray:
    """The order of rows of merit; ties by number."""
    return np.lexsort((numbers, merit[:, 2], merit[:, 1], merit[:, 0]))
