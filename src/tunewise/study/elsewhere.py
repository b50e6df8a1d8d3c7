"""Trials that run in other processes: each is sent away with a mark, by which it is found again if its process is lost."""

from __future__ import annotations

import os
import traceback
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tunewise.errors import SettingError, TunewiseError, WorkerLost
from tunewise.pruners import Pruner
from tunewise.records import FrozenTrial, TrialState
from tunewise.run import log
from tunewise.run.futures import as_future
from tunewise.run.interrupt import ignored
from tunewise.run.processes import Processes
from tunewise.run.ray import Ray
from tunewise.samplers import Sampler
from tunewise.storage import open_log
from tunewise.storage.lease import new_worker
from tunewise.storage.url import opened_as
from tunewise.study.study import Objective, Study

Answer = tuple[int, Exception | None, str]
"""The number of the trial that ran, the error that is to be raised, its traceback."""

_EXECUTORS: dict[str, Callable[[], Executor]] = {"processes": Processes, "ray": Ray}


def run_elsewhere(
    study: Study,
    loop: Callable[..., None],
    function: Objective,
    catch: tuple[type[BaseException], ...],
    n_jobs: int,
    executor: Executor | str,
) -> None:
    """Run the loop of `Study.optimize` with trials in an executor. Raises SettingError where that cannot be."""
    place = opened_as(study.storage)
    if place is None:
        raise SettingError(
            f"The study is in {study.storage.url}, which other processes cannot open; give create_study a storage, such as "
            'storage="runs.db".'
        )
    if isinstance(executor, str) and executor not in _EXECUTORS:
        raise SettingError(
            f"executor is {executor!r}; it must be one of {', '.join(_EXECUTORS)}, or an Executor."
        )
    pool: Any = _EXECUTORS[executor]() if isinstance(executor, str) else executor
    parent = None if getattr(pool, "hears_interrupts", False) else os.getpid()
    level = study.logger.getEffectiveLevel()
    task = (place, study.name, study.sampler, study.pruner, function, catch, level, parent)
    n_at_once = (getattr(pool, "n_slots", None) or -1) if n_jobs == -1 else n_jobs
    sent = _Sent(study, 2 * abs(n_at_once) if isinstance(n_at_once, int) else 0)
    is_done = False
    try:
        loop(
            submit=lambda: sent.submit(pool, *task),
            collect=sent.collect,
            cancel=getattr(pool, "end_running", lambda: None),
            n_threads=n_at_once,
        )
        is_done = True
    finally:
        if pool is not executor:  # another's may have more to do
            pool.shutdown(cancel_futures=not is_done)


class _Sent:
    """The trials that were sent away, and what becomes of those whose process is lost."""

    def __init__(self, study: Study, most_in_vain: int) -> None:
        self._study = study
        self._marks: dict[Future[Any], str] = {}
        self._most_in_vain = most_in_vain
        self._n_in_vain = 0  # processes lost in a row before they took a trial

    def submit(self, pool: Any, *task: Any) -> Future[Any]:
        mark = uuid.uuid4().hex[:12]
        future = as_future(pool.submit(_run_one, *task, mark))
        self._marks[future] = mark
        return future

    def collect(self, future: Future[Answer]) -> FrozenTrial | None:
        """The record of a trial; None where it was lost. Raises its error where that is not to be caught."""
        mark = self._marks.pop(future)
        try:
            number, error, text = future.result()
        except WorkerLost as lost:
            return self._after_loss(mark, lost)
        except (TunewiseError, CancelledError):
            raise
        except Exception as unknown:  # how an executor of another kind says that a worker was lost
            if not self._has_lost(mark):
                raise
            return self._after_loss(mark, WorkerLost(f"{type(unknown).__name__}: {unknown}"))
        self._n_in_vain = 0
        record = self._study.sync().row(number)
        self._study.say(record)
        if error is not None:
            raise error from (RuntimeError(f"in the worker of trial {number}:\n{text}") if text else None)
        return record

    def _after_loss(self, mark: str, lost: WorkerLost) -> FrozenTrial | None:
        """What becomes of the trial whose process ended: too late, it failed; else what `create_study` was told."""
        study = self._study
        trials = study.sync()
        worker = trials.worker_marked(mark)
        if worker is None:  # it took no trial; where that goes on, something is wrong with the program
            self._n_in_vain += 1
            if self._n_in_vain > self._most_in_vain:
                raise lost
            return None
        running = trials.running_of(worker)
        if running and lost.is_late:
            record = study.tell(running[-1], state=TrialState.FAILED, reason=str(lost))
            study.say(record)
            study.storage.beat(study.name, worker, None)
            return record
        if running:
            study.give_up(worker, str(lost))
        record = study.trials.row(study.trials.last_of(worker))
        return record if record.worker == worker else None  # else another worker has it by now

    def _has_lost(self, mark: str) -> bool:
        """Whether the worker with a mark took a trial and did not end it; others may have given it up, or have it, by now."""
        trials = self._study.sync()
        worker = trials.worker_marked(mark)
        if worker is None:
            return False
        number = trials.last_of(worker)
        return trials.is_open(number) or trials.worker_of(number) != worker


def _run_one(
    place: str | Path,
    name: str,
    sampler: Sampler,
    pruner: Pruner,
    function: Objective,
    catch: tuple[type[BaseException], ...],
    verbosity: int,
    parent: int | None,
    mark: str,
) -> Answer:
    """Run one trial in whatever process this is.

    ``mark`` is part of the worker's name, by which whoever submitted this finds its trial if this process is lost. An
    executor that runs what it lost once more by itself comes here again with the same mark; a trial that ended is not run twice.
    ``parent`` is a process whose Ctrl-C is also felt here, None where there is none.
    """
    log.set_verbosity(verbosity)
    with nullcontext() if parent in (None, os.getpid()) else ignored():
        study = Study(open_log(place, create=False), name, sampler, pruner)
        try:
            number = _already_ended(study, mark)
            if number is not None:
                return number, None, ""
            record, error = study.run_as(new_worker(mark), function)
        finally:
            study.leave()
            study.storage.close()
    if error is None or isinstance(error, catch):
        return record.number, None, ""
    text = "".join(traceback.format_exception(error))
    return record.number, error if isinstance(error, Exception) else RuntimeError(repr(error)), text


def _already_ended(study: Study, mark: str) -> int | None:
    """The trial that a lost worker with this mark ran, where that has ended; else there is one to be run."""
    worker = study.trials.worker_marked(mark)
    if worker is None:
        return None
    study.give_up(worker)
    number = study.trials.last_of(worker)
    record = study.trials.row(number)
    return number if record.state.is_finished and record.worker == worker else None
