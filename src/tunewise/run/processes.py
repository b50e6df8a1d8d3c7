"""Each call in a process of its own, so that memory and GPU leaks, hangs and crashes end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any

from tunewise.errors import SettingError, WorkerLost
from tunewise.run.interrupt import raise_in_main

_START_SECONDS = 600.0
"""How long a process may take to start, which imports the script."""
_GRACE_SECONDS = 5.0
"""How long a process may take to end when it is asked to, before it is killed."""


class Processes(Executor):
    """An executor for `Study.optimize` that runs every trial in a fresh process (started by "spawn").

    Starting one costs what importing the script costs. The function and what it refers to must be importable or picklable.

    Args:
        trial_seconds: a trial that runs longer is ended for good, and fails; None: no limit. Starting its process and
            importing the script do not count.
        gpus: how many GPUs there are, or their names; a trial gets one of them through CUDA_VISIBLE_DEVICES, and no more
            trials run at once than there are GPUs. None: processes see what this one sees.

    Raises:
        SettingError: a limit that is not positive, or no GPU.
    """

    def __init__(
        self, trial_seconds: float | None = None, gpus: int | Sequence[str | int] | None = None
    ) -> None:
        if trial_seconds is not None and not trial_seconds > 0:
            raise SettingError(f"trial_seconds is {trial_seconds!r}; it must be above 0, or None.")
        names = [str(gpu) for gpu in (range(gpus) if isinstance(gpus, int) else gpus or ())]
        if gpus is not None and not names:
            raise SettingError(f"gpus is {gpus!r}; give their number (1 or more) or their names, or None.")
        self.trial_seconds = trial_seconds
        self.n_slots = len(names) or None
        self._gpus: SimpleQueue[str] | None = None
        if names:
            self._gpus = SimpleQueue()
            for name in names:
                self._gpus.put(name)
        self._threads = ThreadPoolExecutor(self.n_slots or 256, thread_name_prefix="tunewise-process")
        self._running: set[Any] = set()
        self._lock = threading.Lock()  # the environment is shared, and a process takes it over when it starts

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call ``fn(*args, **kwargs)`` in a new process; `WorkerLost` where that ends early or takes too long."""
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for what is running; with ``cancel_futures`` end it now."""
        if cancel_futures:
            self.end_running()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def end_running(self) -> None:
        """End what is running now; each trial is given back where its process still can."""
        with self._lock:
            running = list(self._running)
        for process in running:
            process.terminate()
        for process in running:
            _end(process)

    def _call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        gpu = None if self._gpus is None else self._gpus.get()
        try:
            return self._in_process(fn, args, kwargs, gpu)
        finally:
            if self._gpus is not None and gpu is not None:
                self._gpus.put(gpu)

    def _in_process(self, fn: Callable[..., Any], args: Any, kwargs: Any, gpu: str | None) -> Any:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(theirs, fn, args, kwargs), name="tunewise-trial")
        with self._lock, _environment(gpu), _interrupts_blocked():
            process.start()
            self._running.add(process)
        theirs.close()
        try:
            if not wait([ours, process.sentinel], _START_SECONDS):
                raise WorkerLost(f"did not start within {_START_SECONDS:g} s")
            with suppress(EOFError, OSError):
                ours.recv()  # it has started
                if not wait([ours, process.sentinel], self.trial_seconds):
                    process.kill()  # not asked to end: its trial is not to be given back
                    raise WorkerLost(f"ended after {self.trial_seconds:g} s, its time limit", is_late=True)
                kind, value, text = ours.recv()
                process.join(_GRACE_SECONDS)
                if kind == "error":
                    raise value from RuntimeError(f"in the process of the trial:\n{text}")
                return value
            process.join()
            raise WorkerLost(f"its process {_how(process.exitcode)}")
        finally:
            _end(process)
            ours.close()
            with self._lock:
                self._running.discard(process)


def _child(answer: Connection, fn: Callable[..., Any], args: Any, kwargs: Any) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    signal.signal(signal.SIGTERM, _leave)
    answer.send("started")
    try:
        message: tuple[str, Any, str] = ("value", fn(*args, **kwargs), "")
    except Exception as error:
        message = ("error", error, traceback.format_exc())
    try:
        answer.send(message)
    except Exception as error:  # what cannot be pickled is told in words
        answer.send(
            ("error", RuntimeError(f"{message[1]!r} cannot be sent between processes: {error}"), message[2])
        )
    answer.close()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _leave(number: int, _frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # asked again, it must not stop giving its trial back
    raise_in_main(SystemExit(128 + number))


def _end(process: Any) -> None:
    """End a process for good: asked to at first, so that it can give its trial back."""
    if process.is_alive():
        process.terminate()
        process.join(_GRACE_SECONDS)
    if process.is_alive():
        process.kill()
        process.join()


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"ended with exit code {code}"


@contextmanager
def _environment(gpu: str | None) -> Iterator[None]:
    """CUDA_VISIBLE_DEVICES as a process that is started now shall find it."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    try:
        yield
    finally:
        if gpu is not None:
            os.environ.pop("CUDA_VISIBLE_DEVICES")
            if before is not None:
                os.environ["CUDA_VISIBLE_DEVICES"] = before


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """A process that is started now does not see Ctrl-C: its parent decides what becomes of its trial."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
