"""The files of a directory log: one batch a file, or a whole block of batches in one segment.

A record is two lines: ``position CRC-32 token length`` and the body, which is JSON in ASCII and has no line break. The
position is "-" in a file of one batch, where the name says it. What is damaged is passed over, line by line, until a
sound head comes again.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_HEAD = re.compile(rb"(\d+|-) ([0-9a-f]{8}) (\S+) (\d+)")


class Record(NamedTuple):
    """A batch in a file."""

    position: int
    token: str
    body: str


def to_bytes(body: str, token: str, position: int | None = None) -> bytes:
    """A record as it lies in a file."""
    data = body.encode("ascii")
    place = "-" if position is None else position
    return b"%b %08x %b %d\n%b\n" % (str(place).encode(), zlib.crc32(data), token.encode(), len(data), data)


def read_records(file: str, position: int) -> list[Record]:
    """The sound records of a file from ``position`` on, which is also that of a file of one batch.

    Raises:
        FileNotFoundError: there is no such file.
    """
    descriptor = os.open(file, os.O_RDONLY)
    try:
        data = b"".join(iter(lambda: os.read(descriptor, 2**20), b""))
    finally:
        os.close(descriptor)
    return [record for record in parse(data, position) if record.position >= position]


def parse(data: bytes, position: int) -> Iterator[Record]:
    """The sound records in the bytes of a file."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        head = _HEAD.fullmatch(data, start, end)
        start = end + 1
        if head is None:
            continue
        place, crc, token, length = head.groups()
        body = data[start : start + int(length)]
        if len(body) == int(length) and zlib.crc32(body) == int(crc, 16) and body.isascii():
            start += len(body) + 1
            number = position if place == b"-" else int(place)
            yield Record(number, token.decode(errors="replace"), body.decode())


def write_file(file: str | Path, data: bytes, durable: bool) -> None:
    """Write a new file whole. Raises OSError, and leaves no file then."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        if durable:
            os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            Path(file).unlink()
        raise
    os.close(descriptor)


def sync_folder(folder: str | Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def look_again(folder: str | Path) -> bool:
    """Have a network file system forget what it remembers of a folder; whether the folder is there.

    Opening a folder makes an NFS client ask its server whether the folder has changed (close-to-open consistency); names
    that it remembers as missing are looked up again then.
    """
    try:
        os.close(os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)))
    except FileNotFoundError:
        return False
    return True


def segment(records: Iterable[Record]) -> bytes:
    """Records together, each with its position."""
    return b"".join(to_bytes(record.body, record.token, record.position) for record in records)
