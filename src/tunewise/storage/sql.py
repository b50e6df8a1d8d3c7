"""Facts in PostgreSQL, MySQL or MariaDB, through SQLAlchemy 2.

A batch takes the next position under its study's row lock, so a thousand writers queue and nobody tries again. Positions are
never those of a sequence: with those a reader can see 7 before 6 is committed, and lose a fact. Every append has a name of
its own, so after a lost connection it is simply sent again.
"""

from __future__ import annotations

import hashlib
import importlib
import socket
import uuid
import weakref
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, TypeVar

from tunewise.errors import MissingExtra, StorageError, StorageUnreachable, StudyNotFound
from tunewise.events import Event
from tunewise.storage.fork import renew_after_fork
from tunewise.storage.frame import from_places, to_body
from tunewise.storage.log import PAGE, taken
from tunewise.storage.retry import attempts
from tunewise.storage.silence import notice_silence
from tunewise.storage.sql_dialects import DIALECTS, VERSION, Dialect
from tunewise.storage.version import check_version

T = TypeVar("T")

_RETRY_SECONDS = 3.0
_READ = (
    "SELECT b.seq, b.body, b.crc, s.next FROM tunewise_studies s"
    " LEFT JOIN tunewise_batches b ON b.study = s.id AND b.seq >= :start"
    " WHERE s.digest = :digest ORDER BY b.seq LIMIT :most"
)


class SqlLog:
    """A `Log` in a database server. Each thread uses a connection of the pool; a fork gets a pool of its own.

    Args:
        url: as SQLAlchemy writes it: "postgresql://user:password@host/database", "mysql://...", "mariadb://...".
        create: whether to make the tables where there are none.
        durable: False leaves syncing to the server (PostgreSQL): a crash of it may take the last second.

    Raises:
        MissingExtra: SQLAlchemy or the driver is not installed.
        StorageError: the URL is wrong, or the tables come from a newer tunewise.
        StorageUnreachable: the server does not answer, or refuses the user.
    """

    def __init__(self, url: str, *, create: bool = True, durable: bool = True) -> None:
        try:
            import sqlalchemy
            from sqlalchemy import exc
        except ImportError:
            raise MissingExtra("sqlalchemy", "sql", "A database server as storage") from None
        self._sa, self._exc = sqlalchemy, exc
        self._text = lru_cache(sqlalchemy.text)  # parsing them each time was a sixth of a request's cost here
        try:
            place = sqlalchemy.make_url(url)
        except (exc.ArgumentError, ValueError):
            raise StorageError(
                "The URL of the database cannot be read; write postgresql://user@host/database."
            ) from None
        kind, _, driver = place.drivername.partition("+")
        self._dialect = DIALECTS[kind]
        if not driver:
            place = place.set(drivername=self._dialect.drivername)
            try:
                importlib.import_module(self._dialect.module)
            except ImportError:
                raise MissingExtra(self._dialect.module, "sql", f"A {kind} server as storage") from None
        self.url = place.set(drivername=kind).render_as_string(hide_password=True)
        self._durable = durable
        connect = self._dialect.connect if not driver or driver == self._dialect.module else {}
        self._engine = sqlalchemy.create_engine(
            place,
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
            max_overflow=-1,
            connect_args=dict(connect),
        )
        sqlalchemy.event.listen(self._engine, "connect", partial(_prepare, self._dialect))
        weakref.finalize(self, self._engine.dispose)
        renew_after_fork(self)
        self.generation = 0
        self._started: str | None = None
        self._run(lambda connection: self._check_schema(connection, create))

    def renew(self) -> None:
        """New connections in the child of a fork; the parent's stay untouched."""
        self._engine.dispose(close=False)

    def read(self, study: str, start: int, most: int = PAGE) -> list[list[Event]]:
        """The batches from position ``start`` on, ``most`` of them, in one round trip. O(new events)."""
        about = {"digest": _digest(study), "start": start, "most": most}
        rows = self._run(lambda c: self._execute(c, _READ, **about).fetchall())
        if not rows:
            raise self._missing(study)
        return from_places([row[:3] for row in rows if row[0] is not None], start, most, int(rows[-1][3]))

    def append(
        self,
        study: str,
        events: Sequence[Event],
        at: int | None = None,
        *,
        durable: bool = False,
        op: str | None = None,
    ) -> int:
        """Append one batch: two round trips on PostgreSQL, five on MySQL.

        It is on disk even without ``durable``: workers survive a crash of the server, so nothing that one of them has seen
        may be forgotten.
        """
        body, crc = to_body(events)
        values = {"digest": _digest(study), "at": at, "body": body, "crc": crc, "op": op or uuid.uuid4().hex}

        def write(connection: Any) -> int:
            end = (
                self._create(connection, study, values)
                if at == 0
                else self._append(connection, study, values)
            )
            if self._durable:
                self._sync(connection)
            return end

        return self._run(write)

    def beat(self, study: str, worker: str, stamp: str | None, look: bool = True) -> dict[str, str]:
        """Write or erase a stamp; with ``look``, all stamps."""

        def write(connection: Any) -> dict[str, str]:
            key = self._key(connection, study)
            if stamp is not None:
                self._execute(connection, self._dialect.upsert, study=key, worker=worker, stamp=stamp)
            else:
                erase = "DELETE FROM tunewise_stamps WHERE study = :study AND worker = :worker"
                self._execute(connection, erase, study=key, worker=worker)
            if not look:
                return {}
            found = "SELECT worker, stamp FROM tunewise_stamps WHERE study = :study"
            return {str(name): text for name, text in self._execute(connection, found, study=key)}

        return self._run(write)

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        return self._run(
            lambda c: [name for (name,) in self._execute(c, "SELECT name FROM tunewise_studies ORDER BY id")]
        )

    def delete(self, study: str) -> None:
        """Remove a study and its facts in one transaction."""

        def remove(connection: Any) -> None:
            find = "SELECT id FROM tunewise_studies WHERE digest = :digest FOR UPDATE"
            row = self._execute(connection, find, digest=_digest(study)).fetchone()
            if row is None:
                raise self._missing(study)
            for table, column in (("studies", "id"), ("stamps", "study"), ("batches", "study")):
                self._execute(
                    connection, f"DELETE FROM tunewise_{table} WHERE {column} = :study", study=row[0]
                )

        self._run(lambda connection: self._transaction(connection, remove))

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._engine.dispose()

    # --- one append ------------------------------------------------------------------------------------------------

    def _append(self, connection: Any, study: str, values: dict[str, Any]) -> int:
        statements = self._dialect.append
        try:
            if len(statements) == 1:
                row = self._execute(connection, statements[0], **values).fetchone()
            else:
                row = self._transaction(connection, lambda c: self._several(c, statements, values))
        except self._exc.IntegrityError:  # the operation was done before
            row = None
        if row is not None:
            return int(row[0]) + 1
        key = self._key(connection, study)
        done = self._position(connection, key, values["op"])
        if done is not None:
            return done + 1
        raise taken(study, values["at"] or 0, self._end(connection, key))

    def _several(self, connection: Any, statements: Sequence[str], values: dict[str, Any]) -> Any:
        first, *others = statements
        if self._execute(connection, first, **values).rowcount == 0:
            return None
        for statement in others:
            result = self._execute(connection, statement, **values)
        return result.fetchone()

    def _create(self, connection: Any, study: str, values: dict[str, Any]) -> int:
        def insert(connection: Any) -> None:
            head = "INSERT INTO tunewise_studies (digest, name, next) VALUES (:digest, :name, 1)"
            self._execute(connection, head, digest=values["digest"], name=study)
            key = self._key(connection, study)
            first = "INSERT INTO tunewise_batches (study, seq, body, crc, op) VALUES (:study, 0, :body, :crc, :op)"
            self._execute(
                connection, first, study=key, **{name: values[name] for name in ("body", "crc", "op")}
            )

        try:
            self._transaction(connection, insert)
        except self._exc.IntegrityError:
            key = self._key(connection, study)
            if self._position(connection, key, values["op"]) != 0:
                raise taken(study, 0, self._end(connection, key)) from None
        return 1

    def _sync(self, connection: Any) -> None:
        if self._dialect.sync is not None:
            self._execute(connection, self._dialect.sync)

    def _position(self, connection: Any, key: int, op: str) -> int | None:
        find = "SELECT seq FROM tunewise_batches WHERE study = :study AND op = :op"
        row = self._execute(connection, find, study=key, op=op).fetchone()
        return None if row is None else int(row[0])

    def _end(self, connection: Any, key: int) -> int:
        row = self._execute(
            connection, "SELECT next FROM tunewise_studies WHERE id = :study", study=key
        ).fetchone()
        return int(row[0])

    def _key(self, connection: Any, study: str) -> int:
        find = "SELECT id FROM tunewise_studies WHERE digest = :digest"
        row = self._execute(connection, find, digest=_digest(study)).fetchone()
        if row is None:
            raise self._missing(study)
        return int(row[0])

    def _missing(self, study: str) -> StudyNotFound:
        return StudyNotFound(
            f"There is no study {study!r} in {self.url}; `tunewise studies` lists those that are there."
        )

    # --- connections -----------------------------------------------------------------------------------------------

    def _execute(self, connection: Any, statement: str, **values: Any) -> Any:
        return connection.execute(self._text(statement), values)

    def _transaction(self, connection: Any, work: Callable[[Any], T]) -> T:
        self._execute(connection, "BEGIN")
        try:
            result = work(connection)
            self._execute(connection, "COMMIT")
        except BaseException:
            if not connection.invalidated:
                self._execute(connection, "ROLLBACK")
            raise
        return result

    def _run(self, work: Callable[[Any], T]) -> T:
        """Do something on a connection; again, for a few seconds, where the server or the connection fails."""
        was_lost = False
        for is_last in attempts(_RETRY_SECONDS):
            try:
                with self._engine.connect() as connection:
                    if was_lost:
                        self._look_at_server(connection)
                    return work(connection)
            except self._exc.DBAPIError as error:
                if isinstance(error, self._exc.ProgrammingError) or _names_no_column(error):
                    raise StorageError(
                        f"{self.url} cannot be used by this tunewise: {_cause(error)}. Choose another database, or see what has "
                        "changed its tables."
                    ) from None
                was_lost = True
                if not is_last:
                    continue
                raise StorageUnreachable(
                    f"{self.url} does not answer: {_cause(error)}. Check that the server runs and that user and password "
                    "are right; nothing that was saved is lost."
                ) from None
        raise AssertionError("the last attempt returns or raises")

    def _look_at_server(self, connection: Any) -> None:
        """After a lost connection: a server that was started again may have lost its end (durability=normal, a replica)."""
        if self._dialect.started is not None:
            started = str(self._execute(connection, self._dialect.started).scalar())
            if started != self._started:
                self.generation += self._started is not None
                self._started = started

    # --- schema ----------------------------------------------------------------------------------------------------

    def _check_schema(self, connection: Any, create: bool) -> None:
        self._look_at_server(connection)
        if not self._sa.inspect(connection).has_table("tunewise_version"):
            if not create:
                raise StorageError(f"{self.url} holds no tunewise storage; check the name of the database.")
            self._make_schema(connection)
        row = self._execute(connection, "SELECT version FROM tunewise_version").fetchone()
        check_version(self.url, None if row is None else row[0], VERSION)

    def _make_schema(self, connection: Any) -> None:
        """Make the tables; of several processes one does it."""
        self._execute(connection, self._dialect.lock)
        try:
            if not self._sa.inspect(connection).has_table("tunewise_version"):
                self._transaction(connection, self._make_tables)
        finally:
            self._execute(connection, self._dialect.unlock)

    def _make_tables(self, connection: Any) -> None:
        for statement in self._dialect.schema:
            self._execute(connection, statement)


def _prepare(dialect: Dialect, connection: Any, _record: Any) -> None:
    """A new connection of the driver; PyMySQL has no argument for the options of its socket."""
    if dialect.begin is not None:
        with connection.cursor() as cursor:
            cursor.execute(dialect.begin)
    sock = getattr(connection, "_sock", None)
    if isinstance(sock, socket.socket):
        notice_silence(sock)


def _digest(study: str) -> str:
    """A key that does not depend on how a server compares texts, nor on how long they may be."""
    return hashlib.sha256(study.encode(errors="surrogatepass")).hexdigest()


def _names_no_column(error: Any) -> bool:
    """MySQL's error 1054, which its driver takes for a problem of the server."""
    return getattr(error.orig, "args", ())[:1] == (1054,)


def _cause(error: Any) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0][:300]
