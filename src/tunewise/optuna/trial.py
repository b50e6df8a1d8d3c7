"""Optuna's trials: the live one, the frozen one and the fixed one, over ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from tunewise import records, trial
from tunewise.errors import TrialStateError
from tunewise.optuna.distributions import BaseDistribution, from_domain
from tunewise.space import Categorical, Domain, Float, Int
from tunewise.types import Choice


class TrialState(IntEnum):
    """Optuna's states. A trial that diverged, our INFEASIBLE, is shown as FAIL."""

    RUNNING = 0
    COMPLETE = 1
    PRUNED = 2
    FAIL = 3
    WAITING = 4

    def is_finished(self) -> bool:
        """Whether the trial has ended."""
        return self not in (TrialState.RUNNING, TrialState.WAITING)


_STATES = {
    records.TrialState.QUEUED: TrialState.WAITING,
    records.TrialState.RUNNING: TrialState.RUNNING,
    records.TrialState.COMPLETE: TrialState.COMPLETE,
    records.TrialState.PRUNED: TrialState.PRUNED,
    records.TrialState.FAILED: TrialState.FAIL,
    records.TrialState.INFEASIBLE: TrialState.FAIL,
}


def native_state(state: TrialState) -> records.TrialState:
    """Our state for one of Optuna's."""
    return next(ours for ours, theirs in _STATES.items() if theirs == state)


class Trial:
    """A running trial with Optuna's methods."""

    def __init__(self, native: trial.Trial) -> None:
        self.native = native
        self.suggest_float = native.suggest_float
        self.suggest_int = native.suggest_int
        self.suggest_categorical = native.suggest_categorical
        self.suggest_uniform = native.suggest_uniform
        self.suggest_loguniform = native.suggest_loguniform
        self.report = native.report
        self.should_prune = native.should_prune
        self.set_user_attr = native.set_user_attr

    @property
    def number(self) -> int:
        """0, 1, 2, ... in the order of starting."""
        return self.native.number

    @property
    def params(self) -> dict[str, Choice]:
        """The parameters suggested so far."""
        return self.native.params

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The user attributes so far."""
        return self.native.user_attrs

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The distributions of the parameters suggested so far."""
        domains = self.native.snapshot().domains
        return {name: from_domain(domains[name]) for name in self.params}

    @property
    def datetime_start(self) -> datetime | None:
        """When the trial started, in local time."""
        return _local_time(self.native.snapshot().started_at)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        """`suggest_float` with ``step=q``."""
        return self.native.suggest_float(name, low, high, step=q)

    def set_constraint(self, key: str, value: float) -> None:
        """Note a constraint; at most 0 is satisfied."""
        self.native.set_constraints({key: value})


class _Replay:
    """The suggest methods of a trial whose parameters are known already."""

    params: Mapping[str, Choice]

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """The known value. Raises ValueError where there is none, or it is not in the range."""
        return self._known(name, Float(low, high, log, step))  # type: ignore[return-value]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """The known value. Raises ValueError where there is none, or it is not in the range."""
        return self._known(name, Int(low, high, log, step))  # type: ignore[return-value]

    def suggest_categorical(self, name: str, choices: Sequence[Choice]) -> Any:
        """The known value. Raises ValueError where there is none, or it is not among the choices."""
        return self._known(name, Categorical(tuple(choices)))

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """`suggest_float`."""
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """`suggest_float` with ``log=True``."""
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        """`suggest_float` with ``step=q``."""
        return self.suggest_float(name, low, high, step=q)

    def _known(self, name: str, domain: Domain) -> Choice:
        if name not in self.params:
            raise ValueError(f"This trial has no parameter {name!r}; it has {list(self.params)}.")
        return domain.decode(domain.encode(self.params[name]))


@dataclass(frozen=True)
class FrozenTrial(_Replay):
    """A finished (or stored) trial with Optuna's attributes; times are local. Can be passed to an objective."""

    number: int
    state: TrialState
    values: list[float] | None = None
    params: dict[str, Choice] = field(default_factory=dict)
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)
    datetime_start: datetime | None = None
    datetime_complete: datetime | None = None
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)
    intermediate_values: dict[int, float] = field(default_factory=dict)
    constraints: dict[str, float] = field(default_factory=dict)

    @property
    def value(self) -> float | None:
        """The value of the only goal; of a pruned trial its last report. Raises RuntimeError for several goals."""
        if self.values is None:
            return None
        if len(self.values) > 1:
            raise RuntimeError(f"This trial has {len(self.values)} values; use `values`.")
        return self.values[0]

    @property
    def duration(self) -> timedelta | None:
        """How long the trial took; None while it is not finished."""
        if self.datetime_start is None or self.datetime_complete is None:
            return None
        return self.datetime_complete - self.datetime_start

    @property
    def last_step(self) -> int | None:
        """The last reported step; None where nothing was reported."""
        return max(self.intermediate_values, default=None)

    def report(self, value: float, step: int) -> None:
        """Nothing: the trial is over."""

    def should_prune(self) -> bool:
        """False: the trial is over."""
        return False


class FixedTrial(_Replay):
    """Hands given parameters to an objective, without a study."""

    def __init__(self, params: Mapping[str, Choice], number: int = 0) -> None:
        self.params = dict(params)
        self.number = number
        self.user_attrs: dict[str, Any] = {}

    def report(self, value: float, step: int) -> None:
        """Nothing: there is no study to tell."""

    def should_prune(self) -> bool:
        """False: there is no study to compare with."""
        return False

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keep an attribute in ``user_attrs``."""
        self.user_attrs[key] = value


def create_trial(
    *,
    state: TrialState = TrialState.COMPLETE,
    value: float | None = None,
    values: Sequence[float] | None = None,
    params: dict[str, Choice] | None = None,
    distributions: dict[str, BaseDistribution] | None = None,
    user_attrs: dict[str, Any] | None = None,
    system_attrs: dict[str, Any] | None = None,
    intermediate_values: dict[int, float] | None = None,
    constraints: dict[str, float] | None = None,
) -> FrozenTrial:
    """A trial for `Study.add_trial`.

    Raises:
        ValueError: both value and values are given, or params and distributions have different names.
    """
    if value is not None and values is not None:
        raise ValueError("Give value or values, not both.")
    if set(params or {}) != set(distributions or {}):
        raise ValueError(
            f"params has {sorted(params or {})}, distributions {sorted(distributions or {})}; they must agree."
        )
    now = datetime.now()
    return FrozenTrial(
        number=-1,
        state=state,
        values=[value] if value is not None else list(values) if values is not None else None,
        params=params or {},
        distributions=distributions or {},
        datetime_start=None if state == TrialState.WAITING else now,
        datetime_complete=now if state.is_finished() else None,
        user_attrs=user_attrs or {},
        system_attrs=system_attrs or {},
        intermediate_values=intermediate_values or {},
        constraints=constraints or {},
    )


def frozen(record: records.FrozenTrial, metric: str) -> FrozenTrial:
    """Our record in Optuna's shape; ``metric`` is the one whose reports are the intermediate values."""
    curve = dict(record.curves.get(metric, {}))
    values = None if record.values is None else list(record.values)
    if record.state == records.TrialState.PRUNED and curve:
        values = [curve[max(curve)]]
    return FrozenTrial(
        number=record.number,
        state=_STATES[record.state],
        values=values,
        params=dict(record.params),
        distributions={name: from_domain(domain) for name, domain in record.domains.items()},
        datetime_start=_local_time(record.started_at),
        datetime_complete=_local_time(record.finished_at),
        user_attrs=dict(record.user_attrs),
        intermediate_values=curve,
        constraints=dict(record.constraints),
    )


def native(record: FrozenTrial, metric: str) -> records.FrozenTrial:
    """Optuna's shape as our record. Raises TrialStateError for a trial that is still running."""
    if not record.state.is_finished():
        raise TrialStateError(f"The trial is {record.state.name}; only finished trials can be added.")
    state = native_state(record.state)
    return records.FrozenTrial(
        number=record.number,
        state=state,
        params=dict(record.params),
        values=tuple(record.values) if state == records.TrialState.COMPLETE and record.values else None,
        domains={name: distribution.domain() for name, distribution in record.distributions.items()},
        curves={metric: dict(record.intermediate_values)} if record.intermediate_values else {},
        user_attrs=dict(record.user_attrs),
        constraints=dict(record.constraints),
        started_at=record.datetime_start.timestamp() if record.datetime_start else math.nan,
        finished_at=record.datetime_complete.timestamp() if record.datetime_complete else math.nan,
    )


def _local_time(at: float) -> datetime | None:
    return None if math.isnan(at) else datetime.fromtimestamp(at)
