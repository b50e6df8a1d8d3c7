"""One trial trained by several processes (DDP, Fabric): rank 0 alone knows the study, all ranks decide alike.

    optimize(study_on_rank_0_else_None, train, n_trials)     # called on every rank, after init_process_group

Inside, every rank gets the same parameters and the same verdict of `should_prune`; reports of other ranks are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.distributed as dist

from tunewise.errors import SettingError, TrialInfeasible, TrialPruned
from tunewise.study import Study

_ENDS = (TrialPruned, TrialInfeasible)


class SharedTrial:
    """A trial of rank 0 in all ranks. Every method must be called by all of them, in the same order.

    Attributes:
        number, seed: those of the trial. rank_seed: ``seed`` plus the rank, for what must differ (data order, dropout).
    """

    def __init__(self, trial: Any) -> None:
        self._trial = trial if dist.get_rank() == 0 else None
        self.number, self.seed, self._table = _from_first(
            lambda: (trial.number, trial.seed, _Goals(trial._table.goals))
        )
        self.rank_seed = self.seed + dist.get_rank()

    def suggest_float(self, name: str, low: float, high: float, **how: Any) -> float:
        """As `tunewise.Trial.suggest_float`."""
        return self._ask("suggest_float", name, low, high, **how)  # type: ignore[no-any-return]

    def suggest_int(self, name: str, low: int, high: int, **how: Any) -> int:
        """As `tunewise.Trial.suggest_int`."""
        return self._ask("suggest_int", name, low, high, **how)  # type: ignore[no-any-return]

    def suggest_categorical(self, name: str, choices: Any, **how: Any) -> Any:
        """As `tunewise.Trial.suggest_categorical`."""
        return self._ask("suggest_categorical", name, choices, **how)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters so far."""
        return _from_first(lambda: self._trial.params)  # type: ignore[no-any-return, union-attr]

    def report(self, value: Any, step: int) -> None:
        """Note metrics; those of rank 0 count, so reduce them over the ranks before."""
        self._ask("report", value, step)

    def should_prune(self) -> bool:
        """Whether to stop: one verdict for all ranks."""
        return bool(self._ask("should_prune"))

    def set_user_attr(self, key: str, value: Any) -> None:
        """Note something about the trial; rank 0's counts."""
        self._ask("set_user_attr", key, value)

    def mark_infeasible(self, reason: str) -> None:
        """End the trial as diverged, in every rank. Raises TrialInfeasible."""
        raise TrialInfeasible(reason)

    def _ask(self, name: str, *args: Any, **how: Any) -> Any:
        return _from_first(lambda: getattr(self._trial, name)(*args, **how))


class _Goals:
    """What is known of the study's table everywhere."""

    def __init__(self, goals: Any) -> None:
        self.goals = goals


def optimize(study: Study | None, function: Callable[[SharedTrial], Any], n_trials: int) -> None:
    """Run ``n_trials`` more trials; ``study`` on rank 0, None on the others. Rank 0's results are told.

    An exception in one rank ends the loop in that rank; the others find out at their next collective call, as with any
    distributed training. `TrialPruned` and `TrialInfeasible` must be raised by all ranks.

    Raises:
        SettingError: no process group, no study on rank 0, or one on another rank.
    """
    if not dist.is_initialized():
        raise SettingError("There is no process group; call torch.distributed.init_process_group first.")
    if (study is None) == (dist.get_rank() == 0):
        raise SettingError(
            f"Rank {dist.get_rank()} has study {study!r}; give it on rank 0, and None elsewhere."
        )
    if study is not None:
        study.optimize(lambda trial: function(SharedTrial(trial)), n_trials=n_trials)
        return
    for _ in range(n_trials):
        try:
            function(SharedTrial(None))
        except _ENDS:
            continue


def _from_first(ask: Callable[[], Any]) -> Any:
    """What rank 0 answers, or the error that it raises, in every rank."""
    box: list[Any] = [None]
    if dist.get_rank() == 0:
        try:
            box = [(ask(), None)]
        except Exception as caught:
            box = [(None, caught)]
    dist.broadcast_object_list(box, src=0)
    answer, error = box[0]
    if error is not None:
        raise error
    return answer
