"""One thread's connection to an SQLite file. None is open while the process forks.

A child inherits what the SQLite library remembers of the locks of its process, but not the locks: its own connections
would then take none, and the last connection elsewhere would remove the log of changes (WAL) under its feet, with results
in it. Hence all connections are closed before a fork, and made anew where they are needed, on both sides.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tunewise.storage.records_file import sync_folder


class Hand:
    """A connection that is opened when it is needed, and the file to sync. Hold ``lock`` while you use either."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._wal: int | None = None
        with _guard:
            _hands.add(self)

    def connection(self, connect: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
        """The connection. ``connect`` is not kept: whoever holds this hand would not go by itself when it is dropped."""
        if self._connection is None:
            self._connection = connect()
        return self._connection

    def sync(self) -> None:
        """Put what was committed on disk. Where there is no log of changes, it lies in the file, which SQLite synced."""
        if self._wal is None:
            with suppress(FileNotFoundError):
                self._wal = os.open(f"{self._path}-wal", os.O_RDWR)
            sync_folder(self._path.parent)
        if self._wal is not None:
            _sync_file(self._wal)

    def close(self) -> None:
        """Close both; they are opened again where they are needed."""
        with self.lock:
            connection, wal = self._connection, self._wal
            self._connection = self._wal = None
            if wal is not None:
                os.close(wal)
            if connection is not None:
                connection.close()

    def __del__(self) -> None:
        self.close()


@contextmanager
def held(path: Path, connect: Callable[[], sqlite3.Connection]) -> Iterator[sqlite3.Connection]:
    """A connection for a short while, whose end a fork in another thread waits for. Use no other storage inside."""
    hand = Hand(path)
    with hand.lock:
        try:
            yield hand.connection(connect)
        finally:
            hand.close()


def _sync_file(descriptor: int) -> None:
    getattr(os, "fdatasync", os.fsync)(descriptor)


_guard = threading.RLock()
_hands: weakref.WeakSet[Hand] = weakref.WeakSet()
_held: list[Hand] = []


def _let_go() -> None:
    _guard.acquire()
    for hand in list(_hands):
        hand.lock.acquire()
        _held.append(hand)
        with suppress(sqlite3.Error, OSError):  # one that fails must not keep the others open
            hand.close()


def _go_on() -> None:
    while _held:
        _held.pop().lock.release()
    _guard.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_let_go, after_in_parent=_go_on, after_in_child=_go_on)
