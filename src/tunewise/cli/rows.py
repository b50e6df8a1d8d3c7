"""Trials as flat rows, for CSV and Parquet: one column a parameter, an attribute, a constraint."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from tunewise.cli.show import iso
from tunewise.records import FrozenTrial, Goal


def flat_rows(
    records: Iterable[FrozenTrial], goals: Sequence[Goal]
) -> tuple[list[str], list[dict[str, Any]]]:
    """(columns, rows): number, state, one column a goal, times, then params_*, user_attrs_* and constraints_*.

    Absent entries are missing from a row. Lists and dicts in attributes are written as JSON.
    """
    rows = [_flat(record, goals) for record in records]
    seen = dict.fromkeys(name for row in rows for name in row)
    return sorted(seen, key=_kind), rows


def write_csv(records: Iterable[FrozenTrial], goals: Sequence[Goal], file: TextIO) -> None:
    """Write trials as CSV with a head line; an absent value is an empty cell."""
    columns, rows = flat_rows(records, goals)
    writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def one_kind_a_column(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows with columns that mix kinds of values (1, "a", True) turned into text, as typed files need it."""
    kinds: dict[str, set[type]] = {}
    for row in rows:
        for name, value in row.items():
            kinds.setdefault(name, set()).update({type(value)} - {type(None)})
    mixed = {name for name, each in kinds.items() if len(each) > 1 and each != {int, float}}
    return [
        {name: str(value) if name in mixed and value is not None else value for name, value in row.items()}
        for row in rows
    ]


def _flat(record: FrozenTrial, goals: Sequence[Goal]) -> dict[str, Any]:
    values = record.values or [None] * len(goals)
    row: dict[str, Any] = {"number": record.number, "state": record.state.name.lower()}
    row |= {goal.name: value for goal, value in zip(goals, values, strict=True)}
    row |= {"started_at": iso(record.started_at), "finished_at": iso(record.finished_at)}
    row |= {"duration": record.duration, "reason": record.reason}
    row |= {f"params_{name}": value for name, value in record.params.items()}
    row |= {f"user_attrs_{name}": _cell(value) for name, value in record.user_attrs.items()}
    return row | {f"constraints_{name}": value for name, value in record.constraints.items()}


def _kind(column: str) -> int:
    kinds = ("params_", "user_attrs_", "constraints_")
    return next((k for k, prefix in enumerate(kinds) if column.startswith(prefix)), -1)


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value
