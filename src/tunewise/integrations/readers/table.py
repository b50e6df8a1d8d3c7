"""From a table of trials (one row a trial, or one row a report) to `Found`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tunewise.errors import DataError
from tunewise.integrations.readers.columns import TRIAL_WORDS, Columns, Layout, layout_of
from tunewise.integrations.readers.curves import Curve, CurveSet, curves_of_file, long_curves, reports_of
from tunewise.integrations.readers.domains import seen_domain
from tunewise.integrations.readers.doubts import direction_of
from tunewise.integrations.readers.found import Found, Reading
from tunewise.integrations.readers.optuna_rows import seconds
from tunewise.records import FrozenTrial, Goal, TrialState
from tunewise.space import Categorical, Domain, Int, Space
from tunewise.types import Choice, Params

_WORDS = {
    TrialState.COMPLETE: {
        "complete",
        "completed",
        "finished",
        "success",
        "succeeded",
        "ok",
        "done",
        "terminated",
    },
    TrialState.PRUNED: {"pruned", "stopped", "early_stopped", "earlystopped"},
    TrialState.FAILED: {"fail", "failed", "crashed", "killed", "error", "errored", "preempted"},
    TrialState.INFEASIBLE: {"infeasible", "diverged", "nan"},
    TrialState.RUNNING: {"running"},
    TrialState.QUEUED: {"waiting", "queued", "pending", "scheduled"},
}
_STATES = {word: state for state, words in _WORDS.items() for word in words}


def read_table(
    columns: Columns,
    reading: Reading,
    name: str,
    what: str,
    *,
    curves: CurveSet | None = None,
    curve_table: Columns | None = None,
) -> Found:
    """A study from columns of equal length; ``None`` is an empty cell, NaN a number that is none.

    The domains are those of ``reading.space``, else what was seen. A row without a value failed; one whose value is
    NaN or infinite diverged.

    Args:
        columns: one cell a trial in each, or one cell a report.
        reading: how to read them.
        name: of the study.
        what: the source in words.
        curves: the curves by metric, one a row.
        curve_table: a table that holds them.

    Raises:
        DataError: there are no rows, or the columns do not say what they are.
    """
    if not columns or not any(len(cells) for cells in columns.values()):
        raise DataError(f"{what} holds no trials.")
    if (
        reading.metric is not None
        and reading.metric not in columns
        and curve_table
        and reading.metric in curve_table
    ):
        columns = {**columns, reading.metric: [None] * len(next(iter(columns.values())))}
    layout = layout_of(columns, reading, what)
    rows, own_curves = _trials_of(columns, layout)
    curves = {**own_curves, **(curves or {})}
    if curve_table is not None:
        curves |= curves_of_file(
            curve_table, _keys(columns, layout, rows), layout.goal, "the table of curves"
        )
    goal = Goal(layout.goal, _direction(layout.goal, reading, what))
    domains = _domains(columns, layout, rows, reading)
    order = _order(columns, layout, rows)
    trials = [
        _trial(
            columns,
            layout,
            rows[i],
            order[i],
            domains,
            _curve_value(curves, layout.goal, i, goal, reading.value),
        )
        for i in range(len(rows))
    ]
    notes = list(layout.notes)
    if curves and any(len(row) > 1 for row in rows):
        notes.append(
            f"A trial's value is the {reading.value} {layout.goal} of its curve"
            + (" (--value best takes the best)." if reading.value == "last" else ".")
        )
    if reading.space is None:
        notes.append(
            "The ranges that were searched are not recorded; they are taken to end at the extreme values. Say --space to "
            "give them."
        )
    return Found(
        name, what, (goal,), trials, reports_of(curves), notes, ranges_known=reading.space is not None
    )


def _direction(goal: str, reading: Reading, what: str) -> str:
    direction = reading.direction or direction_of(goal)
    if direction is None:
        raise DataError(
            f"Is a smaller or a larger {goal} better? {what} does not say; give --direction minimize or maximize."
        )
    return direction


def _trials_of(columns: Columns, layout: Layout) -> tuple[list[list[int]], dict[str, list[Curve]]]:
    """The rows of each trial, and its curves by metric."""
    n = len(columns[layout.metric])
    ids = columns[layout.trial] if layout.trial is not None else list(range(n))
    rows: dict[Any, list[int]] = {}
    for i, key in enumerate(ids):
        rows.setdefault(key, []).append(i)
    if len(rows) == n or layout.step is None:
        if len(rows) < n:
            layout.notes.append(
                f"{layout.trial!r} repeats and there is no column of steps, so every row is read as a trial of its own."
            )
            layout.number = None
        return [[i] for i in range(n)], _wide_curves(columns, layout)
    metrics = [layout.metric, *(c for c in layout.attrs if _numeric(columns[c]))]
    return list(rows.values()), long_curves(
        columns, list(rows.values()), layout.step, metrics, {layout.metric: layout.goal}
    )


def _keys(columns: Columns, layout: Layout, rows: Sequence[Sequence[int]]) -> list[list[str]]:
    """The names under which each trial may appear elsewhere."""
    named = [c for c in columns if c == layout.trial or c.strip().lower() in TRIAL_WORDS]
    return [
        [
            *(str(columns[c][row[0]]) for c in named if columns[c][row[0]] is not None),
            *([] if layout.number else [str(i)]),
        ]
        for i, row in enumerate(rows)
    ]


def _wide_curves(columns: Columns, layout: Layout) -> dict[str, list[Curve]]:
    """Curves in columns such as "val_loss_3" or "intermediate_values.3", in a column of mappings, or in the metric's cells."""
    n = len(columns[layout.metric])
    curves: dict[str, list[Curve]] = {}
    if any(isinstance(cell, Sequence) and not isinstance(cell, str) for cell in columns[layout.metric]):
        curves[layout.goal] = [_curve(cell) for cell in columns[layout.metric]]
        columns[layout.metric] = [None] * n
    stem = re.escape(layout.goal)
    pattern = re.compile(
        rf"(?:{stem}|{re.escape(layout.metric)}|intermediate_values?)[@_.\[/ -]*(?:step|epoch)?[_ ]?(\d+)\]?"
    )
    steps = {column: int(match[1]) for column in layout.attrs if (match := pattern.fullmatch(column))}
    if len(steps) >= 3:
        ordered = sorted(steps, key=steps.__getitem__)
        curves[layout.goal] = [
            [(steps[c], float(columns[c][i])) for c in ordered if isinstance(columns[c][i], int | float)]
            for i in range(n)
        ]
        layout.attrs = [c for c in layout.attrs if c not in steps]
        for column in steps:
            layout.params.pop(column, None)
    nested = columns.get("curves", [])
    for i, cell in enumerate(nested):
        for metric, curve in cell.items() if isinstance(cell, Mapping) else ():
            curves.setdefault(str(metric), [[] for _ in range(n)])[i] = _curve(curve)
    layout.attrs = [c for c in layout.attrs if c != "curves"]
    return curves


def _curve(cell: Any) -> Curve:
    """(step, value) pairs from a list of values, a list of pairs, or a mapping of steps to values."""
    if isinstance(cell, Mapping):
        return sorted((int(step), _float(value)) for step, value in cell.items())
    if not isinstance(cell, Sequence) or isinstance(cell, str):
        return []
    pairs = [
        pair if isinstance(pair, Sequence) and len(pair) == 2 else (i, pair) for i, pair in enumerate(cell)
    ]
    return [(int(step), _float(value)) for step, value in pairs]


def _float(cell: Any) -> float:
    return float(cell) if isinstance(cell, int | float) else math.nan


def _curve_value(
    curves: Mapping[str, list[Curve]], goal: str, i: int, kind: Goal, which: str
) -> float | None:
    curve = curves[goal][i] if goal in curves else []
    if not curve:
        return None
    if which == "last":
        return curve[-1][1]
    finite = [value for _, value in curve if math.isfinite(value)]
    return kind.sign * min(kind.sign * value for value in finite) if finite else math.nan


def _domains(
    columns: Columns, layout: Layout, rows: Iterable[Sequence[int]], reading: Reading
) -> dict[str, tuple[str, Domain]]:
    """Column -> (parameter, domain), of the parameters that vary (or that the user named)."""
    firsts = [row[0] for row in rows]
    space = reading.space or Space({})
    domains, fixed = {}, []
    for column, name in layout.params.items():
        known = [value for i in firsts if (value := _choice(columns[column][i])) is not None]
        domain = space[name] if name in space else seen_domain(known)
        if domain.n_values == 1 and not (name in space or reading.params):
            fixed.append(column)
        elif known:
            domains[column] = (name, domain)
    layout.attrs += fixed
    if fixed:
        names = ", ".join(layout.params[c] for c in fixed[:8]) + (", ..." if len(fixed) > 8 else "")
        layout.notes.append(f"The same in every trial, so no hyperparameters here: {names}.")
    missing = [name for name in space if name not in {name for name, _ in domains.values()}]
    if missing:
        known_names = list(layout.params.values())
        raise DataError(
            f"The space names {missing[0]!r}, which is no hyperparameter here; there are {known_names[:20]}."
        )
    return domains


def _order(columns: Columns, layout: Layout, rows: Sequence[Sequence[int]]) -> list[int]:
    """The number of each trial: as the table gives it, else by the time of its start, else by its row."""
    if layout.number is not None:
        return [_whole(columns[layout.number][row[0]], i) for i, row in enumerate(rows)]
    times = [_time(columns, layout.started, row[0]) for row in rows]
    if not all(math.isfinite(at) for at in times):
        return list(range(len(rows)))
    numbers = [0] * len(rows)
    for number, i in enumerate(sorted(range(len(rows)), key=lambda i: (times[i], i))):
        numbers[i] = number
    return numbers


def _choice(cell: Any) -> Choice:
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    return cell if cell is None or isinstance(cell, bool | int | str) else str(cell)


def _trial(
    columns: Columns, layout: Layout, row: Sequence[int], number: int, domains: Mapping[str, tuple[str, Domain]],
    curve_value: float | None,
) -> FrozenTrial:  # fmt: skip
    first, last = row[0], row[-1]
    params: Params = {}
    kinds: dict[str, Domain] = {}
    for column, (name, domain) in domains.items():
        value = _choice(columns[column][first])
        if value is not None:
            params[name], kinds[name] = _coded(name, value, domain)
    state = (
        _STATES.get(str(columns[layout.state][last]).strip().lower()) if layout.state is not None else None
    )
    value = curve_value if curve_value is not None else columns[layout.metric][last]
    trial = FrozenTrial(
        number, TrialState.COMPLETE if state is None else state, params, None, kinds,
        user_attrs={c.removeprefix("user_attrs_").removeprefix("user_attrs."): v for c in layout.attrs
                    if (v := _plain(columns[c][last])) is not None and not c.startswith("constraints")},
        constraints={c[12:]: float(v) for c in layout.attrs
                     if c.startswith(("constraints_", "constraints.")) and isinstance(v := columns[c][last], int | float)},
        started_at=_time(columns, layout.started, first), finished_at=_time(columns, layout.finished, last),
    )  # fmt: skip
    if state not in (None, TrialState.COMPLETE):
        return trial
    if value is None:
        return trial._replace(state=TrialState.FAILED)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return trial._replace(state=TrialState.FAILED, reason=f"{layout.metric} is {value!r}, no number")
    return trial._replace(values=(float(value),))


def _coded(name: str, value: Choice, domain: Domain) -> tuple[Choice, Domain]:
    """The value as a domain holds it, and the domain, wide enough for it.

    Raises:
        DataError: it is of another kind.
    """
    if isinstance(domain, Categorical):
        return value, domain
    if isinstance(value, bool | str) or value is None:
        raise DataError(f"{name!r} is {value!r} in a trial, which is no number; its range is {domain}.")
    if isinstance(domain, Int) and value != int(value):
        raise DataError(f"{name!r} is {value!r} in a trial, which is no whole number; its range is {domain}.")
    value = int(value) if isinstance(domain, Int) else float(value)
    if domain.contains(value):
        return value, domain
    low: Any = min(domain.low, value)
    high: Any = max(domain.high, value)
    return value, replace(domain, low=low, high=high, log=domain.log and low > 0)


def _whole(cell: Any, i: int) -> int:
    return int(cell) if isinstance(cell, int | float) and math.isfinite(cell) and cell == int(cell) else i


def _time(columns: Columns, column: str | None, row: int) -> float:
    cell = columns[column][row] if column is not None else None
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell) / (1000 if cell > 1e11 else 1)  # milliseconds, as MLflow writes them
    return seconds(cell)


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat()
    return str(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell  # JSON has no NaN


def _numeric(cells: Sequence[Any]) -> bool:
    return any(isinstance(c, int | float) and not isinstance(c, bool) for c in cells) and not any(
        isinstance(c, str | bool) for c in cells
    )
