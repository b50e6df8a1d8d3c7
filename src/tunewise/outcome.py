"""From what an objective returned to how its trial ended.

A finite value for every goal: COMPLETE. NaN or inf: INFEASIBLE. Nothing: the last report of each goal counts, and
without one the trial FAILED. Something that is no number: FAILED, with the reason in words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tunewise.errors import SettingError
from tunewise.records import Goal, TrialState
from tunewise.trials import Trials


class Outcome(NamedTuple):
    """How a trial ended."""

    state: TrialState
    values: tuple[float, ...] | None
    reason: str | None


def outcome_of(
    values: Any, state: TrialState | str | None, reason: str | None, trials: Trials, number: int
) -> Outcome:
    """Judge what was told about a trial.

    Raises:
        SettingError: the state is unknown or not an end.
    """
    if type(values) is float and math.isfinite(values) and state is None and len(trials.goals) == 1:
        return Outcome(TrialState.COMPLETE, (values,), reason)
    wanted = _state(state)
    if wanted is not None and wanted != TrialState.COMPLETE:
        return Outcome(wanted, None, reason)
    if values is None:
        values = _last_reports(trials, number)
    if values is None:
        return Outcome(TrialState.FAILED, None, reason or "the objective returned None and reported no value")
    try:
        numbers = as_values(values, trials.goals)
    except SettingError as error:
        return Outcome(TrialState.FAILED, None, str(error))
    bad = [
        f"{goal.name} is {x}" for goal, x in zip(trials.goals, numbers, strict=True) if not math.isfinite(x)
    ]
    if bad:
        return Outcome(TrialState.INFEASIBLE, None, reason or ", ".join(bad))
    return Outcome(TrialState.COMPLETE, numbers, reason)


def as_values(values: Any, goals: Sequence[Goal]) -> tuple[float, ...]:
    """One float a goal from a number, a sequence, or a mapping by goal name.

    Raises:
        SettingError: the wrong count, a missing name, or something that is no number.
    """
    if isinstance(values, Mapping):
        missing = [goal.name for goal in goals if goal.name not in values]
        if missing:
            raise SettingError(f"The result {_shown(dict(values))} lacks {missing}; return every goal.")
        return tuple(_number(values[goal.name]) for goal in goals)
    if hasattr(values, "tolist"):
        try:
            values = values.tolist()
        except Exception as error:  # somebody else's code
            raise _no_number(values, error) from None
    if isinstance(values, list | tuple):
        if len(values) != len(goals):
            raise SettingError(
                f"The result {_shown(values)} has {len(values)} values; this study has {len(goals)} goals."
            )
        return tuple(_number(value) for value in values)
    if len(goals) != 1:
        raise SettingError(f"The result {_shown(values)} is one value; this study has {len(goals)} goals.")
    return (_number(values),)


def _number(value: Any) -> float:
    if isinstance(value, str | bytes | complex):
        raise _no_number(value)
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value > 0 or -1)
    except Exception as error:  # somebody else's code
        raise _no_number(value, error) from None


def _no_number(value: Any, error: Exception | None = None) -> SettingError:
    kind = type(value).__name__
    why = (
        ""
        if error is None or isinstance(error, TypeError | ValueError)
        else f" ({type(error).__name__}: {error})"
    )
    return SettingError(f"The result {_shown(value)} ({kind}) is no number{why}; return a float.")


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception:
        return f"of type {type(value).__name__}"


def _last_reports(trials: Trials, number: int) -> list[float] | None:
    last = []
    for goal in trials.goals:
        curve = trials.curve(goal.name, number)
        if not curve:
            return None
        last.append(curve[max(curve)])
    return last


def _state(state: TrialState | str | None) -> TrialState | None:
    if state is None or isinstance(state, TrialState):
        wanted = state
    else:
        names = {each.name.lower(): each for each in TrialState}
        if str(state).lower() not in names:
            raise SettingError(
                f"There is no state {state!r}; an end is one of complete, pruned, failed, infeasible."
            )
        wanted = names[str(state).lower()]
    if wanted is not None and not wanted.is_finished:
        raise SettingError(
            f"A trial cannot be told to be {wanted.name}; say complete, pruned, failed or infeasible."
        )
    return wanted
