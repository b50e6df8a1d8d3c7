"""Ctrl-C once lets the running trials end, twice ends them now."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_WORDS = b"\nCtrl-C: no more trials are started; waiting for those that run. Once more ends them now.\n"


@contextmanager
def first_finishes(stopped: threading.Event) -> Iterator[None]:
    """Within, the first Ctrl-C only sets ``stopped``, and KeyboardInterrupt is raised at the end; the second raises it at once.

    Changes nothing outside the main thread, and where the program has a handler of its own.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    pressed = threading.Event()

    def finish(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        pressed.set()
        stopped.set()
        with suppress(OSError):
            os.write(2, _WORDS)  # a logger may be in use in this very moment

    signal.signal(signal.SIGINT, finish)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed.is_set():
        raise KeyboardInterrupt


@contextmanager
def ignored() -> Iterator[None]:
    """Within, Ctrl-C does nothing here: in a worker process of somebody else's pool, whose parent decides."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
