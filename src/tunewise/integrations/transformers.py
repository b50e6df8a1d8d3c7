"""Hugging Face Trainer: the engine behind ``trainer.hyperparameter_search``, and a callback for your own loop.

    with search_backend(storage="sqlite:///runs.db", sampler="gp", pruner="median"):
        best = trainer.hyperparameter_search(hp_space=space, n_trials=20, direction="minimize", backend="optuna")

The Trainer knows its backends by name and lets none be added, so tunewise takes the place of one while the block runs.
Under that name the Trainer itself imports optuna, which must therefore be installed too; it does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tunewise.errors import MissingExtra, SettingError, TrialPruned
from tunewise.study import Study, create_study

try:
    from transformers import TrainerCallback
    from transformers.hyperparameter_search import (
        ALL_HYPERPARAMETER_SEARCH_BACKENDS,
        HyperParamSearchBackendBase,
    )
    from transformers.trainer_utils import BestRun, HPSearchBackend
except ImportError:
    raise MissingExtra("transformers", "transformers", "The Hugging Face integration") from None


class TrialCallback(TrainerCallback):  # type: ignore[misc]
    """Reports every evaluation of a Trainer to a trial, and ends it with `TrialPruned` where the pruner says so.

    ``metric`` names the goal among the Trainer's metrics ("eval_loss").
    """

    def __init__(self, trial: Any, metric: str = "eval_loss") -> None:
        self._trial, self._metric = trial, metric

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        """Report; only the process that is world's zero speaks to the study."""
        if not state.is_world_process_zero:
            return
        numbers = {name: float(v) for name, v in (metrics or {}).items() if isinstance(v, int | float)}
        if self._metric not in numbers:
            raise SettingError(
                f"{self._metric!r} is not among the metrics {sorted(numbers)}; name one of them."
            )
        self._trial.report(
            {**numbers, self._trial._table.goals[0].name: numbers[self._metric]}, state.global_step
        )
        if self._trial.should_prune():
            raise TrialPruned(f"pruned at step {state.global_step}")


@contextmanager
def search_backend(**settings: Any) -> Iterator[_Backend]:
    """tunewise in the place of the backend "optuna" inside; ``settings`` go to `create_study`.

    Yields an object whose ``study`` is the last search's.
    """
    name = HPSearchBackend.OPTUNA
    before = ALL_HYPERPARAMETER_SEARCH_BACKENDS[name]
    backend = _Backend(settings)
    ALL_HYPERPARAMETER_SEARCH_BACKENDS[name] = lambda: backend
    try:
        yield backend
    finally:
        ALL_HYPERPARAMETER_SEARCH_BACKENDS[name] = before


class _Backend(HyperParamSearchBackendBase):  # type: ignore[misc]
    name = "optuna"

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self.study: Study | None = None

    @staticmethod
    def is_available() -> bool:
        return True

    def default_hp_space(self, trial: Any) -> dict[str, Any]:
        return {
            "learning_rate": trial.suggest_float("learning_rate", 1e-6, 1e-3, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 1e-3, 0.3, log=True),
            "seed": trial.seed % 2**31,
        }

    def run(self, trainer: Any, n_trials: int, direction: str, **kwargs: Any) -> BestRun:
        """Search; called by the Trainer."""
        self.study = create_study(
            **{"direction": direction, "load_if_exists": True, **self._settings, **kwargs}
        )

        def objective(trial: Any) -> float:
            reporter = _ReportObjective(trainer, trial)
            trainer.objective = None
            trainer.add_callback(reporter)
            try:
                trainer.train(trial=_Shown(trial))
                trainer.objective = trainer.compute_objective(trainer.evaluate())
            finally:
                trainer.remove_callback(reporter)
            return float(trainer.objective)

        self.study.optimize(objective, n_trials=n_trials)
        best = self.study.best_trial
        return BestRun(str(best.number), best.value, dict(best.params), None)


class _Shown(dict[str, Any]):
    """A live trial for the Trainer, which knows trials that are dicts."""

    def __init__(self, trial: Any) -> None:
        super().__init__()
        self._trial = trial

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)


class _ReportObjective(TrainerCallback):  # type: ignore[misc]
    def __init__(self, trainer: Any, trial: Any) -> None:
        self._trainer, self._trial = trainer, trial

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any) -> None:
        self._trial.report(float(self._trainer.compute_objective(dict(metrics))), state.global_step)
        if self._trial.should_prune():
            raise TrialPruned(f"pruned at step {state.global_step}")
