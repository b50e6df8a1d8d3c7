"""What a model-based sampler learns from: the table as arrays over one space."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tunewise.records import TrialState
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray


class Observations(NamedTuple):
    """Finished rows that hold the space's active parameters, in the order in which they finished, and pending ones.

    ``loss`` is NaN where ``infeasible``; a pruned trial has the loss of its last report. NaN in ``X`` is inactive.
    """

    X: FloatArray  # (k, d) unit cube
    loss: FloatArray  # (k,)
    infeasible: BoolArray  # (k,)
    violation: FloatArray  # (k,)
    rows: IntArray  # (k,)
    pending: FloatArray  # (p, d)


def observations(trials: Trials, space: Space, number: int = -1) -> Observations:
    """Gather them; ``number`` is the trial being suggested, which is not pending. O(n d), vectorised.

    With several goals ``loss`` is that of the first; multi-objective samplers use ``trials.loss[rows]``.
    """
    X, rows = trials.unit(space)
    state = trials.state[rows]
    loss = np.where(state == TrialState.COMPLETE, trials.loss[rows, 0], np.nan)
    _fill_pruned(trials, rows, state, loss)
    infeasible = state == TrialState.INFEASIBLE
    known = infeasible | np.isfinite(loss)
    order = np.argsort(_place_of(trials)[rows[known]], kind="stable")
    keep = np.flatnonzero(known)[order]
    waiting = (state == TrialState.RUNNING) & (rows != number)
    return Observations(
        X[keep], loss[keep], infeasible[keep], trials.violation[rows[keep]], rows[keep], X[waiting]
    )


def _fill_pruned(
    trials: Trials, rows: IntArray, state: np.ndarray[tuple[int, ...], np.dtype[np.int8]], loss: FloatArray
) -> None:
    pruned = np.flatnonzero(state == TrialState.PRUNED)
    if not len(pruned) or len(trials.goals) > 1:
        return
    numbers, _, last = trials.curves().last()
    place = np.searchsorted(numbers, rows[pruned])
    place = np.minimum(place, max(len(numbers) - 1, 0))
    if len(numbers):
        hit = numbers[place] == rows[pruned]
        loss[pruned[hit]] = trials.goals[0].sign * last[place[hit]]


def _place_of(trials: Trials) -> IntArray:
    place = np.full(len(trials), len(trials), dtype=np.int64)
    place[trials.finished] = np.arange(trials.n_finished)
    return place
