"""Facts in one SQLite file: the embedded default.

Two tables: `studies` (a name and an id) and `events` (one row a batch, keyed by study and position). WAL lets
readers work beside the one writer; every write takes the lock at once (``BEGIN IMMEDIATE``), so nobody
ever upgrades a read lock and deadlocks. A durable append is synced to disk (``synchronous=FULL``); others are
written to the WAL and reach the disk with the next durable one, so the order of facts survives a power cut.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tunewise.errors import Conflict, StorageError, StorageUnreachable, StudyNotFound
from tunewise.events import Event, decode, encode
from tunewise.storage.network_disk import network_file_system

_APPLICATION_ID = 0x74756E65  # "tune"
_SCHEMA_VERSION = 1
_BUSY_SECONDS = 60.0
_SCHEMA = (
    "CREATE TABLE studies (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE)",
    "CREATE TABLE events (study INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY (study, seq)) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_SCHEMA_VERSION}",
)


class SqliteLog:
    """A `Log` in a file. Each thread and each process after a fork has a connection of its own.

    Raises:
        StorageError: the file is missing (with ``create=False``), is no tunewise storage, comes from a newer
            tunewise, or lies on a network file system, where SQLite's locks cannot be trusted.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = Path(path).expanduser().absolute()
        self.url = f"sqlite:///{self.path}"
        self._local = threading.local()
        self._ids: dict[str, int] = {}
        self._check_place(create)
        with self._errors():
            self._connection()

    def read(self, study: str, start: int) -> tuple[list[Event], int]:
        """The events from position ``start`` on, and the next position. O(new events)."""
        with self._errors():
            connection = self._connection()
            rows = connection.execute(
                "SELECT seq, body FROM events WHERE study = ? AND seq >= ? ORDER BY seq",
                (self._id(connection, study), start),
            ).fetchall()
        if not rows:
            return [], start
        return self._decoded(study, [body for _, body in rows]), rows[-1][0] + 1

    def append(
        self, study: str, events: Sequence[Event], at: int | None = None, *, durable: bool = False
    ) -> int:
        """Append one batch in one transaction; two index look-ups and one insert."""
        body = encode(events)
        with self._errors():
            connection = self._connection()
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            with _immediate(connection):
                if at == 0:
                    connection.execute("INSERT OR IGNORE INTO studies (name) VALUES (?)", (study,))
                key = self._id(connection, study, cached=at != 0)
                (last,) = connection.execute("SELECT max(seq) FROM events WHERE study = ?", (key,)).fetchone()
                end = 0 if last is None else last + 1
                if end == 0 and at != 0:
                    self._ids.pop(study, None)
                    raise StudyNotFound(self._missing(study))
                if at is not None and at != end:
                    raise Conflict(f"Position {at} of study {study!r} is taken (the next is {end}); read on.")
                connection.execute("INSERT INTO events (study, seq, body) VALUES (?, ?, ?)", (key, end, body))
        return end + 1

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        with self._errors():
            return [name for (name,) in self._connection().execute("SELECT name FROM studies ORDER BY id")]

    def delete(self, study: str) -> None:
        """Remove a study and its facts in one transaction."""
        with self._errors():
            connection = self._connection()
            with _immediate(connection):
                key = self._id(connection, study, cached=False)
                connection.execute("DELETE FROM events WHERE study = ?", (key,))
                connection.execute("DELETE FROM studies WHERE id = ?", (key,))
        self._ids.pop(study, None)

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None and self._local.pid == os.getpid():
            connection.close()
        self._local.connection = None

    def _check_place(self, create: bool) -> None:
        if not self.path.parent.is_dir():
            raise StorageError(f"The folder {self.path.parent} does not exist; create it first.")
        if not create and not self.path.exists():
            raise StorageError(f"There is no file {self.path}; check the path.")
        kind = network_file_system(self.path.parent)
        if kind is not None:
            raise StorageError(
                f"{self.path} lies on a network file system ({kind}), on which SQLite's locks lose data; "
                "put the file on a local disk."
            )

    def _connection(self) -> sqlite3.Connection:
        if getattr(self._local, "connection", None) is None or self._local.pid != os.getpid():
            self._local.connection = self._open()
            self._local.pid = os.getpid()
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] != _SCHEMA_VERSION:
                self._make_schema(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_schema(self, connection: sqlite3.Connection) -> None:
        """Turn an empty file into a storage; several processes may try at once, one does it."""
        _use_wal(connection)
        with _immediate(connection):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
            if owner == _APPLICATION_ID and version == _SCHEMA_VERSION:
                return
            if owner == _APPLICATION_ID:
                raise StorageError(
                    f"{self.path} has schema version {version}, newer than {_SCHEMA_VERSION} which this tunewise "
                    "knows; upgrade tunewise."
                )
            (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if n_tables:
                raise StorageError(f"{self.path} is a database of another program; choose another file.")
            for statement in _SCHEMA:
                connection.execute(statement)

    def _id(self, connection: sqlite3.Connection, study: str, cached: bool = True) -> int:
        if cached and study in self._ids:
            return self._ids[study]
        row = connection.execute("SELECT id FROM studies WHERE name = ?", (study,)).fetchone()
        if row is None:
            raise StudyNotFound(self._missing(study))
        self._ids[study] = int(row[0])
        return self._ids[study]

    def _missing(self, study: str) -> str:
        return f"There is no study {study!r} in {self.path}; `tunewise studies` lists those that are there."

    def _decoded(self, study: str, bodies: list[str]) -> list[Event]:
        try:
            return decode(bodies)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise StorageError(
                f"Study {study!r} in {self.path} holds a record that cannot be read: {error}."
            ) from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StorageUnreachable(
                f"{self.path} cannot be used just now: {error}. Check that the disk is not full, that the file may be "
                "written, and that no other program holds it locked; nothing that was saved is lost."
            ) from error
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"{self.path} is not a usable SQLite file: {error}. Choose another file."
            ) from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait for others here, so wait ourselves."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


@contextmanager
def _immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction that commits, or rolls back whatever happens."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
