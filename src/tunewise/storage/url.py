"""From what a user writes (None, a URL, a path) to a log."""

from __future__ import annotations

from pathlib import Path

from tunewise.errors import StorageError
from tunewise.storage.log import Log
from tunewise.storage.memory import MemoryLog
from tunewise.storage.sqlite import SqliteLog

_FILE_SUFFIXES = {".db", ".sqlite", ".sqlite3"}


def open_log(storage: str | Path | Log | None, *, create: bool = True) -> Log:
    """The log for ``storage``: None (a new one in memory), "sqlite:///file.db", a path to a .db file, or a log.

    With ``create=False`` a file that is not there is an error rather than a new, empty storage.

    Raises:
        StorageError: the URL is of an unknown kind, or the file is missing, foreign or unusable.
    """
    if storage is None:
        return MemoryLog()
    if isinstance(storage, Path):
        return SqliteLog(storage, create=create)
    if not isinstance(storage, str):
        return storage
    if storage.startswith("sqlite:///"):
        path = storage.removeprefix("sqlite:///")
        return MemoryLog() if path in ("", ":memory:") else SqliteLog(Path(path), create=create)
    if "://" not in storage and Path(storage).suffix in _FILE_SUFFIXES:
        return SqliteLog(Path(storage), create=create)
    raise StorageError(
        f"{storage!r} is no storage that tunewise knows; use None (memory), "
        '"sqlite:///path/to/file.db" or a path ending in .db.'
    )
