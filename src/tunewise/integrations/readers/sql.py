"""Read-only access to a database: SQLite by the standard library, servers by SQLAlchemy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from tunewise.errors import MissingExtra, StorageError, StorageUnreachable
from tunewise.storage.sqlite_hand import held

_CHUNK = 20_000
_DRIVERS = {"postgresql": "psycopg", "postgres": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}


class Database(Protocol):
    """What the readers of SQL storages need."""

    where: str

    def tables(self) -> dict[str, set[str]]:
        """The columns of every table."""
        ...

    def chunks(self, query: str, *values: object) -> Iterator[Sequence[Sequence[Any]]]:
        """The rows of a query, some thousands at a time; ``?`` stands for a value."""
        ...


def rows(database: Database, query: str, *values: object) -> Iterator[Sequence[Any]]:
    """The rows of a query one by one."""
    for chunk in database.chunks(query, *values):
        yield from chunk


def is_sqlite(path: Path) -> bool:
    """Whether a file that is there is one of SQLite's, damaged or not; an empty one is none.

    SQLite is asked: a file that this process has open with SQLite already, be it by Optuna, would lose its locks were it
    opened and closed in any other way.
    """
    if path.stat().st_size == 0:
        return False
    with held(path, lambda: _read_only(path)) as connection:
        try:
            connection.execute("PRAGMA schema_version").fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            if "not a database" not in str(error):
                return True
        else:
            return True
    with path.open("rb") as file:  # nobody can use it as a database, but perhaps it was one
        return file.read(16) == b"SQLite format 3\x00"


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=30)


class SqliteFile:
    """A SQLite file, opened so that nothing in it can change.

    No connection outlives its query, so writers are not held up, and a fork in another thread waits for its end. Use no
    other storage while you are at the rows.

    Raises:
        StorageError: there is no such file, or it is no SQLite file.
    """

    def __init__(self, path: Path) -> None:
        self.where, self._path = str(path), path
        if not path.is_file():
            raise StorageError(f"There is no file {path}; check the path.")

    def tables(self) -> dict[str, set[str]]:
        """The columns of every table."""
        names = [name for (name,) in rows(self, "SELECT name FROM sqlite_master WHERE type = 'table'")]
        query = "SELECT name FROM pragma_table_info(?)"
        return {name: {column for (column,) in rows(self, query, name)} for name in names}

    def chunks(self, query: str, *values: object) -> Iterator[Sequence[Sequence[Any]]]:
        """The rows of a query, some thousands at a time."""
        try:
            with held(self._path, lambda: _read_only(self._path)) as connection:
                connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
                cursor = connection.execute(query, values)
                while chunk := cursor.fetchmany(_CHUNK):
                    yield chunk
        except sqlite3.OperationalError as error:
            raise StorageUnreachable(f"{self.where} cannot be read just now: {error}.") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # a message may quote what is damaged
            raise StorageError(f"{self.where} is not a usable SQLite file: {error}.") from error


class Server:
    """A PostgreSQL, MySQL or MariaDB database by its URL. No connection outlives its query.

    Raises:
        MissingExtra: SQLAlchemy or the driver is not installed.
        StorageError: the URL is of another kind.
        StorageUnreachable: nobody answers.
    """

    def __init__(self, url: str) -> None:
        kind = url.partition("://")[0].partition("+")[0]
        if kind not in _DRIVERS:
            raise StorageError(
                f"{kind!r} is no kind of database that can be read; use sqlite, postgresql or mysql."
            )
        try:
            import sqlalchemy
        except ImportError:
            raise MissingExtra("sqlalchemy", "sql", f"Reading a {kind} database") from None
        _, _, rest = url.partition("://")
        dialect = "postgresql" if kind == "postgres" else kind
        try:
            address = f"{dialect}+{_DRIVERS[kind]}://{rest}"
            self._engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool)
        except ModuleNotFoundError as error:
            raise MissingExtra(error.name or _DRIVERS[kind], "sql", f"Reading a {kind} database") from None
        except sqlalchemy.exc.ArgumentError:
            raise StorageError("That URL cannot be read; write postgresql://user@host/database.") from None
        self._sqlalchemy = sqlalchemy
        self.where = self._engine.url.render_as_string(hide_password=True)

    def tables(self) -> dict[str, set[str]]:
        """The columns of every table."""
        with self._errors_of():
            inspector = self._sqlalchemy.inspect(self._engine)
            return {
                name: {column["name"] for column in inspector.get_columns(name)}
                for name in inspector.get_table_names()
            }

    def chunks(self, query: str, *values: object) -> Iterator[Sequence[Sequence[Any]]]:
        """The rows of a query, some thousands at a time, streamed."""
        names = [f"v{i}" for i in range(len(values))]
        for name in names:
            query = query.replace("?", f":{name}", 1)
        with self._errors_of(), self._engine.connect() as connection:
            streamed = connection.execution_options(stream_results=True)
            result = streamed.execute(self._sqlalchemy.text(query), dict(zip(names, values, strict=True)))
            yield from result.partitions(_CHUNK)

    def _errors_of(self) -> _SqlErrors:
        return _SqlErrors(self.where, self._sqlalchemy.exc)


class _SqlErrors:
    """Turns SQLAlchemy's errors into sentences; the password is in none of them."""

    def __init__(self, where: str, kinds: Any) -> None:
        self._where, self._kinds = where, kinds

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, self._kinds.SQLAlchemyError):
            what = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
            unreachable = isinstance(error, self._kinds.OperationalError | self._kinds.InterfaceError)
            kind = StorageUnreachable if unreachable else StorageError
            raise kind(f"{self._where} cannot be read: {what}.") from error
