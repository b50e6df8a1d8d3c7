"""`Study`: the only object with state. It reads the log, asks a function, appends the answer.

Everything it knows is the fold of its log up to a position; every change is an append followed by that fold.
"""

from __future__ import annotations

import atexit
import gc
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np

from tunewise.dice import Dice
from tunewise.errors import (
    MissingExtra,
    NoTrials,
    SettingError,
    SpaceError,
    StorageError,
    StorageUnreachable,
    StudyNotFound,
    TrialInfeasible,
    TrialPruned,
    TrialStateError,
)
from tunewise.events import (
    NEW,
    NEXT,
    ArtifactStored,
    Event,
    Noted,
    SpaceSet,
    StudyNoted,
    TrialFinished,
    TrialQueued,
    TrialReleased,
    TrialStarted,
    TrialWithdrawn,
    to_plain,
)
from tunewise.loggers import logger_of
from tunewise.outcome import outcome_of
from tunewise.pruners import Pruner
from tunewise.pruners import from_settings as pruner_from_settings
from tunewise.records import FrozenTrial, Goal, Prediction, StudyInfo, TrialState
from tunewise.run import log
from tunewise.run.interrupt import Unbroken
from tunewise.run.loop import Callback, run_trials
from tunewise.samplers import Sampler
from tunewise.samplers import from_settings as sampler_from_settings
from tunewise.samplers.base import predict_by
from tunewise.space import Space
from tunewise.storage import Log, MemoryLog, snapshot
from tunewise.storage.artifacts import (
    Place,
    Stored,
    checked,
    default_place,
    fetch,
    new_key,
    open_place,
    opened,
)
from tunewise.storage.delivery import Delivery
from tunewise.storage.fork import renew_after_fork
from tunewise.storage.lease import Pulse, Stamps, Watch
from tunewise.storage.log import PAGE, generation_of, pages
from tunewise.storage.retry import chance
from tunewise.study.facts import facts_of, row_of
from tunewise.trial import Trial
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray, Json, Params

Objective = Callable[[Trial], Any]

_PATIENCE_SECONDS = 600.0
"""How long `Study.optimize` waits for a storage that does not answer before it starts a trial."""


class Study:
    """An optimisation in progress; make one with `create_study` or `load_study`.

    All methods may be called from several threads, and several processes may hold the same study.

    Attributes:
        name: the study's name.
        logger: the ``logging.Logger`` on which it speaks, "tunewise.study.NAME", which can be given a level and handlers of
            its own.
    """

    def __init__(self, storage: Log, name: str, sampler: Sampler | None, pruner: Pruner | None) -> None:
        self.name = name
        self.logger = logger_of(name)
        self._log = storage
        self._trials = Trials()
        self._trials.info = StudyInfo(name, (Goal(),), 0, math.nan)
        self._position = 0
        self._stopped = threading.Event()
        self._seed = 0  # until the study is open
        self._generation = 0
        self.renew()
        renew_after_fork(self)
        with _collector_paused():
            self._open()
        info = self._trials.info
        self._seed = info.seed
        self._dice = Dice(info.seed)
        self.sampler: Sampler = sampler or sampler_from_settings(info.sampler)
        self.pruner: Pruner = pruner or pruner_from_settings(info.pruner)

    def __repr__(self) -> str:
        best = self._trials.best() if len(self.goals) == 1 else None
        tail = "" if best is None else f", best {self._trials.values[best, 0]:.6g} (trial {best})"
        return f"<Study {self.name!r} in {self._log.url}: {len(self._trials)} trials{tail}>"

    # --- reading ---------------------------------------------------------------------------------------------------

    def sync(self) -> Trials:
        """Read and fold what is new in the log, and return the table. O(new events)."""
        with self._lock:
            batches = self._log.read(self.name, self._position)
            if self._generation != generation_of(self._log):  # the log may have lost its end
                self._generation = generation_of(self._log)
                self._forget()
                batches = self._log.read(self.name, 0)
            self._fold_batches(batches)
            while len(batches) >= PAGE:
                batches = self._log.read(self.name, self._position)
                self._fold_batches(batches)
            return self._trials

    @property
    def trials(self) -> Trials:
        """All trials, as a table that also iterates over frozen records."""
        return self.sync()

    @property
    def info(self) -> StudyInfo:
        """What the study was created with."""
        return self._trials.info

    @property
    def storage(self) -> Log:
        """The log in which the study lives."""
        return self._log

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The goals, in the order of the values."""
        return self._trials.goals

    @property
    def direction(self) -> str:
        """The direction of the only goal. Raises SettingError where there are several."""
        return self._only_goal("direction").direction

    @property
    def directions(self) -> tuple[str, ...]:
        """The directions of the goals."""
        return tuple(goal.direction for goal in self.goals)

    @property
    def user_attrs(self) -> dict[str, Json]:
        """The study's user attributes."""
        return dict(self.sync().user_attrs)

    @property
    def best_trial(self) -> FrozenTrial:
        """The best complete trial that violates no constraint. Raises NoTrials where there is none."""
        self._only_goal("best_trials")
        trials = self.sync()
        best = trials.best()
        if best is None:
            raise NoTrials(
                f"Study {self.name!r} has no complete trial without violation yet; run some first."
            )
        return trials.row(best)

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The complete trials that no other dominates (for one goal: all that share the best value)."""
        trials = self.sync()
        return [trials.row(int(number)) for number in trials.pareto()]

    @property
    def best_value(self) -> float:
        """The value of the best trial."""
        return self.best_trial.value  # type: ignore[return-value]

    @property
    def best_params(self) -> Params:
        """The parameters of the best trial."""
        return self.best_trial.params

    def trials_dataframe(self) -> Any:
        """The trials as a pandas DataFrame, one column a parameter. Raises MissingExtra without pandas."""
        try:
            import pandas as pd
        except ImportError:
            raise MissingExtra("pandas", "data", "A data frame") from None
        return pd.DataFrame([row_of(row, self.goals) for row in self.sync()])

    # --- changing --------------------------------------------------------------------------------------------------

    def set_user_attr(self, key: str, value: Any) -> None:
        """Note something about the study: anything that JSON can hold."""
        self._append([StudyNoted({str(key): to_plain(value)})], durable=True)

    def set_space(self, space: Space) -> None:
        """Declare (or replace) the space; it holds for trials that start from now on."""
        self._append([SpaceSet(space)], durable=True)

    def enqueue_trial(self, params: Mapping[str, Choice], user_attrs: Mapping[str, Any] | None = None) -> int:
        """Queue a trial with these parameters and return its number; the next free worker takes it, once.

        Parameters that are not given are suggested as usual.

        Raises:
            SpaceError: the study's declared space does not allow a value, or rules the combination out.
        """
        plain = {str(name): to_plain(value) for name, value in params.items()}
        if self.info.space is not None and not self.info.space.allowed(self.info.space.encode(plain)):
            raise SpaceError(
                f"{plain} is ruled out by the limits of the space; queue a point that is allowed."
            )
        attrs = to_plain(dict(user_attrs or {}))
        return self._claim(TrialQueued(NEW, plain, attrs, time.time(), self.worker), durable=True)

    def add_trial(self, trial: FrozenTrial) -> int:
        """Take in a trial that was run elsewhere, whole, and return its number here.

        Raises:
            TrialStateError: the trial has not finished.
            SettingError: it has another number of values than this study has goals.
        """
        if not trial.state.is_finished:
            raise TrialStateError(
                f"Trial {trial.number} is {trial.state.name}; only finished trials can be added."
            )
        if trial.state == TrialState.COMPLETE and len(trial.values or ()) != len(self.goals):
            raise SettingError(
                f"The trial has values {trial.values}; this study has {len(self.goals)} goals."
            )
        number = self._claim(TrialStarted(NEW, "", self.worker, trial.started_at))
        self._append(facts_of(trial, number, self.worker), durable=True)
        return number

    @overload
    def ask(self) -> Trial: ...
    @overload
    def ask(self, n: int) -> list[Trial]: ...
    def ask(self, n: int | None = None) -> Trial | list[Trial]:
        """Start a trial: the next one in the queue, or a new one. With ``n``, a list of so many.

        Where the space is declared, all active parameters are suggested at once, each trial of a batch with the others in
        mind. The trial is on lease: should this process die, it fails or is queued again (see `create_study`).

        Raises:
            SettingError: ``n`` is not a whole number from 1 on.
        """
        if n is not None:
            if not isinstance(n, int) or isinstance(n, bool) or n < 1:
                raise SettingError(f"n is {n!r}; ask for a whole number of trials, at least 1.")
            return [self.ask() for _ in range(n)]
        self._stay_alive()
        sampler = self.sampler.name
        number = self._claim(TrialStarted(NEXT, sampler, self.worker, time.time()))
        trial = Trial(_Desk(self), number, self.worker)
        if self.info.space is not None:
            self._suggest_all(trial, self.info.space)
        return trial

    @overload
    def predict(self, params: Mapping[str, Choice]) -> Prediction: ...
    @overload
    def predict(self, params: Sequence[Mapping[str, Choice]]) -> list[Prediction]: ...
    def predict(
        self, params: Mapping[str, Choice] | Sequence[Mapping[str, Choice]]
    ) -> Prediction | list[Prediction]:
        """What the sampler's surrogate expects of the (first) goal at some parameters: mean and standard deviation.

        The deviation is that of the mean, without the noise of a single trial. O(n^3) with n capped at 256, then O(n^2) each.

        Raises:
            SettingError: the sampler has no surrogate ("auto" and "gp" have one).
            SpaceError: a parameter is unknown, out of its range, or missing although it is active.
            NoTrials: fewer than two trials are complete.
        """
        many = [params] if isinstance(params, Mapping) else list(params)
        predict = predict_by(self.sampler)
        trials = self.sync()
        space = trials.space
        raw = np.array([space.encode_all(each) for each in many]).reshape(len(many), space.n_dims)
        mean, sd = predict(trials, space, raw)
        sign = self.goals[0].sign
        found = [Prediction(sign * float(m), float(s)) for m, s in zip(mean, sd, strict=True)]
        return found[0] if isinstance(params, Mapping) else found

    def tell(
        self,
        trial: Trial | int,
        values: Any = None,
        state: TrialState | str | None = None,
        reason: str | None = None,
    ) -> FrozenTrial:
        """End a trial and return its record. The result is on disk when this returns.

        ``values`` is what an objective may return; ``state`` overrides what follows from it ("pruned", ...).
        A NaN or infinite value makes the trial INFEASIBLE. The result of a live trial whose lease was lost counts as
        long as the trial has no other; else it is kept as a late result (``trials.late_results(number)``).

        Raises:
            TrialStateError: the trial is unknown or has finished already; nothing is changed.
            SettingError: ``values`` cannot be read, and no state says that they do not matter.
            StorageUnreachable: the storage does not answer. The result is kept in a file and delivered later.
        """
        record, is_kept = self._finish(trial, values, state, reason)
        if is_kept:
            raise StorageUnreachable(
                f"{self._log.url} does not answer. The result of trial {record.number} is kept in "
                f"{self._delivery.file or 'memory'} and is delivered as soon as the storage answers, by this process or by "
                "the next one on this machine that opens the study."
            )
        return record

    def release(self, trial: Trial, reason: str = "given back") -> None:
        """Give a running trial back: it is queued again with its parameters, and the next free worker takes it."""
        freed = TrialReleased(trial.number, trial.worker, True, reason, time.time())
        self._post([*trial.last_facts(complete=False), freed], durable=True)

    def annotate_trial(self, number: int, **attrs: Any) -> None:
        """Note something about a trial, running or finished. Raises TrialStateError for an unknown number."""
        self.sync().row(number)
        self._append([Noted(number, {key: to_plain(value) for key, value in attrs.items()})], durable=True)

    def invalidate_trial(self, number: int, reason: str) -> None:
        """Declare that a trial says nothing (a wrong data set, a broken machine): it stays, as FAILED, with its curves.

        No sampler, check or figure counts it any more. Raises TrialStateError for an unknown number.
        """
        self._withdraw(number, False, f"invalid: {reason}")

    def delete_trial(self, number: int, reason: str = "") -> None:
        """Take a trial out: its row stays, FAILED and empty, so that no other trial changes its number.

        The log still holds its facts. Raises TrialStateError for an unknown number.
        """
        self._withdraw(number, True, f"deleted: {reason}" if reason else "deleted")

    @property
    def artifacts(self) -> tuple[ArtifactStored, ...]:
        """The files of the study (``number`` is None) and of its trials; of several under one name the last. O(n)."""
        trials = self.sync()
        return tuple(each for number in (None, *range(len(trials))) for each in trials.artifacts(number))

    def save_artifact(
        self,
        source: str | Path | bytes,
        name: str | None = None,
        trial: int | None = None,
        place: Place | None = None,
    ) -> ArtifactStored:
        """Keep a file with the study, or with one of its trials: a copy of it, in the study's place for artifacts.

        The place is ``artifacts`` of `create_study`; without, ``runs.artifacts`` beside ``runs.db``, or ``artifacts`` in a
        directory log; or ``place``, from which you then fetch it yourself. ``source`` is a path, or bytes. A name may have
        parts ("plots/loss.png"); by default it is the file's. O(size).

        Raises:
            SettingError: the name leads out of its place or is none on some system; or the study has no place.
            TrialStateError: there is no such trial.
        """
        if trial is not None:
            self.sync().row(trial)
        stored = self._keep(source, name, trial, place)
        self._append([stored], durable=True)
        return stored

    def fetch_artifact(self, name: str, trial: int | None = None, to: str | Path | None = None) -> Path:
        """Copy an artifact out, and return where it is: at ``to``, or under its own name in a folder (default: this one).

        O(size).

        Raises:
            SettingError: there is no artifact of that name, or there is a file of that name in the folder.
            DataError: it is gone from its place, or is not what was stored.
        """
        found = next((each for each in self.sync().artifacts(trial) if each.name == name), None)
        if found is None:
            raise SettingError(f"{_whose(self.name, trial)} has no artifact {name!r}; see study.artifacts.")
        target = Path() if to is None else Path(to)
        if target.is_dir():
            target /= checked(name)
            if target.exists():
                raise SettingError(f"There is a file {target} already; name another one by `to`.")
        fetch(self._place(), found.key, Stored(found.bytes, found.sha256), target)
        return target

    def optimize(
        self,
        function: Objective,
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int = 1,
        catch: type[BaseException] | Iterable[type[BaseException]] = (),
        callbacks: Iterable[Callback] = (),
        progress: bool = False,
        executor: Executor | str | None = None,
    ) -> None:
        """Run ``n_trials`` more trials of ``function``, or as many as start within ``timeout`` seconds.

        With neither, runs until `stop`, a finite search is exhausted, or Ctrl-C. ``n_trials`` counts trials that end, however
        they end; one whose worker was lost and that is queued again counts when it ends. Ctrl-C once starts no more trials and
        raises KeyboardInterrupt when those that run have ended; twice gives them back to the queue at once. Either way the study
        goes on where it stopped when ``optimize`` is called again. ``n_jobs`` threads work at once
        (-1: one a core). Exceptions in ``catch`` end the trial as FAILED and the loop goes on; others end the loop
        after the trial was recorded. ``callbacks`` are called as ``callback(study, record)`` after every trial.

        ``executor`` says where trials run, ``n_jobs`` at once (-1: as many as it has room for): "processes" or a `Processes`
        (each trial in a process of its own, with a time limit and a GPU where wished), "ray" or a `Ray` (a cluster), or any
        ``concurrent.futures.Executor``; the study must then be in a storage that other processes can open. A process or a
        machine that dies loses its trials only, which fail or are run again (see ``on_lost`` of `create_study`).

        Raises:
            SettingError: an argument is not valid, or the study cannot be opened from elsewhere.
        """
        self._stopped.clear()
        errors = tuple(catch) if isinstance(catch, Iterable) else (catch,)
        loop = partial(
            run_trials,
            lambda: self._run_one(function, errors),
            callbacks=[partial(each, self) for each in callbacks],
            n_trials=n_trials,
            seconds=timeout,
            stopped=self._stopped,
            progress=progress,
            describe=self._describe,
            count=lambda: self._trials.n_finished,
        )
        if executor is None:
            self._patience = _PATIENCE_SECONDS
            loop(n_threads=n_jobs)
        else:
            from tunewise.study.elsewhere import run_elsewhere

            run_elsewhere(self, loop, function, errors, n_jobs, executor)

    def stop(self) -> None:
        """Let `optimize` end after the trials that are running."""
        self._stopped.set()

    # --- inside ----------------------------------------------------------------------------------------------------

    @property
    def position(self) -> int:
        """How many batches of the log are folded."""
        return self._position

    def adopt(self) -> None:
        """Deliver what processes of this machine that are gone could not deliver."""
        self._delivery.adopt()

    def detach(self) -> None:
        """Let running trials go on without a lease, as those that `tunewise ask` starts: who runs them tells their results."""
        self.leave()
        if not self._is_private:
            self._log.beat(self.name, self.worker, None)

    @property
    def worker(self) -> str:
        """The name under which this object takes trials; another one in every process."""
        return self._delivery.worker

    def renew(self) -> None:
        """Become a worker of its own; after a fork, the child's copy does."""
        self._lock = threading.RLock()
        self._delivery = Delivery(self._log, self.name)
        self._is_private = isinstance(
            self._log, MemoryLog
        )  # dies with this process: nobody to notice or to wait for
        self._claim_op: tuple[Event, str] | None = None
        self._pulse: Pulse | None = None
        self._patience = 0.0
        self._dice = Dice(
            self._seed
        )  # a generator has a lock, which another thread may have held at the fork
        self._generation = generation_of(self._log)
        if getattr(
            self, "_is_folding", False
        ):  # another thread was just folding when this process was forked
            self._forget()
        self._is_folding = False

    def run_as(self, worker: str, function: Objective) -> tuple[FrozenTrial, BaseException | None]:
        """Run one trial under another worker's name, and deliver all of it: (its record, the error that ended it)."""
        self._patience = _PATIENCE_SECONDS
        self._delivery.worker = worker
        record, error = self._try_one(function)
        self._delivery.catch_up()
        return record, error

    def say(self, record: FrozenTrial) -> None:
        """Tell the log lines of a trial that ended."""
        best = self._trials.best() if len(self.goals) == 1 and record.state == TrialState.COMPLETE else None
        log.log_finished(self.logger, record, None if best is None else self._trials.row(best), self.goals)

    def leave(self) -> None:
        """End the pulse; with no trial running, nobody will miss this worker."""
        pulse, self._pulse = self._pulse, None
        if pulse is None:
            return
        pulse.stop()
        if not self._trials.running_of(self.worker):
            self._log.beat(self.name, self.worker, None)

    def _place(self) -> Place:
        where = self.info.artifacts or default_place(self._log.url)
        if where is None:
            raise SettingError(
                f"A study in {self._log.url} has no place for artifacts; say create_study(artifacts=...) with a folder or URL."
            )
        return open_place(where)

    def _keep(
        self, source: str | Path | bytes, name: str | None, number: int | None, place: Place | None
    ) -> ArtifactStored:
        with opened(source, name) as (file, wanted):
            key = new_key(self.name, number, wanted)
            stored = (place or self._place()).write(key, file)
        return ArtifactStored(number, wanted, key, stored.bytes, stored.sha256, time.time())

    def _run_one(self, function: Objective, catch: tuple[type[BaseException], ...]) -> FrozenTrial:
        record, error = self._try_one(function)
        self.say(record)
        if error is not None and not isinstance(error, catch):
            raise error
        return record

    def _try_one(self, function: Objective) -> tuple[FrozenTrial, BaseException | None]:
        """Run one trial: (its record, the error that ended it). Interrupted at whatever point, none is left running."""
        held: list[Trial] = []
        try:
            self._ask_patiently(held)
            outcome, error = _outcome_of(function, held[0])
            with Unbroken():
                record, _ = self._finish(held.pop(), **outcome)
        except (KeyboardInterrupt, SystemExit) as stop:
            for trial in held:
                self.release(trial, f"interrupted ({type(stop).__name__})")
            raise
        return record, error

    def _suggest_all(self, trial: Trial, space: Space) -> None:
        """Suggest a declared space; a trial that gets no parameters has failed, and is not left running."""
        try:
            trial.suggest_space(space)
        except (KeyboardInterrupt, SystemExit) as stop:
            self.release(trial, f"interrupted ({type(stop).__name__})")
            raise
        except BaseException as error:
            self.tell(trial, state=TrialState.FAILED, reason=f"{type(error).__name__}: {error}")
            raise

    def _describe(self) -> str:
        best = self._trials.best() if len(self.goals) == 1 else None
        if best is None:
            return "no result yet"
        return f"best {self.goals[0].name} {self._trials.values[best, 0]:.5g} (trial {best})"

    def _only_goal(self, instead: str) -> Goal:
        if len(self.goals) > 1:
            raise SettingError(f"This study has {len(self.goals)} goals; use `{instead}`.")
        return self.goals[0]

    def _finish(
        self,
        trial: Trial | int,
        values: Any = None,
        state: TrialState | str | None = None,
        reason: str | None = None,
    ) -> tuple[FrozenTrial, bool]:
        """End a trial: (its record, whether it waits for the storage to answer)."""
        live = trial if isinstance(trial, Trial) else None
        number = trial.number if isinstance(trial, Trial) else int(trial)
        is_known = live is not None and self._trials.is_open(number)
        trials = self._trials if is_known else self._sync_if_possible()
        is_late = not trials.is_open(number) and live is not None and self._lost(live)
        if not trials.is_open(number) and not is_late:
            trials.row(number)
            raise TrialStateError(f"Trial {number} has finished already; its first result stays.")
        outcome = outcome_of(values, state, reason, trials, number)
        facts = live.last_facts(complete=outcome.state == TrialState.COMPLETE) if live is not None else []
        worker = live.worker if live is not None else self.worker
        finish = TrialFinished(number, *outcome, time.time(), worker, trials.started_at_of(number))
        if not self._post([*facts, finish], durable=True):
            return trials.row(number)._replace(**outcome._asdict(), finished_at=finish.at), True
        if not trials.has_finish(finish):
            if not is_late:
                is_late = live is not None and self._lost(live)
            if not is_late:
                raise TrialStateError(
                    f"Trial {number} was finished by somebody else meanwhile; the first result stays."
                )
            self.logger.warning(
                "Trial %d was given to another worker or withdrawn; this result is kept as a late one.",
                number,
            )
        return trials.row(number), False

    def _lost(self, live: Trial) -> bool:
        """Whether a live trial is no longer the one that counts."""
        taken = self._trials.worker_of(live.number) != live.worker
        return (
            taken
            or live.attempt != self._trials.attempts(live.number)
            or self._trials.is_withdrawn(live.number)
        )

    def _withdraw(self, number: int, deleted: bool, reason: str) -> None:
        self.sync().row(number)
        self._append([TrialWithdrawn(number, deleted, reason, time.time())], durable=True)

    def _sync_if_possible(self) -> Trials:
        try:
            return self.sync()
        except StorageUnreachable:
            return self._trials

    def _append(self, events: Sequence[Event], durable: bool = False) -> None:
        """Append facts and fold them. Raises StorageUnreachable."""
        with self._lock:
            self._fold(events, self._delivery.append(events, self._delivery.next_op(), durable=durable))

    def _post(self, events: Sequence[Event], durable: bool = False) -> bool:
        """Append facts about a running trial and fold them; False where they wait for the storage to answer."""
        with self._lock:
            if self._is_private:
                end: int | None = self._log.append(self.name, events)
            else:
                end = self._delivery.post(events, durable=durable)
            if end is not None:
                self._fold(events, end)
            return end is not None

    def _fold(self, events: Sequence[Event], end: int) -> None:
        """Fold what was just appended: directly where nobody came between, else by reading on."""
        if end == self._position + 1 and self._generation == generation_of(self._log):
            self._is_folding = True
            self._trials.apply_all(events)
            self._position = end
            self._is_folding = False
            return
        if end <= self._position:
            self._forget()
        self.sync()

    def _fold_batches(self, batches: Sequence[Sequence[Event]]) -> None:
        """Fold the batches that come next in the log."""
        if batches:
            self._is_folding = True
            self._trials.apply_batches(batches)
            self._position += len(batches)
            self._is_folding = False

    def _open(self) -> None:
        """Fold the log, from a snapshot on where there is one; leave one behind where that took a while."""
        if self._is_private:
            self.sync()
            return
        found = snapshot.load(self._log, self.name)
        if found is not None:
            self._trials.clear(found.state)
            self._position = found.position
        n_events = 0
        last: list[Event] = []
        for batches in pages(self._log, self.name, self._position):
            self._fold_batches(batches)
            n_events += sum(map(len, batches))
            last = batches[-1] if batches else last
        if n_events >= snapshot.FROM_EVENTS:
            snapshot.save(self._log, self.name, self._trials, self._position, last)

    def _forget(self) -> None:
        self._trials.clear()
        self._position = 0

    def _claim(self, event: TrialStarted | TrialQueued, durable: bool = False) -> int:
        """Take or queue a trial, and return its number. Where the storage did not answer, the next claim goes on."""
        with self._lock:
            if self._is_private:
                self._fold([event], self._log.append(self.name, [event]))
                return self._trials.last_of(event.worker)
            if self._claim_op is None or type(self._claim_op[0]) is not type(event):
                self._claim_op = event, self._delivery.next_op()
            event, op = self._claim_op  # type: ignore[assignment]
            end = self._delivery.append([event], op, durable=durable)
            self._claim_op = None
            self._fold([event], end)
            return self._trials.last_of(event.worker)

    def _ask_patiently(self, held: list[Trial]) -> None:
        """Start a trial and add it to ``held``, as one unbroken step."""
        deadline, pause = time.monotonic() + self._patience, 0.1
        while True:
            try:
                with Unbroken():
                    held.append(self.ask())
                return
            except StorageUnreachable as error:
                if self._is_private or self._stopped.is_set() or time.monotonic() > deadline:
                    raise
                self.logger.warning("%s Trying again for up to %.0f s.", error, deadline - time.monotonic())
            self._stopped.wait(pause * (0.5 + chance()))
            pause = min(2 * pause, 2.0)  # so that results are there within seconds

    # --- leases ----------------------------------------------------------------------------------------------------

    def _stay_alive(self) -> None:
        """Be seen to live from the first trial on, and look after the trials of those that are not."""
        seconds = self.info.lease.seconds
        if self._is_private or self._pulse is not None or seconds is None:
            return
        with self._lock:
            if self._pulse is None:
                self._stamps, self._watch = Stamps(), Watch()
                self._delivery.adopt()
                self._look_around()
                me = weakref.ref(self)
                self._pulse = Pulse(lambda: _beat(me), seconds)
                weakref.finalize(self, self._pulse.stop).atexit = False
                _alive.add(self)

    def _look_around(self) -> None:
        look = self._watch.is_due()
        stamps = self._log.beat(self.name, self.worker, self._stamps.next(), look)
        if not look:
            self._watch.pass_by()
            return
        for worker in self._watch.lost(stamps):
            self.give_up(worker)

    def give_up(self, worker: str, reason: str = "") -> None:
        """End what a lost worker was running, or queue it again, as `create_study` was told."""
        with self._lock:
            trials = self.sync()
            lease, at = self.info.lease, time.time()
            freed: list[Event] = []
            why = reason or f"its worker {worker} was lost"
            for number in trials.running_of(worker):
                again = lease.on_lost == "retry" and trials.attempts(number) < lease.MOST_ATTEMPTS
                freed.append(TrialReleased(number, worker, again, why, at))
                what = "is queued again" if again else "failed"
                self.logger.warning("Trial %d %s: %s.", number, what, why)
            if freed:
                self._append(freed)
        self._log.beat(self.name, worker, None)


def _outcome_of(function: Objective, trial: Trial) -> tuple[dict[str, Any], BaseException | None]:
    """Call an objective: (what `Study._finish` takes, the error that ended it)."""
    try:
        return {"values": function(trial)}, None
    except TrialPruned as stop:
        return {"state": TrialState.PRUNED, "reason": str(stop) or None}, None
    except (TrialInfeasible, FloatingPointError) as stop:
        return {"state": TrialState.INFEASIBLE, "reason": str(stop) or type(stop).__name__}, None
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return {"state": TrialState.FAILED, "reason": f"{type(error).__name__}: {error}"}, error


_alive: weakref.WeakSet[Study] = weakref.WeakSet()


def _beat(me: weakref.ref[Study]) -> bool:
    """One beat of a study's pulse; False once there is no such study any more."""
    study = me()
    if study is None:
        return False
    try:
        study._look_around()
        study._delivery.catch_up()
    except (StorageError, StudyNotFound) as error:
        study.logger.debug("No beat: %s", error)
    return True


@atexit.register
def _leave_all() -> None:
    for study in list(_alive):
        with suppress(StorageError, StudyNotFound):
            study.leave()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without the garbage collector: a long log makes a million objects at once, none of them garbage."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class _Desk:
    """The study as its live trials see it. The study holds no desk, so that it goes with its connections when it is dropped."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def suggest(self, space: Space, number: int) -> tuple[FloatArray, int]:
        study = self._study
        with study._lock:
            trials = study._trials
            rng = study._dice.stream(number, space.code)
            raw = study.sampler.suggest(trials, space, number, rng)
            return space.nearest_allowed(raw, rng), study._position

    def write(self, events: Sequence[Event]) -> None:
        self._study._post(events)

    def judge(self, number: int) -> bool:
        with self._study._lock:
            return bool(self._study.pruner(self._study._sync_if_possible(), number))

    def table(self) -> Trials:
        return self._study._trials

    def now(self) -> float:
        return time.time()

    def keep(
        self, number: int, source: str | Path | bytes, name: str | None, place: Place | None
    ) -> ArtifactStored:
        return self._study._keep(source, name, number, place)


def _whose(study: str, trial: int | None) -> str:
    return f"Study {study!r}" if trial is None else f"Trial {trial} of study {study!r}"
