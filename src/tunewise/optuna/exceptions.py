"""Optuna's names of exceptions, for ours."""

from tunewise.errors import StorageError as StorageInternalError
from tunewise.errors import StudyExists as DuplicatedStudyError
from tunewise.errors import TrialPruned
from tunewise.errors import TrialStateError as UpdateFinishedTrialError
from tunewise.errors import TunewiseError as OptunaError

__all__ = [
    "DuplicatedStudyError",
    "OptunaError",
    "StorageInternalError",
    "TrialPruned",
    "UpdateFinishedTrialError",
]
