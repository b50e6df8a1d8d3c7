"""Optuna's SQL storage, read by its tables: every schema from Optuna 2.0 to 5, without Optuna.

Before 2.4 a study had one direction in `studies`, a trial one value in `trials`, and reports were in `trial_values`; since
then directions, values and reports have tables of their own, and since 3.0 a column says which numbers are not finite.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping

import numpy as np

from tunewise.errors import DataError, StudyNotFound
from tunewise.integrations.readers.found import Found, Reports
from tunewise.integrations.readers.optuna_rows import Decoder, Raw, attribute, goals_of, seconds, to_frozen
from tunewise.integrations.readers.sql import Database, rows

NEEDS = {"studies", "trials", "trial_params", "trial_values", "version_info"}
_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


def study_names(database: Database) -> list[str]:
    """The names of the studies in the order of creation."""
    return [name for (name,) in rows(database, "SELECT study_name FROM studies ORDER BY study_id")]


def read(database: Database, name: str) -> Found:
    """A study whole. O(its rows); about 1 s for a million reports.

    A trial that is finished when the first query is answered is complete in the later ones, so no transaction is needed.

    Raises:
        StudyNotFound: there is none of that name.
        DataError: a row is not what Optuna writes.
    """
    columns = database.tables()
    key = next(
        (k for (k,) in rows(database, "SELECT study_id FROM studies WHERE study_name = ?", name)), None
    )
    if key is None:
        raise StudyNotFound(f"There is no study {name!r} in {database.where}.")
    system_attrs = _study_attrs(database, "study_system_attributes", key)
    goals = goals_of(_directions(database, columns, key), system_attrs)
    try:
        raws, index = _trials(database, columns, key)
        reports = _reports(database, columns, key, index)
    except (TypeError, ValueError, OverflowError) as error:  # SQLite keeps any type in any column
        raise DataError(
            f"{database.where} has a row in study {name!r} that Optuna does not write: {error}."
        ) from error
    for trial in reports.trial[~np.isfinite(reports.value)].tolist():
        raws[trial].bad_report = True
    decoder = Decoder()
    version = next((v for (v,) in rows(database, "SELECT library_version FROM version_info")), "")
    return Found(
        name, f"Optuna {version} in {database.where}", goals, [to_frozen(raw, goals, decoder) for raw in raws],
        {goals[0].name: reports} if len(reports.trial) else {},
        user_attrs=_study_attrs(database, "study_user_attributes", key),
    )  # fmt: skip


def _directions(database: Database, columns: Mapping[str, set[str]], key: int) -> list[str]:
    if "direction" in columns["studies"]:
        found = rows(database, "SELECT direction FROM studies WHERE study_id = ?", key)
    else:
        query = "SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective"
        found = rows(database, query, key)
    directions = [direction for (direction,) in found]
    if not directions:
        raise DataError(f"{database.where} does not say which direction the study has; it is not whole.")
    return directions


def _study_attrs(database: Database, table: str, key: int) -> dict[str, object]:
    query = f"SELECT a.key, a.value_json FROM {table} a WHERE a.study_id = ?"
    return {name: attribute(text) for name, text in rows(database, query, key)}


def _trials(
    database: Database, columns: Mapping[str, set[str]], key: int
) -> tuple[list[Raw], dict[int, int]]:
    """The trials, and where each id is among them."""
    has_value = "value" in columns["trials"]
    value = "value" if has_value else "NULL"
    query = (
        f"SELECT trial_id, number, state, datetime_start, datetime_complete, {value} FROM trials "
        "WHERE study_id = ? ORDER BY number, trial_id"
    )
    raws: list[Raw] = []
    index: dict[int, int] = {}
    for trial, number, state, start, complete, y in rows(database, query, key):
        index[trial] = len(raws)
        values = [float(y)] if y is not None else None
        raws.append(
            Raw(int(number), str(state), values, started_at=seconds(start), finished_at=seconds(complete))
        )
    if not has_value:
        _values(database, columns, key, raws, index)
    query = _of_study(
        "x.trial_id, x.param_name, x.param_value, x.distribution_json", "trial_params", "param_id"
    )
    for trial, name, number, text in rows(database, query, key):
        if trial in index:
            raws[index[trial]].params[name] = (number, text)
    for table, attrs in (
        ("trial_user_attributes", "user_attrs"),
        ("trial_system_attributes", "system_attrs"),
    ):
        query = _of_study("x.trial_id, x.key, x.value_json", table, f"{table[:-1]}_id")
        for trial, name, text in rows(database, query, key):
            if trial in index:
                getattr(raws[index[trial]], attrs)[name] = attribute(text)
    return raws, index


def _values(
    database: Database, columns: Mapping[str, set[str]], key: int, raws: list[Raw], index: Mapping[int, int]
) -> None:
    kind = "x.value_type" if "value_type" in columns["trial_values"] else "'FINITE'"
    query = _of_study(f"x.trial_id, x.value, {kind}", "trial_values", "objective")
    for trial, value, name in rows(database, query, key):
        if trial in index:
            raw = raws[index[trial]]
            raw.values = [
                *(raw.values or []),
                _NOT_FINITE.get(name, math.nan if value is None else float(value)),
            ]


def _reports(
    database: Database, columns: Mapping[str, set[str]], key: int, index: Mapping[int, int]
) -> Reports:
    trials, steps, values = array("q"), array("q"), array("d")
    if "trial_intermediate_values" in columns:
        table, value = "trial_intermediate_values", "x.intermediate_value"
        typed = "intermediate_value_type" in columns[table]
        kind = "x.intermediate_value_type" if typed else "NULL"
    else:
        table, value, kind = "trial_values", "x.value", "NULL"
        if "step" not in columns[table]:
            return Reports(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    query = _of_study(f"x.trial_id, x.step, {value}, NULLIF({kind}, 'FINITE')", table, "trial_id, x.step")
    query = query.replace("NULLIF(NULL, 'FINITE')", "NULL")
    for chunk in database.chunks(query, key):
        for trial, step, number, name in chunk:
            place = index.get(trial)
            if place is not None:
                trials.append(place)
                steps.append(step)
                values.append(
                    number if name is None and number is not None else _NOT_FINITE.get(name, math.nan)
                )
    return Reports(*(np.array(column) for column in (trials, steps, values)))


def _of_study(fields: str, table: str, order: str) -> str:
    return f"SELECT {fields} FROM {table} x JOIN trials t ON t.trial_id = x.trial_id WHERE t.study_id = ? ORDER BY x.{order}"
