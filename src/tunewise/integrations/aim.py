"""Trials as Aim runs: ``study.optimize(train, callbacks=[AimCallback(repo="."))``."""

from __future__ import annotations

from typing import Any

from tunewise.errors import MissingExtra
from tunewise.integrations.tracking import told
from tunewise.records import FrozenTrial

try:
    from aim import Run
except ImportError:
    raise MissingExtra("aim", "aim", "Tracking with Aim") from None


class AimCallback:
    """Writes each finished trial as one run of the experiment named after the study.

    Args:
        repo: the Aim repository. settings: further arguments of ``aim.Run``.
    """

    def __init__(self, repo: str | None = None, **settings: Any) -> None:
        self._settings = {
            "repo": repo,
            "system_tracking_interval": None,
            "log_system_params": False,
            **settings,
        }

    def __call__(self, study: Any, record: FrozenTrial) -> None:
        """Write one trial."""
        trial = told(study, record)
        run = Run(**{"experiment": study.name, **self._settings})
        run.name = trial.name
        run["hparams"] = trial.params
        run["tunewise"] = {**trial.tags, **trial.values}
        for metric, curve in trial.curves.items():
            for step, value in curve:
                run.track(value, name=metric, step=step)
        run.close()
