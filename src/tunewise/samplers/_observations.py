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

    def take(self, rows: IntArray | BoolArray | slice) -> Observations:
        """Only some of the finished trials."""
        return Observations(
            self.X[rows],
            self.loss[rows],
            self.infeasible[rows],
            self.violation[rows],
            self.rows[rows],
            self.pending,
        )


def observations(trials: Trials, space: Space, number: int = -1) -> Observations:
    """Gather them; ``number`` is the trial being suggested, which is not pending. O(k) after O(new trials d).

    With several goals ``loss`` is that of the first; multi-objective samplers use ``trials.loss[rows]``.
    """
    block = unit_block(trials, space)
    loss, kind = trials.per_finished("loss and kind", lambda rows: _loss_rows(trials, rows)).T
    infeasible = kind == TrialState.INFEASIBLE
    keep = np.flatnonzero((block[:, -1] > 0) & (infeasible | np.isfinite(loss)))
    rows = trials.finished[keep]
    return Observations(
        block[keep, :-1],
        loss[keep],
        infeasible[keep],
        trials.violation[rows],
        rows,
        pending(trials, space, number),
    )


def unit_block(trials: Trials, space: Space) -> FloatArray:
    """(k, d + 1): the finished trials in the order of finishing in the unit cube, and whether they hold the space."""
    plain = space.pinned({})
    return trials.per_finished(("unit", plain), lambda rows: np.column_stack(trials.unit_of(plain, rows)))


def pending(trials: Trials, space: Space, number: int) -> FloatArray:
    """(p, d): the other running trials that hold the space."""
    running = np.array([n for n in trials.running if n != number], dtype=np.int64)
    if not len(running):
        return np.empty((0, space.n_dims))
    X, holds = trials.unit_of(space, running)
    return X[holds]


def _loss_rows(trials: Trials, rows: IntArray) -> FloatArray:
    """(m, 2): the loss, of a pruned trial that of its last report, NaN without one; and how the trial ended."""
    state = trials.state[rows]
    loss = np.where(state == TrialState.COMPLETE, trials.loss[rows, 0], np.nan)
    metric, sign = trials.goals[0].name, trials.goals[0].sign
    for i in np.flatnonzero(state == TrialState.PRUNED):
        curve = trials.curve(metric, int(rows[i]))
        if curve and len(trials.goals) == 1:
            loss[i] = sign * curve[max(curve)]
    return np.column_stack([loss, state])
