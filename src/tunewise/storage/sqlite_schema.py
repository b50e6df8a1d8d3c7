"""The schema of a SQLite storage, with the migration from every earlier one."""

from __future__ import annotations

APPLICATION_ID = 0x74756E65  # "tune"
VERSION = 2

_STAMP = f"PRAGMA user_version = {VERSION}"
_STUDIES = "CREATE TABLE studies (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE)"
_BATCHES = (
    "CREATE TABLE batches (study INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, crc INTEGER, op TEXT,"
    " PRIMARY KEY (study, seq)) WITHOUT ROWID"
)
_ADDED = (
    "CREATE UNIQUE INDEX ops ON batches (study, op) WHERE op IS NOT NULL",
    "CREATE TABLE stamps (study INTEGER NOT NULL, worker TEXT NOT NULL, stamp TEXT NOT NULL,"
    " PRIMARY KEY (study, worker)) WITHOUT ROWID",
)

SCHEMA = (_STUDIES, _BATCHES, *_ADDED, f"PRAGMA application_id = {APPLICATION_ID}", _STAMP)
MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE events RENAME TO batches",
        "ALTER TABLE batches ADD COLUMN crc INTEGER",
        "ALTER TABLE batches ADD COLUMN op TEXT",
        *_ADDED,
        _STAMP,
    ),
}
