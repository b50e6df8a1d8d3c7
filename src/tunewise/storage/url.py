"""From what a user writes (None, a URL, a path) to a log."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from tunewise.errors import StorageError
from tunewise.storage.log import Log
from tunewise.storage.memory import MemoryLog

_FILE_SUFFIXES = {".db", ".sqlite", ".sqlite3"}
_KNOWN = (
    '"runs.db" or "sqlite:///runs.db" (a file on a local disk), "dir:runs" (a folder, also on a network disk), '
    '"postgresql://...", "mysql://...", "mariadb://...", "redis://..." or "http://host:8732" (`tunewise serve`)'
)


_opened_as: weakref.WeakKeyDictionary[Log, str | Path] = weakref.WeakKeyDictionary()


def opened_as(log: Log) -> str | Path | None:
    """What `open_log` makes the same log from in another process; None for memory and for logs that it has not made."""
    return _opened_as.get(log)


def open_log(storage: str | Path | Log | None, *, create: bool = True) -> Log:
    """The log for ``storage``: None (a new one in memory), a URL, a path, or a log.

    Kinds of URL: ``sqlite:///file.db``, ``dir:folder``, ``postgresql://``, ``mysql://``, ``mariadb://``, ``redis://``,
    ``rediss://``, ``http://`` and ``https://``. ``?durability=normal`` at its end leaves syncing to the operating system or
    server: faster, and a power cut may take the last seconds. With ``create=False`` a storage that is not there is an error
    rather than a new, empty one.

    Raises:
        StorageError: the URL is of an unknown kind, or the storage is missing, foreign or unusable.
        StorageUnreachable: a server does not answer.
        MissingExtra: a package is needed that is not installed.
    """
    log = _open(storage, create)
    if isinstance(storage, str | Path) and not isinstance(log, MemoryLog):
        _opened_as[log] = _from_anywhere(storage, log)
    return log


def _from_anywhere(storage: str | Path, log: Log) -> str | Path:
    """What ``storage`` was when it was opened, for processes that start in another folder."""
    if not log.url.startswith(("sqlite:///", "dir:")):
        return storage
    return log.url + ("?durability=normal" if "durability=normal" in str(storage) else "")


def _open(storage: str | Path | Log | None, create: bool) -> Log:
    if storage is None:
        return MemoryLog()
    if isinstance(storage, Path):
        return _at_path(storage, create, durable=True)
    if not isinstance(storage, str):
        return storage
    url, durable = _durability(storage)
    kind = url.partition(":")[0].partition("+")[0] if ":" in url else ""
    opener = _OPENERS.get(kind)
    if opener is not None and ("://" in url or kind == "dir"):
        return opener(url, create, durable)
    if (
        url
        and "://" not in url
        and (Path(url).suffix in _FILE_SUFFIXES or url.endswith("/") or Path(url).is_dir())
    ):
        return _at_path(Path(url), create, durable)
    raise StorageError(f"{_shown(storage)!r} is no storage that tunewise knows; use None (memory), {_KNOWN}.")


def _at_path(path: Path, create: bool, durable: bool) -> Log:
    """A folder is a directory log, everything else a SQLite file."""
    if path.is_dir() or (not path.suffix and not path.exists() and str(path).endswith("/")):
        from tunewise.storage.directory import DirectoryLog

        return DirectoryLog(path, create=create, durable=durable)
    from tunewise.storage.sqlite import SqliteLog

    return SqliteLog(path, create=create, durable=durable)


def _sqlite(url: str, create: bool, durable: bool) -> Log:
    path = url.removeprefix("sqlite://").removeprefix("/")
    if url.startswith("sqlite:////"):
        path = "/" + path.lstrip("/")
    if path in ("", ":memory:"):
        return MemoryLog()
    from tunewise.storage.sqlite import SqliteLog

    return SqliteLog(Path(path), create=create, durable=durable)


def _directory(url: str, create: bool, durable: bool) -> Log:
    from tunewise.storage.directory import DirectoryLog

    path = url.removeprefix("dir:")
    if not path.strip("/"):
        raise StorageError('"dir:" names no folder; write dir:runs.')
    return DirectoryLog(
        Path(path.removeprefix("//") if path.startswith("///") else path), create=create, durable=durable
    )


def _sql(url: str, create: bool, durable: bool) -> Log:
    from tunewise.storage.sql import SqlLog

    return SqlLog(url, create=create, durable=durable)


def _redis(url: str, create: bool, durable: bool) -> Log:
    from tunewise.storage.redis import RedisLog

    return RedisLog(url, create=create, durable=durable)


def _http(url: str, create: bool, durable: bool) -> Log:
    from tunewise.storage.http import HttpLog

    return HttpLog(url, create=create, durable=durable)


_OPENERS: dict[str, Callable[[str, bool, bool], Log]] = {
    "sqlite": _sqlite,
    "dir": _directory,
    **dict.fromkeys(("postgresql", "postgres", "mysql", "mariadb"), _sql),
    **dict.fromkeys(("redis", "rediss", "unix"), _redis),
    **dict.fromkeys(("http", "https"), _http),
}


def _durability(url: str) -> tuple[str, bool]:
    """(the URL without its durability, whether it is "full")."""
    base, mark, query = url.partition("?")
    if "durability=" not in query:
        return url, True
    pairs = parse_qsl(query, keep_blank_values=True)
    wanted = dict(pairs)["durability"]
    if wanted not in ("full", "normal"):
        raise StorageError(f'The durability is {wanted!r}; it must be "full" (the default) or "normal".')
    rest = urlencode([pair for pair in pairs if pair[0] != "durability"])
    return base + (mark + rest if rest else ""), wanted == "full"


def _shown(url: str) -> str:
    """A URL without what could be a password."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}...{rest[rest.rindex('@') :]}" if mark and "@" in rest else url
