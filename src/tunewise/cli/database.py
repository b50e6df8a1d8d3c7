"""Trials as a SQLite database that anybody with a SQL client can ask: tables ``trials``, ``params``, ``attrs``, ``curves``.

One row a trial, and one row a trial and parameter, attribute, or reported step, so that a parameter needs no column of its own
and every question is a join. Views would have to fold the log in SQL; a file of its own is simpler, and can be given away.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tunewise.cli.show import iso
from tunewise.errors import SettingError
from tunewise.records import FrozenTrial, Goal

_APPLICATION_ID = 0x74777871  # "twxq"; not that of a storage
_SCHEMA = f"""
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA application_id = {_APPLICATION_ID};
    CREATE TABLE trials (
        number INTEGER PRIMARY KEY, state TEXT NOT NULL, {{goals}} started_at TEXT, finished_at TEXT, seconds REAL, reason TEXT,
        sampler TEXT, worker TEXT
    );
    CREATE TABLE params (trial INTEGER NOT NULL REFERENCES trials, name TEXT NOT NULL, value, PRIMARY KEY (trial, name))
        WITHOUT ROWID;
    CREATE TABLE attrs (trial INTEGER NOT NULL REFERENCES trials, name TEXT NOT NULL, value, PRIMARY KEY (trial, name))
        WITHOUT ROWID;
    CREATE TABLE curves (
        trial INTEGER NOT NULL REFERENCES trials, metric TEXT NOT NULL, step INTEGER NOT NULL, value REAL,
        PRIMARY KEY (trial, metric, step)
    ) WITHOUT ROWID;
"""


def write_database(records: Iterable[FrozenTrial], goals: Sequence[Goal], file: Path) -> None:
    """Write a new database, or in place of an earlier export. NaN becomes NULL, infinities stay; lists and dicts are JSON text.

    A goal is a column of ``trials`` by its name ("value" for the only one that has none). O(size).

    Raises:
        SettingError: the file is something else, such as a storage.
    """
    if file.exists() and not is_database(file, _APPLICATION_ID):
        raise SettingError(
            f"{file} is not an export of tunewise and is not overwritten; choose another name."
        )
    partial = file.with_name(f".{file.name}.part")
    partial.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(partial)) as out, out:
            columns = _columns(goals)
            out.executescript(_SCHEMA.format(goals="".join(f"{column} REAL, " for column in columns)))
            places = ", ".join("?" * (8 + len(columns)))
            for record in records:
                out.execute(f"INSERT INTO trials VALUES ({places})", _trial(record, len(columns)))
                for table, pairs in (("params", record.params), ("attrs", record.user_attrs)):
                    rows = [(record.number, _cell(name), _cell(value)) for name, value in pairs.items()]
                    out.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", rows)
                for metric, curve in record.curves.items():
                    points = [
                        (record.number, _cell(metric), _cell(step), _cell(value))
                        for step, value in curve.items()
                    ]
                    out.executemany("INSERT OR REPLACE INTO curves VALUES (?, ?, ?, ?)", points)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _columns(goals: Sequence[Goal]) -> list[str]:
    """Quoted names; one that the table has already, or that differs from another by case only, gets a tail."""
    taken = {"number", "state", "started_at", "finished_at", "seconds", "reason", "sampler", "worker"}
    columns = []
    for goal in goals:
        name = _cell(goal.name)
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
        columns.append('"' + name.replace('"', '""').replace("\0", "_") + '"')
    return columns


def _trial(record: FrozenTrial, n_goals: int) -> list[Any]:
    values = record.values or (None,) * n_goals
    times = iso(record.started_at), iso(record.finished_at), record.duration
    texts = map(_cell, (record.reason, record.sampler, record.worker))
    return [record.number, record.state.name.lower(), *values, *times, *texts]


def _cell(value: Any) -> Any:
    """A value as SQLite can hold it."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()  # half a character cannot be stored
    if isinstance(value, list | dict) or (isinstance(value, int) and abs(value) >= 2**63):
        return json.dumps(value)
    return None if isinstance(value, float) and math.isnan(value) else value


def is_database(file: Path, mark: int | None = None) -> bool:
    """Whether a file is a SQLite database, with an application's mark (https://sqlite.org/fileformat2.html, offset 68)."""
    with file.open("rb") as source:
        head = source.read(100)
    return head.startswith(b"SQLite format 3\0") and (mark is None or head[68:72] == mark.to_bytes(4, "big"))
