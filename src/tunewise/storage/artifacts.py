"""Files that belong to a study (checkpoints, plots): in a folder, or at any URL that fsspec opens.

A file is written once, under a key that nobody else makes, and then noted in the log with its size and SHA-256; what is
fetched is compared with both. Neither names nor keys can lead out of the place, whoever wrote them.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from tunewise.errors import DataError, MissingExtra, SettingError, StorageError
from tunewise.storage.records_file import sync_folder

_CHUNK = 2**20
_MOST_BYTES_OF_A_NAME = 200
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\ud800-\udfff]')
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{i}" for port in ("COM", "LPT") for i in range(10))}


class Stored(NamedTuple):
    """What a file turned out to be."""

    bytes: int
    sha256: str


class Place(Protocol):
    """Where files are kept, each under a key."""

    def write(self, key: str, source: BinaryIO) -> Stored:
        """Keep what ``source`` holds, whole or not at all. O(size)."""
        ...

    def open(self, key: str) -> BinaryIO:
        """The file of a key, for reading. Raises DataError where there is none."""
        ...

    def remove(self, key: str) -> None:
        """Remove the file of a key. Raises DataError where there is none."""
        ...


def open_place(where: str) -> Place:
    """The place at a path or URL; folders are made when they are first written to.

    Raises:
        MissingExtra: the URL needs fsspec, or a package of fsspec's that is not installed.
        StorageError: fsspec does not know the URL.
    """
    if where.startswith("file://"):
        where = where.removeprefix("file://")
    return Folder(Path(where)) if "://" not in where else Remote(where)


def default_place(log_url: str) -> str | None:
    """Where the files of a log are kept unless said otherwise: beside a SQLite file, in a directory log; None for others."""
    if log_url.startswith("sqlite:///"):
        return str(Path(log_url.removeprefix("sqlite:///")).with_suffix(".artifacts"))
    if log_url.startswith("dir:"):
        return str(Path(log_url.removeprefix("dir:")) / "artifacts")
    return None


def checked(name: str) -> str:
    """A name or key, if it is one: parts with "/" between them that every system takes for plain names of files.

    Raises:
        SettingError: it is absolute, leads upwards, or holds what is no part of a file's name somewhere.
    """
    wrong = _what_is_wrong(name) if isinstance(name, str) else "it is no text"
    if wrong:
        raise SettingError(
            f"{str(name)[:80]!r} cannot be the name of an artifact: {wrong}. Use plain names, such as plots/loss.png."
        )
    return name


def new_key(study: str, trial: int | None, name: str) -> str:
    """A key that no other file has, and that tells a person whose file it is."""
    whose = re.sub(r"[^A-Za-z0-9_-]+", "-", study).strip("-")[:40] or "study"
    digest = hashlib.sha256(study.encode(errors="surrogatepass")).hexdigest()[:8]
    part = "study" if trial is None else f"{trial:05d}"
    tail = checked(name).rpartition("/")[2].encode()[-150:].decode(errors="ignore")
    return f"{whose}-{digest}/{part}/{uuid.uuid4().hex[:8]}-{tail}"


@contextmanager
def opened(source: str | Path | bytes, name: str | None) -> Iterator[tuple[BinaryIO, str]]:
    """What is to be kept, for reading, and under which name.

    Raises:
        SettingError: bytes without a name, a folder, or a name that cannot be one.
    """
    if isinstance(source, bytes):
        if name is None:
            raise SettingError('Bytes need a name: save_artifact(data, name="notes.txt").')
        yield io.BytesIO(source), checked(name)
        return
    path = Path(source)
    if path.is_dir():
        raise SettingError(f"{path} is a folder; pack it into one file, such as with shutil.make_archive.")
    wanted = checked(path.name if name is None else name)
    with path.open("rb") as file:
        yield file, wanted


def fetch(place: Place, key: str, expected: Stored, target: Path) -> None:
    """Write the file of a key to ``target``, whole or not at all. O(size).

    Raises:
        DataError: it is not there, or is not the file that was stored.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with place.open(checked(key)) as source, partial.open("xb") as out:
            found = _copy(source, out)
        if found != expected:
            raise DataError(
                f"The artifact {key} is not the file that was stored: it has {found.bytes} bytes with SHA-256 "
                f"{found.sha256[:12]}..., not {expected.bytes} with {expected.sha256[:12]}...; restore it from a backup."
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


class Folder:
    """Files in a folder. Symbolic links in it are not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    def __repr__(self) -> str:
        return f"Folder({str(self.root)!r})"

    def write(self, key: str, source: BinaryIO) -> Stored:
        """Write under another name, sync, give it its own, and sync the folders that it is in."""
        path = self._path(key, make=True)
        partial = path.with_name(f".{uuid.uuid4().hex}.part")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(partial, flags, 0o666), "wb") as out:
                stored = _copy(source, out)
                out.flush()
                os.fsync(out.fileno())
            partial.replace(path)
            for folder in path.parents[: len(path.relative_to(self.root).parts)]:
                sync_folder(folder)
        finally:
            partial.unlink(missing_ok=True)
        return stored

    def open(self, key: str) -> BinaryIO:
        """The file of a key."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            return os.fdopen(os.open(self._path(key), flags), "rb")
        except OSError as error:
            raise self._missing(key, error) from None

    def remove(self, key: str) -> None:
        """Remove the file of a key."""
        try:
            self._path(key).unlink()
        except OSError as error:
            raise self._missing(key, error) from None

    def _path(self, key: str, make: bool = False) -> Path:
        path = self.root.joinpath(*checked(key).split("/"))
        if make:
            path.parent.mkdir(parents=True, exist_ok=True)
        root = self.root.resolve()
        if path.is_symlink() or path.parent.resolve() != root / path.parent.relative_to(self.root):
            raise DataError(
                f"The artifact {key} is behind a symbolic link in {self.root}; links there are not followed. "
                "Put the file itself there."
            )
        return path

    def _missing(self, key: str, error: OSError) -> DataError:
        return DataError(
            f"The artifact {key} is not in {self.root} ({error.strerror or error}). Was the folder moved? "
            "Put it back, or copy its files there."
        )


class Remote:
    """Files at a URL of fsspec: s3://bucket/runs, gs://..., memory://..."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise MissingExtra("fsspec", "artifacts", "Artifacts at a URL") from None
        try:
            self._fs, root = url_to_fs(url)
        except ImportError as error:
            raise StorageError(f"Artifacts at {_scheme(url)}://... need another package: {error}") from None
        except ValueError as error:
            raise StorageError(f"{_scheme(url)}://... is no place for artifacts: {error}") from None
        self._root = str(root).rstrip("/")
        self.url = url

    def __repr__(self) -> str:
        return f"Remote({_scheme(self.url)}://...)"

    def write(self, key: str, source: BinaryIO) -> Stored:
        """Upload; stores of objects show a file when it is whole."""
        path = self._path(key)
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        with self._fs.open(path, "wb") as out:
            return _copy(source, out)

    def open(self, key: str) -> BinaryIO:
        """The file of a key."""
        path = self._path(key)
        try:
            file: BinaryIO = self._fs.open(path, "rb")
        except OSError as error:
            raise DataError(f"The artifact {key} is not at {_scheme(self.url)}://...: {error}") from None
        return file

    def remove(self, key: str) -> None:
        """Remove the file of a key."""
        path = self._path(key)
        try:
            self._fs.rm_file(path)
        except OSError as error:
            raise DataError(f"The artifact {key} is not at {_scheme(self.url)}://...: {error}") from None

    def _path(self, key: str) -> str:
        return f"{self._root}/{checked(key)}"


def _what_is_wrong(name: str) -> str | None:
    if not name or name.startswith("/"):
        return "it is empty" if not name else "it is absolute"
    found = _NOT_IN_NAMES.search(name)
    if found:
        return f"it holds {found.group()!r}"
    for part in name.split("/"):
        if part in ("", ".", ".."):
            return f"it has the part {part!r}"
        if part[-1] in " ." or part.split(".")[0].rstrip().upper() in _DEVICES:
            return f"Windows cannot have a file {part!r}"
        if len(part.encode()) > _MOST_BYTES_OF_A_NAME:
            return f"a part of it has more than {_MOST_BYTES_OF_A_NAME} bytes"
    return "it has more than 1,000 characters" if len(name) > 1000 else None


def _copy(source: BinaryIO, out: Any) -> Stored:
    digest, n = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        out.write(chunk)
        n += len(chunk)
    return Stored(n, digest.hexdigest())


def _scheme(url: str) -> str:
    """Of a URL only what can hold no secret."""
    return url.partition("://")[0]
