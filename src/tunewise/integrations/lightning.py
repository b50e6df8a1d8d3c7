"""Lightning: report a monitored metric after each validation, and prune, on any number of ranks."""

from __future__ import annotations

import math
from typing import Any

from tunewise.errors import MissingExtra, SettingError, TrialPruned

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError:
    raise MissingExtra("lightning", "lightning", "The Lightning callback") from None


class TrialCallback(Callback):  # type: ignore[misc]
    """``Trainer(callbacks=[TrialCallback(trial, "val_error")])`` inside an objective.

    Reports ``monitor`` and the other logged numbers after each validation. Where the pruner says so, training ends with
    `TrialPruned`, and where the monitored metric is not finite with `TrialInfeasible`. Only rank 0 speaks to the study;
    its verdict is broadcast, so that all ranks stop together.

    Raises:
        SettingError: while training, when ``monitor`` was not logged.
    """

    def __init__(self, trial: Any, monitor: str) -> None:
        self._trial, self.monitor = trial, monitor

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report, and stop where the pruner says so."""
        if trainer.sanity_checking:
            return
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if self.monitor not in metrics:
            raise SettingError(
                f"{self.monitor!r} is not among the logged metrics {sorted(metrics)}; self.log it in validation_step."
            )
        verdict = (False, False)
        if trainer.is_global_zero:
            self._trial.report(self._named(metrics), trainer.global_step)
            verdict = (not math.isfinite(metrics[self.monitor]), self._trial.should_prune())
        diverged, prune = trainer.strategy.broadcast(verdict)
        if diverged:
            self._trial.mark_infeasible(f"{self.monitor} was not finite at step {trainer.global_step}")
        if prune:
            raise TrialPruned(f"pruned at step {trainer.global_step}")

    def _named(self, metrics: dict[str, float]) -> dict[str, float]:
        """The metrics, the monitored one under the goal's name too."""
        return {**metrics, self._trial._table.goals[0].name: metrics[self.monitor]}
