"""Each call in a thread of its own, which can be asked to end and does not keep the program from ending."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from tunewise.run.interrupt import is_put_off

_GRACE_SECONDS = 5.0
"""How long threads may take to end when they are asked to, before they are left behind."""


class Threads:
    """Starts a thread a call."""

    def __init__(self) -> None:
        self._running: set[threading.Thread] = set()

    def submit(self, function: Callable[[], Any]) -> Future[Any]:
        """Call ``function()`` in a new thread."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # it cannot be cancelled any more
        thread = threading.Thread(target=self._run, args=(future, function), name="tunewise", daemon=True)
        self._running.add(thread)
        thread.start()
        return future

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in all that run, which takes effect with the next Python instruction, and wait a little."""
        threads = list(self._running)
        for thread in threads:
            if is_put_off(thread.ident or 0, KeyboardInterrupt()):
                continue
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt)
            )
        deadline = time.monotonic() + _GRACE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, future: Future[Any], function: Callable[[], Any]) -> None:
        try:
            result = function()
        except BaseException as error:
            self._running.discard(threading.current_thread())
            future.set_exception(error)
        else:
            self._running.discard(threading.current_thread())
            future.set_result(result)
