"""Optuna's names over tunewise: ``import tunewise.optuna as optuna`` runs an existing script.

Only names are translated; a study made here is a tunewise study, which ``tunewise check`` and all else can read.
A trial that diverged is shown as FAIL but is kept as a result, so that samplers keep away from its neighbourhood.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tunewise.errors import TrialPruned
from tunewise.optuna.study import (
    MaxTrialsCallback,
    Study,
    StudyDirection,
    copy_study,
    create_study,
    delete_study,
    get_all_study_names,
    load_study,
)
from tunewise.optuna.trial import FixedTrial, FrozenTrial, Trial, TrialState, create_trial

_MODULES = ("artifacts", "distributions", "exceptions", "logging", "pruners", "samplers", "study", "trial")

__all__ = [  # noqa: PLE0604 (modules are loaded when first used)
    "FixedTrial",
    "FrozenTrial",
    "MaxTrialsCallback",
    "Study",
    "StudyDirection",
    "Trial",
    "TrialPruned",
    "TrialState",
    "copy_study",
    "create_study",
    "create_trial",
    "delete_study",
    "get_all_study_names",
    "load_study",
    *_MODULES,
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"tunewise.optuna has no {name!r}; Optuna's {name!r} has no counterpart here.")
    return import_module(f"{__name__}.{name}")
