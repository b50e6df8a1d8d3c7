"""Trials as Weights & Biases runs: ``study.optimize(train, callbacks=[WandbCallback("project")])``."""

from __future__ import annotations

from typing import Any

from tunewise.errors import MissingExtra
from tunewise.integrations.tracking import told
from tunewise.records import FrozenTrial

try:
    import wandb
except ImportError:
    raise MissingExtra("wandb", "wandb", "Tracking with Weights & Biases") from None


class WandbCallback:
    """Writes each finished trial as one run of the group named after the study.

    Args:
        project: the W&B project. settings: further arguments of ``wandb.init``, such as mode="offline" or entity=...
    """

    def __init__(self, project: str | None = None, **settings: Any) -> None:
        self._settings = {"project": project, **settings}

    def __call__(self, study: Any, record: FrozenTrial) -> None:
        """Write one trial."""
        trial = told(study, record)
        run = wandb.init(
            **{
                "group": study.name,
                "name": trial.name,
                "config": trial.params,
                "reinit": "create_new",
                **self._settings,
            }
        )
        by_step: dict[int, dict[str, float]] = {}
        for metric, curve in trial.curves.items():
            for step, value in curve:
                by_step.setdefault(step, {})[metric] = value
        for step in sorted(by_step):
            run.log(by_step[step], step=step)
        run.summary.update({**trial.values, **trial.tags})
        run.finish(exit_code=0 if record.state.name in ("COMPLETE", "PRUNED") else 1)
