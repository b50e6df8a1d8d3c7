"""What can still be read in a damaged SQLite file, page by page, copied into a new file. The damaged one is not changed.

SQLite itself stops at the first page that makes no sense. Here each page of the file and of its log of changes is read on
its own (https://sqlite.org/fileformat2.html), and a batch is taken where it agrees with its checksum. A batch that is missing
between others becomes a damaged one in the copy, so that all others keep their positions.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tunewise.errors import StorageError
from tunewise.storage.frame import is_sound
from tunewise.storage.sqlite import SqliteLog
from tunewise.storage.sqlite_hand import held

_LEAF, _INNER = 0x0A, 0x02  # pages of an index, which tables without row numbers are as well
_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)
_SIZE_OF_MOST_FILES = 4096


class Salvaged(NamedTuple):
    """A new file, how many batches came into it, and how many of each study could not be read."""

    path: Path
    n_batches: int
    lost: dict[str, int]


def quick_check(path: Path) -> list[str]:
    """What SQLite finds wrong with a file; empty where nothing is. O(size of the file)."""
    try:
        with held(path, lambda: sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(20)")]
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [] if found == ["ok"] else found


def salvage(path: Path) -> Salvaged:
    """Copy what can be read into a new file beside ``path``, named after it; no worker should write meanwhile.

    Raises:
        StorageError: there is no batch of tunewise in the file.
    """
    names, batches = _carve(_Pages(path))
    if not batches:
        raise StorageError(f"No batch of a study can be read in {path}; restore a backup.")
    target = next(place for place in _names(path) if not place.exists())
    SqliteLog(target).close()
    lost: dict[str, int] = {}
    try:
        with held(target, lambda: sqlite3.connect(target)) as connection, connection:
            for key in sorted(batches):
                name, rows = names.get(key, f"recovered-{key}"), batches[key]
                lost[name] = max(rows) + 1 - len(rows)
                connection.execute("INSERT INTO studies VALUES (?, ?)", (key, name))
                every = ((key, seq, *rows.get(seq, ("", 1, None))) for seq in range(max(rows) + 1))
                connection.executemany("INSERT INTO batches VALUES (?, ?, ?, ?, ?)", every)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Salvaged(target, sum(map(len, batches.values())), lost)


def _names(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.stem}-salvaged{path.suffix}")
    for i in range(2, 1000):
        yield path.with_name(f"{path.stem}-salvaged-{i}{path.suffix}")


class _Pages:
    """The pages of a file as of its last commit, by their numbers."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        size = int.from_bytes(data[16:18], "big") if data[:15] == b"SQLite format 3" else 0
        size = 65536 if size == 1 else size
        self.size = size if size >= 512 and size & (size - 1) == 0 else _SIZE_OF_MOST_FILES
        self.usable = self.size - (data[20] if size and data[20] < 64 else 0)
        self.pages = {i + 1: data[i * self.size :][: self.size] for i in range(len(data) // self.size)}
        wal = path.with_name(path.name + "-wal")
        if wal.exists():
            self._apply(wal.read_bytes())

    def _apply(self, wal: bytes) -> None:
        """The committed frames of the log of changes."""
        salt, step, pending = wal[16:24], 24 + self.size, {}
        for start in range(32, len(wal) - step + 1, step):
            number, commit = struct.unpack_from(">II", wal, start)
            if wal[start + 8 : start + 16] != salt:
                return
            pending[number] = wal[start + 24 : start + step]
            if commit:
                self.pages.update(pending)
                pending = {}

    def free(self) -> set[int]:
        """The pages that are not in use; what lies there was deleted."""
        found: set[int] = set()
        trunk = int.from_bytes(self.pages.get(1, b"")[32:36], "big")
        while trunk in self.pages and trunk not in found:
            page = self.pages[trunk]
            following, n = struct.unpack_from(">II", page)
            found |= {trunk, *struct.unpack_from(f">{min(n, self.usable // 4 - 2)}I", page, 8)}
            trunk = following
        return found

    def records(self, number: int) -> Iterator[list[Any]]:
        """The rows of a page of an index; those that make no sense are left out."""
        page = self.pages[number]
        kind = page[0]
        if kind not in (_LEAF, _INNER):
            return
        n = int.from_bytes(page[3:5], "big")
        first = 12 if kind == _INNER else 8
        for at in range(first, min(first + 2 * n, self.size - 1), 2):
            try:
                yield _record(self._payload(page, int.from_bytes(page[at : at + 2], "big"), kind))
            except (IndexError, ValueError, LookupError, struct.error):
                continue

    def _payload(self, page: bytes, at: int, kind: int) -> bytes:
        length, at = _varint(page, at + (4 if kind == _INNER else 0))
        usable = self.usable
        most = (usable - 12) * 64 // 255 - 23
        least = (usable - 12) * 32 // 255 - 23
        local = length
        if length > most:
            local = least + (length - least) % (usable - 4)
            local = local if local <= most else least
        parts = [page[at : at + local]]
        if local < length:
            following = int.from_bytes(page[at + local : at + local + 4], "big")
            while local < length:
                more = self.pages[following]
                following = int.from_bytes(more[:4], "big")
                parts.append(more[4 : min(usable, 4 + length - local)])
                local += usable - 4
        return b"".join(parts)


def _carve(pages: _Pages) -> tuple[dict[int, str], dict[int, dict[int, tuple[str, int | None, str | None]]]]:
    """(names of studies by id, batches by id and position) of all pages in use."""
    names: dict[int, str] = {}
    batches: dict[int, dict[int, tuple[str, int | None, str | None]]] = {}
    for number in sorted(set(pages.pages) - pages.free()):
        for record in pages.records(number):
            match record:
                case [str(name), int(key)]:  # the index of the names
                    names[key] = name
                case [int(key), int(seq), str(body), *rest] if len(rest) <= 2 and seq >= 0:
                    crc, op = (*rest, None, None)[:2]
                    if body.startswith("[") and is_sound(body, crc):
                        batches.setdefault(key, {})[seq] = body, crc, op
    return names, batches


def _record(payload: bytes) -> list[Any]:
    """The columns of a row."""
    head, at = _varint(payload, 0)
    kinds = []
    while at < head:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Any] = []
    for kind in kinds:
        size = (kind - 12) // 2 if kind >= 12 else _SIZES[kind]
        data = payload[at : at + size]
        if len(data) != size:
            raise ValueError("the row is cut off")
        at += size
        values.append(_value(kind, data))
    return values


def _value(kind: int, data: bytes) -> Any:
    if kind >= 12:
        return data.decode() if kind % 2 else data
    if kind == 7:
        return struct.unpack(">d", data)[0]
    return {0: None, 8: 0, 9: 1}[kind] if not data else int.from_bytes(data, "big", signed=True)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(a number of 1 to 9 bytes, the place after it)."""
    value = 0
    for i in range(8):
        byte = data[at + i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    return value << 8 | data[at + 8], at + 9
