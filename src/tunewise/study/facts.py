"""A finished trial written in other ways: as facts of a log, as a row of a table."""

from __future__ import annotations

import math
from typing import Any

from tunewise.events import Constrained, Event, Noted, ParamsSet, Reported, TrialFinished, to_plain
from tunewise.records import FrozenTrial, Goal


def facts_of(trial: FrozenTrial, number: int, worker: str) -> list[Event]:
    """The facts that make a finished trial anew under another number, once it was started there."""
    facts: list[Event] = [Noted(number, to_plain(dict(trial.user_attrs)))] if trial.user_attrs else []
    if trial.params:
        domains = {name: trial.domains[name] for name in trial.params}
        facts.append(ParamsSet(number, dict(trial.params), domains, 0))
    for metric, curve in trial.curves.items():
        facts.extend(Reported(number, step, {metric: value}, math.nan) for step, value in curve.items())
    if trial.constraints:
        facts.append(Constrained(number, dict(trial.constraints)))
    facts.append(
        TrialFinished(
            number, trial.state, trial.values, trial.reason, trial.finished_at, trial.worker or worker
        )
    )
    return facts


def row_of(row: FrozenTrial, goals: tuple[Goal, ...]) -> dict[str, Any]:
    """A trial as a row of a table, one column a parameter."""
    values = row.values or (None,) * len(goals)
    names = ["value"] if len(goals) == 1 else [f"values_{goal.name}" for goal in goals]
    return {
        "number": row.number,
        **dict(zip(names, values, strict=True)),
        "state": row.state.name,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "duration": row.duration,
        **{f"params_{name}": value for name, value in row.params.items()},
        **{f"user_attrs_{name}": value for name, value in row.user_attrs.items()},
    }
