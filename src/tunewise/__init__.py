"""tunewise tunes deep-learning models properly: an optimisation engine and the Tuning Playbook as software.

Public names are loaded when they are first used, so that ``import tunewise`` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Categorical": "space",
    "Float": "space",
    "FrozenTrial": "records",
    "Goal": "records",
    "Int": "space",
    "Processes": "run.processes",
    "Project": "project",
    "Ray": "run.ray",
    "Space": "space",
    "Study": "study",
    "Trial": "trial",
    "TrialInfeasible": "errors",
    "TrialPruned": "errors",
    "TrialState": "records",
    "Trials": "trials",
    "TunewiseError": "errors",
    "copy_study": "study",
    "create_study": "study",
    "delete_study": "study",
    "evaluate": "torch",
    "load_study": "study",
    "read_study": "integrations.readers",
    "study_names": "study",
    "training": "torch",
}
_ROOMS = (
    "errors", "figures", "importance", "logging", "optuna", "playbook", "pruners", "report", "samplers", "stats",
    "storage", "testing", "torch",
)  # fmt: skip

__all__ = [*_HOME, *_ROOMS, "__version__"]  # noqa: PLE0604 (lazy names)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"tunewise.{_HOME[name]}"), name)
    elif name == "logging":
        value = import_module("tunewise.run.log")
    elif name in _ROOMS:
        value = import_module(f"tunewise.{name}")
    else:
        raise AttributeError(f"module 'tunewise' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
