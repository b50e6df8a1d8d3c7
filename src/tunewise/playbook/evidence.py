"""What all checks need to know about a study: which trials count, how they were chosen, and the unit of effects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tunewise.records import TrialState
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray

_NON_ADAPTIVE = ("qmc", "random", "grid")


class Evidence(NamedTuple):
    """The finished trials of one study, k of them, and the scale on which effects are judged.

    ``noise_sd`` is the SD over seeds at a fixed good configuration, None where it was not measured;
    ``min_effect`` is the smallest change worth acting on.
    """

    trials: Trials
    space: Space
    rows: IntArray  # (k,) complete or infeasible, chosen without looking at results unless `adaptive`
    X: FloatArray  # (k, d) unit cube, NaN where inactive
    loss: FloatArray  # (k,) NaN where infeasible
    infeasible: BoolArray  # (k,)
    adaptive: bool
    noise_sd: float | None
    min_effect: float
    command: str

    def call(self, verb: str) -> str:
        """The line that does something about a finding, ``project.round("...").repair()``; empty for a plain study."""
        return f"{self.command}.{verb}" if self.command else ""

    @property
    def unit(self) -> float | None:
        """The larger of the smallest effect of interest and the noise; None where neither is known."""
        known = [x for x in (self.noise_sd, self.min_effect) if x]
        return max(known) if known else None

    def best_rows(self, k: int) -> IntArray:
        """Numbers of the k best complete trials, best first."""
        order = np.argsort(np.where(self.infeasible, np.inf, self.loss), kind="stable")
        return self.rows[order[: min(k, int((~self.infeasible).sum()))]]


def gather(
    trials: Trials,
    space: Space,
    noise_sd: float | None = None,
    min_effect: float = 0.0,
    command: str = "",
) -> Evidence:
    """The evidence in a table. Where a study has non-adaptive trials only those count, and `adaptive` is False."""
    X, rows = trials.unit(space)
    state = trials.state[rows]
    finished = (state == TrialState.COMPLETE) | (state == TrialState.INFEASIBLE)
    plain = np.isin(rows, np.concatenate([trials.started_by(name) for name in _NON_ADAPTIVE]))
    adaptive = not bool((finished & plain).any())
    keep = finished if adaptive else finished & plain
    infeasible = state[keep] == TrialState.INFEASIBLE
    loss = trials.loss[rows[keep], 0]
    return Evidence(
        trials, space, rows[keep], X[keep], loss, infeasible, adaptive, noise_sd, min_effect, command
    )
