"""Run trials until enough were run, time is up, somebody says stop, or a finite search is exhausted."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from numbers import Real
from typing import Any

from tunewise.errors import SearchExhausted, SettingError
from tunewise.records import FrozenTrial
from tunewise.run.progress import Progress

Callback = Callable[[Any, FrozenTrial], None]


def run_trials(
    run_one: Callable[[], FrozenTrial],
    *,
    callbacks: Sequence[Callable[[FrozenTrial], None]],
    n_trials: int | None,
    seconds: float | None,
    n_threads: int,
    stopped: threading.Event,
    progress: bool,
    describe: Callable[[], str],
) -> None:
    """Call ``run_one`` again and again, in ``n_threads`` threads (-1: one a core), and the callbacks after each.

    Ends by itself on `SearchExhausted`. Any other exception ends the loop after the running trials, and is
    raised; so does Ctrl-C.

    Raises:
        SettingError: a count or a time that is not positive.
    """
    n_threads = _checked(n_trials, seconds, n_threads)
    deadline = None if seconds is None else time.monotonic() + seconds
    with Progress(n_trials, describe, shown=progress) as bar:

        def one() -> None:
            record = run_one()
            bar.advance(record)
            for callback in callbacks:
                callback(record)

        def more(n_begun: int) -> bool:
            enough = n_trials is not None and n_begun >= n_trials
            late = deadline is not None and time.monotonic() >= deadline
            return not (enough or late or stopped.is_set())

        try:
            if n_threads == 1:
                n_begun = 0
                while more(n_begun):
                    one()
                    n_begun += 1
            else:
                _in_threads(one, more, n_threads, stopped)
        except SearchExhausted as end:
            bar.note(str(end))


def _in_threads(
    one: Callable[[], None], more: Callable[[int], bool], n_threads: int, stopped: threading.Event
) -> None:
    running: set[Future[None]] = set()
    n_begun = 0
    with ThreadPoolExecutor(n_threads, thread_name_prefix="tunewise") as pool:
        try:
            while more(n_begun) or running:
                while len(running) < n_threads and more(n_begun):
                    running.add(pool.submit(one))
                    n_begun += 1
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        finally:
            stopped.set()


def _checked(n_trials: int | None, seconds: float | None, n_threads: int) -> int:
    if n_trials is not None and not (_is_whole(n_trials) and n_trials >= 0):
        raise SettingError(f"n_trials is {n_trials!r}; it must be a whole number >= 0, or None.")
    if seconds is not None and not (isinstance(seconds, Real) and seconds > 0):
        raise SettingError(f"timeout is {seconds!r}; it must be seconds above 0, or None.")
    if n_threads == -1:
        return os.cpu_count() or 1
    if not (_is_whole(n_threads) and n_threads >= 1):
        raise SettingError(f"n_jobs is {n_threads!r}; it must be a whole number >= 1, or -1 for one a core.")
    return int(n_threads)


def _is_whole(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float(value).is_integer()
