"""Run trials until enough were run, time is up, somebody says stop, or a finite search is exhausted."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from numbers import Real
from typing import Any

from tunewise.errors import SearchExhausted, SettingError
from tunewise.records import FrozenTrial
from tunewise.run.interrupt import first_finishes
from tunewise.run.progress import Progress
from tunewise.run.threads import Threads

Callback = Callable[[Any, FrozenTrial], None]


def run_trials(
    run_one: Callable[[], FrozenTrial],
    *,
    submit: Callable[[], Future[Any]] | None = None,
    collect: Callable[[Future[Any]], FrozenTrial | None] = Future.result,
    cancel: Callable[[], None] | None = None,
    callbacks: Sequence[Callable[[FrozenTrial], None]],
    n_trials: int | None,
    seconds: float | None,
    n_threads: int,
    stopped: threading.Event,
    progress: bool,
    describe: Callable[[], str],
    count: Callable[[], int],
) -> None:
    """Call ``run_one`` again and again, in ``n_threads`` threads (-1: one a core), and the callbacks after each.

    With ``submit``, trials run elsewhere, ``n_threads`` at once; ``collect`` makes their records, ``cancel`` ends what runs,
    and callbacks run here. A trial that comes back queued (its worker was lost), or as None (lost before it began), does not
    count; another one is begun for it.

    Ends by itself on `SearchExhausted`. Any other exception ends the loop after the running trials, and is
    raised; so does Ctrl-C. A second Ctrl-C ends the running trials, too.

    Raises:
        SettingError: a count or a time that is not positive.
    """
    n_threads = _checked(n_trials, seconds, n_threads)
    deadline = None if seconds is None else time.monotonic() + seconds
    with Progress(n_trials, describe, count, shown=progress) as bar, first_finishes(stopped):

        def note(record: FrozenTrial | None) -> bool:
            if record is None or not record.state.is_finished:
                return False
            bar.advance(record)
            for callback in callbacks:
                callback(record)
            return True

        def more(n_begun: int) -> bool:
            enough = n_trials is not None and n_begun >= n_trials
            late = deadline is not None and time.monotonic() >= deadline
            return not (enough or late or stopped.is_set())

        try:
            if submit is None and n_threads == 1:
                n_begun = 0
                while more(n_begun):
                    n_begun += note(run_one())
            else:
                threads = Threads()
                _in_parallel(
                    submit or (lambda: threads.submit(run_one)),
                    lambda done: note(collect(done)),
                    more,
                    n_threads,
                    stopped,
                    cancel or threads.interrupt,
                )
        except SearchExhausted as end:
            bar.note(str(end))


def _in_parallel(
    submit: Callable[[], Future[Any]],
    note: Callable[[Future[Any]], bool],
    more: Callable[[int], bool],
    n_at_once: int,
    stopped: threading.Event,
    cancel: Callable[[], None],
) -> None:
    """Keep ``n_at_once`` trials running. After the first error no more are started, and it is raised when all have ended."""
    running: set[Future[Any]] = set()
    n_begun = 0
    error: BaseException | None = None
    try:
        while more(n_begun) or running:
            while len(running) < n_at_once and more(n_begun):
                running.add(submit())
                n_begun += 1
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    n_begun -= not note(future)
                except Exception as stop:
                    error = error or stop
                    stopped.set()
    except BaseException:
        for future in running:
            future.cancel()
        cancel()
        raise
    finally:
        stopped.set()
    if error is not None:
        raise error


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
