"""Training curves in tables: one row a report (long), or one column a trial or a step (wide)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from tunewise.errors import DataError
from tunewise.integrations.readers.columns import STEP_WORDS, TRIAL_WORDS, Columns
from tunewise.integrations.readers.found import Reports

Curve = list[tuple[int, float]]
CurveSet = Mapping[str, list[Curve]]


def long_curves(
    columns: Columns,
    rows: Sequence[Sequence[int]],
    step: str,
    metrics: Sequence[str],
    names: Mapping[str, str],
) -> dict[str, list[Curve]]:
    """Curves by metric, one a trial, from the rows of each trial; steps ascending, empty cells left out."""
    steps = columns[step]
    curves: dict[str, list[Curve]] = {}
    for metric in metrics:
        cells = columns[metric]
        curves[names.get(metric, metric)] = [
            sorted(
                (int(steps[i]), float(cells[i])) for i in row if _is_number(cells[i]) and _is_step(steps[i])
            )
            for row in rows
        ]
    return {metric: each for metric, each in curves.items() if any(len(curve) > 1 for curve in each)}


def reports_of(curves: CurveSet) -> dict[str, Reports]:
    """The same as flat arrays."""
    reports = {}
    for metric, each in curves.items():
        trial = np.repeat(np.arange(len(each)), [len(curve) for curve in each])
        flat = [pair for curve in each for pair in curve]
        if flat:
            step = np.array([s for s, _ in flat], dtype=np.int64)
            reports[metric] = Reports(trial, step, np.array([v for _, v in flat]))
    return reports


def curves_of_file(
    columns: Columns, keys: Sequence[Sequence[str]], goal: str, what: str
) -> dict[str, list[Curve]]:
    """Curves from a table of their own.

    Three forms are known: long (a column that names the trial, one of steps, one a metric); wide by trial (a column of
    steps, one column a trial, named as the trial or "trial - metric" as Weights & Biases exports charts); wide by step
    (a column that names the trial, one column a step).

    Args:
        columns: the table.
        keys: for each trial the names under which it may appear (number, id, name).
        goal: the metric to which the columns of a wide table belong.
        what: the table in words.

    Raises:
        DataError: the form is none of these, or no trial of the study appears.
    """
    place = {str(key): i for i, names in reversed(list(enumerate(keys))) for key in names}
    lower = {column.strip().lower(): column for column in columns}
    step = next((lower[word] for word in STEP_WORDS if word in lower), None)
    trial = next((lower[word] for word in TRIAL_WORDS if word in lower), None)
    if trial is not None and step is not None:
        curves = _long(columns, place, len(keys), trial, step)
    elif step is not None:
        curves = _wide_by_trial(columns, place, len(keys), step, goal)
    elif trial is not None:
        curves = {goal: _wide_by_step(columns, place, len(keys), trial)}
    else:
        raise DataError(
            f"{what} has neither a column that names the trial nor one of steps; it has {list(columns)[:12]}."
        )
    if not any(curve for each in curves.values() for curve in each):
        raise DataError(f"No trial of the study appears in {what}; trials are named like {list(place)[:3]}.")
    return curves


def _long(
    columns: Columns, place: Mapping[str, int], n: int, trial: str, step: str
) -> dict[str, list[Curve]]:
    rows: list[list[int]] = [[] for _ in range(n)]
    for i, key in enumerate(columns[trial]):
        if (where := place.get(_key(key))) is not None:
            rows[where].append(i)
    metrics = [c for c in columns if c not in (trial, step) and any(_is_number(cell) for cell in columns[c])]
    return long_curves(columns, rows, step, metrics, {})


def _wide_by_trial(
    columns: Columns, place: Mapping[str, int], n: int, step: str, goal: str
) -> dict[str, list[Curve]]:
    curves: dict[str, list[Curve]] = {}
    for column, cells in columns.items():
        name, _, metric = column.rpartition(" - ")
        if re.search(r"__(MIN|MAX)$", column) or column == step:
            continue
        where = place.get(column, place.get(name))
        if where is not None:
            each = curves.setdefault(
                metric if column not in place and metric else goal, [[] for _ in range(n)]
            )
            pairs = zip(columns[step], cells, strict=True)
            each[where] = sorted((int(s), float(v)) for s, v in pairs if _is_number(v) and _is_step(s))
    return curves


def _wide_by_step(columns: Columns, place: Mapping[str, int], n: int, trial: str) -> list[Curve]:
    steps = {c: int(match[1]) for c in columns if c != trial and (match := re.search(r"(\d+)\]?$", c))}
    each: list[Curve] = [[] for _ in range(n)]
    for i, key in enumerate(columns[trial]):
        if (where := place.get(_key(key))) is not None:
            each[where] = sorted(
                (s, float(columns[c][i])) for c, s in steps.items() if _is_number(columns[c][i])
            )
    return each


def _key(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _is_step(cell: object) -> bool:
    return _is_number(cell) and math.isfinite(cell)  # type: ignore[arg-type]
