"""Plain frozen records: what a trial, a goal and a study look like from outside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from tunewise.errors import SettingError
from tunewise.space import Domain, Space
from tunewise.types import Json, Params

_NOTHING: Any = MappingProxyType({})  # a default that nobody can change


class TrialState(IntEnum):
    """Where a trial stands.

    COMPLETE has finite values; PRUNED was ended early by choice; FAILED crashed and says nothing about its
    parameters; INFEASIBLE diverged, and that is a result which samplers learn from.
    """

    QUEUED = 0
    RUNNING = 1
    COMPLETE = 2
    PRUNED = 3
    FAILED = 4
    INFEASIBLE = 5

    @property
    def is_finished(self) -> bool:
        """Whether the trial has ended, in whatever way."""
        return self >= TrialState.COMPLETE


@dataclass(frozen=True, slots=True)
class Goal:
    """A metric to optimise and its direction, "minimize" or "maximize"."""

    name: str = "value"
    direction: str = "minimize"

    def __post_init__(self) -> None:
        if self.direction not in ("minimize", "maximize"):
            raise SettingError(f'The direction is {self.direction!r}; it must be "minimize" or "maximize".')

    @property
    def sign(self) -> float:
        """Multiply a value by this to get a loss (smaller is better)."""
        return 1.0 if self.direction == "minimize" else -1.0


class Prediction(NamedTuple):
    """What a surrogate expects of a metric at one point, in the metric's own units."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Lease:
    """How dead workers are noticed: within ``seconds`` their trials fail or, with "retry", are queued again.

    ``seconds=None``: never. A trial that was started `MOST_ATTEMPTS` times fails in any case: it may be what kills them.
    """

    seconds: float | None = 60.0
    on_lost: str = "fail"

    MOST_ATTEMPTS: ClassVar[int] = 3

    def __post_init__(self) -> None:
        if self.seconds is not None and not (_is_number(self.seconds) and self.seconds > 0):
            raise SettingError(
                f"The lease is {self.seconds!r}; it must be seconds above 0, or None (no leases)."
            )
        if self.on_lost not in ("fail", "retry"):
            raise SettingError(f'on_lost is {self.on_lost!r}; it must be "fail" or "retry".')


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class StudyInfo:
    """What a study was created with."""

    name: str
    goals: tuple[Goal, ...]
    seed: int
    created_at: float
    space: Space | None = None
    sampler: Mapping[str, Json] = field(default_factory=dict)
    pruner: Mapping[str, Json] = field(default_factory=dict)
    lease: Lease = Lease()
    artifacts: str | None = None


class FrozenTrial(NamedTuple):
    """A trial as it stands in the table; immutable, and equal to another with the same content (NaN equals NaN here).

    ``values`` is None unless the trial completed; ``curves[metric]`` maps step to the reported value.
    Times are POSIX seconds (UTC); NaN where the trial has not started or finished.
    """

    number: int
    state: TrialState
    params: Params = _NOTHING
    values: tuple[float, ...] | None = None
    domains: Mapping[str, Domain] = _NOTHING
    curves: Mapping[str, Mapping[int, float]] = _NOTHING
    user_attrs: Mapping[str, Any] = _NOTHING
    constraints: Mapping[str, float] = _NOTHING
    reason: str | None = None
    started_at: float = math.nan
    finished_at: float = math.nan
    sampler: str = ""
    worker: str = ""

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, other) is True or (type(other) is FrozenTrial and repr(self) == repr(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return tuple.__hash__(self)

    @property
    def value(self) -> float | None:
        """The value of the only goal. Raises SettingError where there are several goals."""
        if self.values is None:
            return None
        if len(self.values) > 1:
            raise SettingError(f"This study has {len(self.values)} goals; ask for `values`.")
        return self.values[0]

    @property
    def duration(self) -> float | None:
        """Seconds from start to finish; None while it is not finished."""
        seconds = self.finished_at - self.started_at
        return seconds if seconds == seconds else None

    @property
    def violation(self) -> float:
        """Summed violation of the constraints; 0 where all are satisfied."""
        return sum(max(0.0, c) if c == c else math.inf for c in self.constraints.values())
