"""Asynchronous successive halving (ASHA), stopping variant: Li et al. 2020, arXiv:1810.05934, section 3.

Rung k lies at step ``min_resource * reduction_factor ** k``. What a trial scored on a rung is the value of its
first report at or beyond the rung's step: a function of its curve, so nothing is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewise.errors import SettingError
from tunewise.pruners._ranks import loss_curves, on_reaching, select
from tunewise.pruners.percentile import check_counts
from tunewise.records import TrialState
from tunewise.trials import Trials
from tunewise.types import BoolArray


@dataclass(frozen=True, slots=True)
class SuccessiveHalving:
    """Prunes a trial which, on reaching a rung, is not among the best 1/``reduction_factor`` that reached it so far.

    Fewer than ``reduction_factor`` trials on a rung: only the best so far goes on. A report that is not finite
    is pruned on the rung. Crashed trials do not compete. A trial is judged on each rung once; one report may reach
    several. Cost: O(r) in all reports, for each rung reached.

    Args:
        min_resource: step of the first rung; None takes 1/100 of the last step of the first trial to complete, and
            prunes nothing before that.
        reduction_factor: at least 2; the paper's eta.
        min_early_stopping_rate: leave out so many first rungs; the paper's s.
        bootstrap_count: let nobody pass a rung before so many trials have reached it.

    Raises:
        SettingError: a setting is out of its range.
    """

    name: ClassVar[str] = "successive_halving"

    min_resource: int | None = None
    reduction_factor: int = 4
    min_early_stopping_rate: int = 0
    bootstrap_count: int = 0

    def __post_init__(self) -> None:
        check_counts(reduction_factor=(self.reduction_factor, 2), bootstrap_count=(self.bootstrap_count, 0))
        check_counts(min_early_stopping_rate=(self.min_early_stopping_rate, 0))
        if self.min_resource is not None:
            check_counts(min_resource=(self.min_resource, 1))
        elif self.bootstrap_count:
            raise SettingError(
                "bootstrap_count needs min_resource: without it the first rung is not known in time."
            )

    def __call__(self, trials: Trials, number: int) -> bool:
        """Whether the trial fails on a rung that its last report reached."""
        return self.judge(trials, number, np.ones(len(trials), dtype=np.bool_))

    def judge(self, trials: Trials, number: int, competitors: BoolArray) -> bool:
        """As a call, with only the trials of ``competitors`` (n,) on the rungs."""
        first_rung = self._first_rung(trials)
        step, _ = trials.curves().of(number)
        if first_rung is None or not len(step):
            return False
        previous = int(step[-2]) if len(step) > 1 else -1
        reached = rungs_between(first_rung, self.reduction_factor, previous, int(step[-1]))
        if not reached:
            return False
        curves = loss_curves(trials)
        own = float(curves.of(number)[1][-1])
        peers = select(curves, competitors & (trials.state != TrialState.FAILED))
        return any(self._fails(own, on_reaching(peers, rung)) for rung in reached)

    def _first_rung(self, trials: Trials) -> int | None:
        least = self.min_resource
        if least is None:
            longest = first_complete_step(trials)
            least = None if longest is None else max(longest // 100, 1)
        return None if least is None else least * self.reduction_factor**self.min_early_stopping_rate

    def _fails(self, own: float, rung_losses: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
        n = len(rung_losses)
        n_promoted = max(n // self.reduction_factor, 1)
        is_bootstrapping = n <= self.bootstrap_count
        return is_bootstrapping or own == np.inf or bool((rung_losses < own).sum() >= n_promoted)


def rungs_between(first: int, factor: int, after: int, up_to: int) -> list[int]:
    """The rungs ``first * factor**k`` in the interval (after, up_to]."""
    rungs = []
    rung = first
    while rung <= up_to:
        if rung > after:
            rungs.append(rung)
        rung *= factor
    return rungs


def first_complete_step(trials: Trials) -> int | None:
    """The last reported step of the first trial to complete that reported at all; None where there is none yet."""
    for number in trials.finished:
        if trials.state[number] == TrialState.COMPLETE:
            step, _ = trials.curves().of(int(number))
            if len(step):
                return int(step[-1])
    return None
