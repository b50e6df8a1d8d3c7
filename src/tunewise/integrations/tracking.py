"""What every tracker is told about a finished trial: flat settings, curves by metric, and how it ended."""

from __future__ import annotations

from typing import Any, NamedTuple

from tunewise.records import FrozenTrial
from tunewise.types import Json


class Told(NamedTuple):
    """A trial in a tracker's words; ``curves`` maps metric to (step, value) pairs, in order of steps."""

    name: str
    params: dict[str, Json]
    curves: dict[str, list[tuple[int, float]]]
    values: dict[str, float]
    tags: dict[str, str]


def told(study: Any, record: FrozenTrial) -> Told:
    """A record of ``study``, for a tracker."""
    values = dict(zip((goal.name for goal in study.goals), record.values or (), strict=False))
    curves = {metric: sorted(curve.items()) for metric, curve in record.curves.items()}
    tags = {
        "tunewise.study": study.name,
        "tunewise.trial": str(record.number),
        "tunewise.state": record.state.name,
    }
    if record.reason:
        tags["tunewise.reason"] = record.reason
    if "seed" in record.user_attrs:
        tags["tunewise.seed"] = str(record.user_attrs["seed"])
    return Told(f"{study.name}-{record.number}", dict(record.params), curves, values, tags)
