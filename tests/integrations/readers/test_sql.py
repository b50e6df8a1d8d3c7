"""A database that is read is held open for a query, not longer."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tunewise.errors import StorageError
from tunewise.integrations.readers.sql import SqliteFile, is_sqlite, rows


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "some of mine.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE numbers (a INTEGER, b TEXT)")
        connection.executemany("INSERT INTO numbers VALUES (?, ?)", [(i, str(i)) for i in range(50_000)])
        connection.execute("INSERT INTO numbers VALUES (-1, CAST(x'ff' AS TEXT))")
    return path


def open_at(path: Path) -> int:
    """How many of this process's open files are that one."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the folder's own descriptor is gone by now
            found += entry.readlink() == path
    return found


def test_rows_come_in_chunks_and_what_is_no_text_is_replaced(database: Path) -> None:
    file = SqliteFile(database)
    assert file.tables() == {"numbers": {"a", "b"}}
    assert [len(chunk) for chunk in file.chunks("SELECT a FROM numbers")] == [20_000, 20_000, 10_001]
    assert list(rows(file, "SELECT b FROM numbers WHERE a < ?", 2)) == [("0",), ("1",), ("\ufffd",)]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which files are open")
def test_no_connection_outlives_its_query(database: Path) -> None:
    file = SqliteFile(database)
    file.tables()
    assert open_at(database) == 0
    reading = rows(file, "SELECT a FROM numbers")
    assert next(reading) == (0,)
    assert open_at(database) == 1
    reading.close()  # type: ignore[attr-defined]
    assert open_at(database) == 0
    with pytest.raises(StorageError, match="cannot be read"):
        next(rows(file, "SELECT a FROM letters"))
    assert open_at(database) == 0
    assert is_sqlite(database)
    assert open_at(database) == 0
