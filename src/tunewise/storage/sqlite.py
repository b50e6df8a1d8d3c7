"""Facts in one SQLite file: the embedded default.

Tables: `studies` (a name and an id), `batches` (one row a batch, keyed by study and position), `stamps` (who is alive). WAL
lets readers work beside the one writer. An append is one statement, so the write lock is held for microseconds; a durable
one is synced to disk after the lock was let go, so that nobody waits for the disk but its own writer, and writers that
wait share one sync. The others reach the disk with the next durable one: the order of facts survives a power cut.

A schema that older programs must not write to renames `batches`; what they try then fails, and nothing is harmed.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tunewise.errors import StorageError, StorageUnreachable, StudyNotFound
from tunewise.events import Event
from tunewise.storage.frame import from_places, to_body
from tunewise.storage.log import PAGE, taken
from tunewise.storage.network_disk import network_file_system
from tunewise.storage.retry import chance
from tunewise.storage.sqlite_hand import Hand
from tunewise.storage.sqlite_schema import APPLICATION_ID, MIGRATIONS, SCHEMA, VERSION
from tunewise.storage.version import check_version

T = TypeVar("T")

_BUSY_SECONDS = 60.0
_LONGEST_PAUSE = 0.01
_READ = "SELECT seq, body, crc FROM batches WHERE study = ? AND seq >= ? ORDER BY seq LIMIT ?"
_INSERT = (
    "INSERT INTO batches (study, seq, body, crc, op) SELECT :study, seq + 1, :body, :crc, :op FROM"
    " (SELECT seq FROM batches WHERE study = :study ORDER BY seq DESC LIMIT 1)"
    " WHERE :at IS NULL OR :at = seq + 1 RETURNING seq"
)


class SqliteLog:
    """A `Log` in a file. Each thread has a connection of its own, and none is open while the process forks.

    Args:
        path: the file; made where it is missing, unless ``create`` is False.
        create: whether to make the file.
        durable: False leaves syncing to the operating system: a power cut may take the last seconds, a killed process
            takes nothing.

    Raises:
        StorageError: the file is missing, is no tunewise storage, comes from a newer tunewise, or lies on a network
            file system, where SQLite's locks cannot be trusted.
    """

    def __init__(self, path: Path, *, create: bool = True, durable: bool = True) -> None:
        self.path = Path(path).expanduser().absolute()
        self.url = f"sqlite:///{self.path}"
        self._durable = durable
        self._local = threading.local()
        self._ids: dict[str, int] = {}
        self._check_place(create)
        self._run(lambda connection: None)

    def read(self, study: str, start: int, most: int = PAGE) -> list[list[Event]]:
        """The batches from position ``start`` on, ``most`` of them. O(new events)."""

        def rows(connection: sqlite3.Connection) -> list[tuple[int, str, int | None]]:
            key = self._id(connection, study)
            found = connection.execute(_READ, (key, start, most)).fetchall()
            return found or self._checked(connection, study, key)

        return from_places(self._run(rows), start, most)

    def append(
        self,
        study: str,
        events: Sequence[Event],
        at: int | None = None,
        *,
        durable: bool = False,
        op: str | None = None,
    ) -> int:
        """Append one batch in one statement; two index look-ups and one insert (two with ``op``)."""
        body, crc = to_body(events)

        def insert(connection: sqlite3.Connection) -> int:
            if at == 0:
                return self._create(connection, study, body, crc, op)
            key = self._id(connection, study)
            try:
                values = {"study": key, "body": body, "crc": crc, "op": op, "at": at}
                row = connection.execute(_INSERT, values).fetchone()
            except sqlite3.IntegrityError:  # the operation was done before
                return self._done_before(connection, key, op)
            return int(row[0]) + 1 if row else self._refused(connection, study, key, at, op)

        end = self._run(insert)
        if durable and self._durable:
            self._sync()
        return end

    def beat(self, study: str, worker: str, stamp: str | None, look: bool = True) -> dict[str, str]:
        """Write or erase a stamp; with ``look``, all stamps."""

        def write(connection: sqlite3.Connection) -> dict[str, str]:
            key = self._id(connection, study)
            if stamp is not None:
                connection.execute("INSERT OR REPLACE INTO stamps VALUES (?, ?, ?)", (key, worker, stamp))
            else:
                connection.execute("DELETE FROM stamps WHERE study = ? AND worker = ?", (key, worker))
            find = "SELECT worker, stamp FROM stamps WHERE study = ?"
            found = dict(connection.execute(find, (key,))) if look else {}
            return found or dict(self._checked(connection, study, key))

        return self._run(write)

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        return self._run(
            lambda connection: [n for (n,) in connection.execute("SELECT name FROM studies ORDER BY id")]
        )

    def delete(self, study: str) -> None:
        """Remove a study and its facts in one transaction."""

        def remove(connection: sqlite3.Connection) -> None:
            with _transaction(connection):
                key = self._id(connection, study, cached=False)
                for table, column in (("batches", "study"), ("stamps", "study"), ("studies", "id")):
                    connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (key,))

        self._run(remove)
        self._ids.pop(study, None)

    def close(self) -> None:
        """Close this thread's connection."""
        self._hand().close()

    # --- one append ------------------------------------------------------------------------------------------------

    def _create(self, connection: sqlite3.Connection, study: str, body: str, crc: int, op: str | None) -> int:
        with _transaction(connection):
            row = connection.execute("SELECT id FROM studies WHERE name = ?", (study,)).fetchone()
            if row is not None and op is not None and self._position(connection, row[0], op) == 0:
                return 1
            if row is not None:
                raise taken(study, 0, self._end(connection, row[0]))
            connection.execute("INSERT INTO studies (name) VALUES (?)", (study,))
            key = self._id(connection, study, cached=False)
            connection.execute("INSERT INTO batches VALUES (?, 0, ?, ?, ?)", (key, body, crc, op))
        return 1

    def _refused(
        self, connection: sqlite3.Connection, study: str, key: int, at: int | None, op: str | None
    ) -> int:
        self._checked(connection, study, key)
        if op is not None and self._position(connection, key, op) is not None:
            return self._done_before(connection, key, op)
        raise taken(study, at or 0, self._end(connection, key))

    def _done_before(self, connection: sqlite3.Connection, key: int, op: str | None) -> int:
        position = self._position(connection, key, op)
        assert position is not None, "only a repeated operation breaks a constraint here"
        return position + 1

    def _position(self, connection: sqlite3.Connection, key: int, op: str | None) -> int | None:
        row = connection.execute("SELECT seq FROM batches WHERE study = ? AND op = ?", (key, op)).fetchone()
        return None if row is None else int(row[0])

    def _end(self, connection: sqlite3.Connection, key: int) -> int:
        (last,) = connection.execute("SELECT max(seq) FROM batches WHERE study = ?", (key,)).fetchone()
        return int(last) + 1

    def _sync(self) -> None:
        hand = self._hand()
        try:
            with hand.lock:
                hand.sync()
        except OSError as error:
            raise self._unreachable(error) from error

    # --- studies ---------------------------------------------------------------------------------------------------

    def _id(self, connection: sqlite3.Connection, study: str, cached: bool = True) -> int:
        if cached and study in self._ids:
            return self._ids[study]
        row = connection.execute("SELECT id FROM studies WHERE name = ?", (study,)).fetchone()
        if row is None:
            raise self._missing(study)
        self._ids[study] = int(row[0])
        return self._ids[study]

    def _checked(self, connection: sqlite3.Connection, study: str, key: int) -> list[Any]:
        """Nothing, where the study is still there."""
        if connection.execute("SELECT 1 FROM studies WHERE id = ?", (key,)).fetchone() is None:
            self._ids.pop(study, None)
            raise self._missing(study)
        return []

    def _missing(self, study: str) -> StudyNotFound:
        return StudyNotFound(
            f"There is no study {study!r} in {self.path}; `tunewise studies` lists those that are there."
        )

    # --- connections -----------------------------------------------------------------------------------------------

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something on this thread's connection, again and again while another writer is at work."""
        deadline, pause, hand = time.monotonic() + _BUSY_SECONDS, 0.0001, self._hand()
        with self._errors():
            while True:
                try:
                    with hand.lock:
                        return work(hand.connection(self._open))
                except sqlite3.OperationalError as error:
                    if not _is_busy(error) or time.monotonic() > deadline:
                        raise
                time.sleep(pause * chance())
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _hand(self) -> Hand:
        if not hasattr(self._local, "hand"):
            self._local.hand = Hand(self.path)
        hand: Hand = self._local.hand
        return hand

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            with _transaction(connection, "DEFERRED"):  # all that it looks at is of one moment
                identity = self._identity(connection)
            if identity != (APPLICATION_ID, VERSION):
                self._make_schema(connection)
            elif connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):  # a fault came in between
                connection.execute("PRAGMA journal_mode = WAL")
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            connection.execute(f"PRAGMA synchronous = {'NORMAL' if mode == 'wal' else 'FULL'}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _identity(self, connection: sqlite3.Connection) -> tuple[int, int]:
        """(application, schema version) of the file; (.., 0) for an empty one. Raises StorageError for a foreign one."""
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if owner != APPLICATION_ID:
            (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if n_tables:
                raise StorageError(f"{self.path} is a database of another program; choose another file.")
            return owner, 0
        check_version(self.path, version, VERSION)
        return owner, version

    def _make_schema(self, connection: sqlite3.Connection) -> None:
        """Turn an empty file into a storage, or an older schema into this one; of several processes one does it."""
        if sqlite3.sqlite_version_info < (3, 35):
            raise StorageError(
                f"This Python has SQLite {sqlite3.sqlite_version}; 3.35 or later is needed. Use a newer Python."
            )
        connection.execute("PRAGMA journal_mode = WAL")
        with _transaction(connection):
            _, version = self._identity(connection)
            if version == VERSION:
                return
            for statement in MIGRATIONS[version] if version else SCHEMA:
                connection.execute(statement)

    def _check_place(self, create: bool) -> None:
        if not self.path.parent.is_dir():
            raise StorageError(f"The folder {self.path.parent} does not exist; create it first.")
        if self.path.is_dir():
            raise StorageError(
                f"{self.path} is a folder; name a file, or write dir:{self.path} for a directory log."
            )
        if not create and not self.path.exists():
            raise StorageError(f"There is no file {self.path}; check the path.")
        kind = network_file_system(self.path.parent)
        if kind is not None:
            raise StorageError(
                f"{self.path} lies on a network file system ({kind}), on which SQLite's locks lose data; put the file "
                f"on a local disk, or use a directory log: dir:{self.path.with_suffix('')}"
            )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "no such table" in str(error) or "no such column" in str(error):
                raise StorageError(
                    f"{self.path} was changed by a newer tunewise while it was open here; upgrade and start again."
                ) from error
            raise self._unreachable(error) from error
        except sqlite3.DatabaseError as error:
            raise StorageError(
                f"{self.path} is not a usable SQLite file: {error}. If it was one, `tunewise doctor {self.path} "
                "--repair` saves what can be read; else choose another file."
            ) from error

    def _unreachable(self, error: Exception) -> StorageUnreachable:
        return StorageUnreachable(
            f"{self.path} cannot be used just now: {error}. Check that the disk is not full, that the file may be "
            "written, and that no other program holds it locked; nothing that was saved is lost."
        )


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return "locked" in str(error) or "busy" in str(error)


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """A transaction, by default one that may write, which commits, or rolls back whatever happens."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
