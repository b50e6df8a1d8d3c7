"""Ctrl-C once lets the running trials end, twice ends them now."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType

_WORDS = b"\nCtrl-C: no more trials are started; waiting for those that run. Once more ends them now.\n"

_inside: set[int] = set()  # threads that are in an `Unbroken` step
_due: dict[int, BaseException] = {}  # what is raised in a thread at the end of its step

if hasattr(
    os, "register_at_fork"
):  # the child has none of its parent's threads but one, which is not in a step then
    os.register_at_fork(after_in_child=_inside.clear)


class Unbroken:
    """``with Unbroken():`` a step that Ctrl-C, or being asked to end, finds done or not begun; the request is raised at its end.

    Holds for requests that come through `raise_in_main` or `tunewise.run.threads`. Costs a microsecond.
    """

    def __enter__(self) -> None:
        _inside.add(threading.get_ident())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        me = threading.get_ident()
        _inside.discard(me)
        request = _due.pop(me, None)
        if request is not None:
            raise request


def is_put_off(thread: int, request: BaseException) -> bool:
    """Whether a thread is in an unbroken step; ``request`` is then raised at the end of it."""
    if thread not in _inside:
        return False
    _due[thread] = request
    return True


def raise_in_main(request: BaseException) -> None:
    """Raise ``request``, in a handler of a signal; where the step that it came upon is unbroken, after that."""
    if not is_put_off(threading.get_ident(), request):
        raise request


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

    def end_now(_number: int, _frame: FrameType | None) -> None:
        raise_in_main(KeyboardInterrupt())

    def finish(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, end_now)
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
