"""The exception tree. Every message says the value seen, the rule it breaks and the cure."""

from __future__ import annotations


class TunewiseError(Exception):
    """Root of all errors that tunewise raises on purpose."""


class SpaceError(TunewiseError, ValueError):
    """A domain, a space or a parameter value is not valid."""


class SettingError(TunewiseError, ValueError):
    """An argument of a public function is not valid."""


class StudyNotFound(TunewiseError, KeyError):
    """No study of that name is in the storage."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class StudyExists(TunewiseError):
    """A study of that name is in the storage already."""


class TrialStateError(TunewiseError, ValueError):
    """The trial is not in a state in which this can be done to it."""


class NoTrials(TunewiseError, ValueError):
    """The question needs a finished trial and there is none."""


class SearchExhausted(TunewiseError):
    """A finite search has visited every point; ``Study.optimize`` ends on it."""


class DataError(TunewiseError, ValueError):
    """A file or a table of results cannot be read as what it should be."""


class StorageError(TunewiseError):
    """The storage cannot be used: missing, corrupt, foreign, newer, or refused."""


class StorageUnreachable(StorageError):
    """The storage does not answer."""


class Conflict(StorageError):
    """Somebody else appended first; read on and try again."""


class GraphError(TunewiseError, RuntimeError):
    """A device gives other numbers since a CUDA graph could not be captured."""


class WorkerLost(TunewiseError):
    """The process of a trial ended before its time, or ran longer than it may (``is_late``)."""

    def __init__(self, reason: str, is_late: bool = False) -> None:
        super().__init__(reason)
        self.is_late = is_late


class MissingExtra(TunewiseError, ImportError):
    """An optional package is needed.

    ``MissingExtra("altair", "report", "Drawing a report")`` reads "Drawing a report needs altair, which is
    not installed: pip install "tunewise[report]"".
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f'{purpose} needs {package}, which is not installed: pip install "tunewise[{extra}]"'
        )
        self._made_of = package, extra, purpose

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str, str]]:
        return type(
            self
        ), self._made_of  # by default an unpickled error gets its message as the only argument


class TrialPruned(TunewiseError):
    """Raised by an objective to end its trial early; the last report is kept."""


class TrialInfeasible(TunewiseError):
    """Raised by ``Trial.mark_infeasible``: the trial diverged or cannot be run; samplers learn from it."""
