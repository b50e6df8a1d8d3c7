"""Which column of a table is what: parameters, the metric, the trial, its state, its times, steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from tunewise.errors import DataError
from tunewise.integrations.readers.doubts import direction_of
from tunewise.integrations.readers.found import Reading

Columns = dict[str, list[Any]]

_PARAM_PREFIXES = ("params_", "params.", "params/", "param_", "param.", "config.", "config/", "hyperparameters.",
                   "hparams.", "hparams/", "hparam.")  # fmt: skip
_METRIC_PREFIXES = (
    "metrics.",
    "metrics/",
    "metric_",
    "metric.",
    "values.",
    "values_",
    "summary.",
    "summary/",
)
_ATTR_PREFIXES = ("user_attrs_", "user_attrs.", "system_attrs_", "system_attrs.", "constraints_", "constraints.", "tags.",
                  "curves.", "intermediate_values.", "_wandb", "gradients/", "parameters/", "system/",
                  "system.")  # fmt: skip
TRIAL_WORDS = (
    "number",
    "trial",
    "trial_number",
    "trial_id",
    "run",
    "run_id",
    "id",
    "run_name",
    "name",
    "experiment_tag",
)
_STATE = ("state", "status")
STEP_WORDS = (
    "step",
    "_step",
    "epoch",
    "iteration",
    "iter",
    "global_step",
    "trainer/global_step",
    "training_iteration",
)
_STARTED = ("started_at", "datetime_start", "start_time", "created", "created_at", "created at")
_FINISHED = ("finished_at", "datetime_complete", "end_time", "heartbeat_at")
_ROLES = {
    "trial": TRIAL_WORDS,
    "state": _STATE,
    "step": STEP_WORDS,
    "started": _STARTED,
    "finished": _FINISHED,
}
_OTHER = {"", "index", "duration", "reason", "runtime", "_runtime", "_timestamp", "timestamp", "time_this_iter_s",
          "time_total_s", "time_since_restore", "user", "notes", "tags", "sweep", "sweep_name", "group", "job_type",
          "hostname", "host", "pid", "node_ip", "date", "experiment_id", "artifact_uri", "seed", "worker", "sampler", "done",
          "commit", "github", "updated", "displayname", "project", "username", "curves", "logdir"}  # fmt: skip
_SPENT = re.compile(  # what a run took, not what it was told
    r"(total_|train(ing)?_|wall_?|elapsed_?|run_?)?(time|duration|runtime|elapsed|walltime)"
    r"([_ (\[]*(s|secs?|seconds|ms|m|mins?|minutes|h|hours)[)\]]?)?"
)


# Each narrows what is left; the metric is found where one column remains.
_METRIC_HINTS: tuple[Callable[[str], bool], ...] = (
    lambda c: _stripped(c, _METRIC_PREFIXES).lower() in ("value", "objective", "objective_value"),
    lambda c: _stripped(c, _METRIC_PREFIXES) != c,
    lambda c: direction_of(c) is not None,
    lambda c: re.search(r"(^|[^a-z])(val|valid|validation|dev|eval)([^a-z]|$)", c.lower()) is not None,
)


@dataclass
class Layout:
    """The columns of a table by what they are; names as they stand in the table."""

    metric: str
    goal: str
    params: dict[str, str] = field(default_factory=dict)  # column -> name of the parameter
    trial: str | None = None
    number: str | None = None
    state: str | None = None
    step: str | None = None
    started: str | None = None
    finished: str | None = None
    attrs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def layout_of(columns: Columns, reading: Reading, what: str) -> Layout:
    """Sort out the columns.

    Columns with a prefix such as ``params_`` or ``config.`` are the parameters; without any, all that are neither the
    metric nor well-known book-keeping. ``reading.params`` and ``reading.metric`` overrule both.

    Raises:
        DataError: the metric or a wanted parameter is not there, or nothing says which column the metric is.
    """
    names = {column: column.strip().lower() for column in columns}
    first = {role: _first(names, words) for role, words in _ROLES.items()}
    if reading.trial is not None and reading.trial not in columns:
        raise DataError(f"{what} has no column {reading.trial!r} to name the trial; it has {_some(columns)}.")
    trial = reading.trial or first["trial"]
    prefixed = {c: _stripped(c, _PARAM_PREFIXES) for c in columns if _stripped(c, _PARAM_PREFIXES) != c}
    book = {c for c in first.values() if c is not None} | {c for c, name in names.items() if _is_book(name)}
    book |= {c for c, name in names.items() if name in TRIAL_WORDS + _STATE + _STARTED + _FINISHED}
    free = [c for c in columns if c not in book and c not in prefixed and _has_numbers(columns[c])]
    metric = _metric(columns, reading, free, what)
    layout = Layout(
        metric, _stripped(metric, _METRIC_PREFIXES), _params(columns, reading, prefixed, metric, book, what), trial,
        trial if trial is not None and names[trial] in ("number", "trial", "trial_number", "trial_id") else None,
        first["state"], first["step"], first["started"], first["finished"],
    )  # fmt: skip
    if layout.step in layout.params or layout.step == metric:
        layout.step = None
    layout.attrs = _attrs(columns, layout, names)
    if reading.metric is None and len(free) > 1:
        layout.notes.append(f"The metric is taken to be {layout.goal!r}; --metric NAME takes another one.")
    if not prefixed and not reading.params:
        layout.notes.append(
            f"Read as hyperparameters: {_some(layout.params)}. If that is wrong, list them with --params."
            if layout.params
            else "No column is read as a hyperparameter, so only curves and values are checked; list them with --params."
        )
    return layout


def flattened(records: Sequence[Mapping[str, Any]]) -> Columns:
    """Records as columns; the entries of nested mappings become columns "outer.inner". Absent cells are None."""
    rows = [dict(_flat(record)) for record in records]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _flat(record: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in record.items():
        if isinstance(value, Mapping) and key not in ("curves", "history", "intermediate_values"):
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def _first(names: Mapping[str, str], words: Sequence[str]) -> str | None:
    by_name = {name: column for column, name in reversed(list(names.items()))}
    return next((by_name[word] for word in words if word in by_name), None)


def _stripped(column: str, prefixes: Sequence[str]) -> str:
    """The column without its prefix."""
    for prefix in prefixes:
        if column.lower().startswith(prefix) and len(column) > len(prefix):
            return column[len(prefix) :]
    return column


def _is_book(name: str) -> bool:
    return (
        name in _OTHER or name.startswith(("unnamed:", *_ATTR_PREFIXES)) or _SPENT.fullmatch(name) is not None
    )


def _has_numbers(cells: Sequence[Any]) -> bool:
    known = [cell for cell in cells if cell is not None]
    return bool(known) and all(isinstance(c, int | float) and not isinstance(c, bool) for c in known)


def _metric(columns: Columns, reading: Reading, free: Sequence[str], what: str) -> str:
    wanted = reading.metric
    if wanted is not None:
        fits = [c for c in columns if c == wanted] or [
            c for c in columns if _stripped(c, _METRIC_PREFIXES) == wanted
        ]
        if not fits:
            raise DataError(f"{what} has no column {wanted!r}; it has {_some(columns)}.")
        return fits[0]
    wide = re.compile(r".*[@_.\[](step|epoch)?_?\d+\]?$")
    left = [c for c in free if not wide.fullmatch(c)] or list(free)
    for hint in _METRIC_HINTS:
        left = [c for c in left if hint(c)] or left
    if len(left) == 1 and (len(free) == 1 or any(hint(left[0]) for hint in _METRIC_HINTS)):
        return left[0]
    raise DataError(
        f"Which column of {what} is the metric? Say --metric NAME; it may be one of {_some(left or columns)}."
    )


def _params(
    columns: Columns, reading: Reading, prefixed: Mapping[str, str], metric: str, book: set[str], what: str
) -> dict[str, str]:
    if reading.params:
        chosen: dict[str, str] = {}
        for pattern in reading.params:
            fits = [c for c in columns if fnmatch(c, pattern) or fnmatch(prefixed.get(c, c), pattern)]
            if not fits:
                raise DataError(
                    f"{what} has no column {pattern!r} to be a hyperparameter; it has {_some(columns)}."
                )
            chosen |= {c: prefixed.get(c, c) for c in fits}
        chosen.pop(metric, None)
    elif prefixed:
        chosen = dict(prefixed)
    else:
        goal_like = [c for c in columns if direction_of(c) is not None or _stripped(c, _METRIC_PREFIXES) != c]
        chosen = {c: c for c in columns if c not in book and c != metric and c not in goal_like}
    taken = list(chosen.values())
    return {c: name if taken.count(name) == 1 else c for c, name in chosen.items()}


def _attrs(columns: Columns, layout: Layout, names: Mapping[str, str]) -> list[str]:
    used = {
        layout.metric,
        layout.number,
        layout.state,
        layout.step,
        layout.started,
        layout.finished,
        *layout.params,
    }
    return [
        c
        for c in columns
        if c not in used and names[c] not in ("", "index") and not names[c].startswith("unnamed:")
    ]


def _some(names: Any, most: int = 12) -> str:
    listed = [repr(name) for name in names]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} others" if len(listed) > most else "")
