"""`Study`: the only object with state. It reads the log, asks a function, appends the answer.

Everything it knows is the fold of its log up to a position; every change is an append followed by that fold.
"""

from __future__ import annotations

import gc
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tunewise.dice import Dice
from tunewise.errors import (
    Conflict,
    MissingExtra,
    NoTrials,
    SettingError,
    SpaceError,
    StudyExists,
    StudyNotFound,
    TrialInfeasible,
    TrialPruned,
    TrialStateError,
)
from tunewise.events import (
    Constrained,
    Event,
    ParamsSet,
    Reported,
    SpaceSet,
    StudyCreated,
    StudyNoted,
    TrialFinished,
    TrialQueued,
    TrialStarted,
    to_plain,
)
from tunewise.outcome import outcome_of
from tunewise.pruners import Pruner
from tunewise.pruners import from_settings as pruner_from_settings
from tunewise.pruners import make as make_pruner
from tunewise.pruners import settings as pruner_settings
from tunewise.records import FrozenTrial, Goal, StudyInfo, TrialState
from tunewise.run import log
from tunewise.run.loop import Callback, run_trials
from tunewise.samplers import Sampler
from tunewise.samplers import from_settings as sampler_from_settings
from tunewise.samplers import make as make_sampler
from tunewise.samplers import settings as sampler_settings
from tunewise.space import Space
from tunewise.storage import Log, open_log
from tunewise.trial import Trial
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray, Json, Params

Storage = str | Path | Log | None
Objective = Callable[[Trial], Any]


class Study:
    """An optimisation in progress; make one with `create_study` or `load_study`.

    All methods may be called from several threads, and several processes may hold the same study.
    """

    def __init__(self, storage: Log, name: str, sampler: Sampler | None, pruner: Pruner | None) -> None:
        self.name = name
        self._log = storage
        self._lock = threading.RLock()
        self._trials = Trials()
        self._trials.info = StudyInfo(name, (Goal(),), 0, math.nan)
        self._position = 0
        self._worker = f"{socket.gethostname()}-{os.getpid()}"
        self._stopped = threading.Event()
        self._desk = _Desk(self)
        with _collector_paused():
            self.sync()
        info = self._trials.info
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
            events, self._position = self._log.read(self.name, self._position)
            self._trials.apply_all(events)
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
        return pd.DataFrame([_flat(row, self.goals) for row in self.sync()])

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
        return self._claim(lambda number: [TrialQueued(number, plain, attrs, time.time())], durable=True)

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
        return self._claim(lambda number: _facts_of(trial, number), durable=True)

    def ask(self) -> Trial:
        """Start a trial: the next one in the queue, or a new one.

        Where the space is declared, all active parameters are suggested at once.
        """
        self.sync()
        trial = Trial(self._desk, self._start())
        if self.info.space is not None:
            self._suggest_all(trial, self.info.space)
        return trial

    def tell(
        self,
        trial: Trial | int,
        values: Any = None,
        state: TrialState | str | None = None,
        reason: str | None = None,
    ) -> FrozenTrial:
        """End a trial and return its record. The result is on disk when this returns.

        ``values`` is what an objective may return; ``state`` overrides what follows from it ("pruned", ...).
        A NaN or infinite value makes the trial INFEASIBLE.

        Raises:
            TrialStateError: the trial is unknown or has finished already; nothing is changed.
            SettingError: ``values`` cannot be read, and no state says that they do not matter.
        """
        live = trial if isinstance(trial, Trial) else None
        number = trial.number if isinstance(trial, Trial) else int(trial)
        trials = self.sync()
        if not trials.is_open(number):
            trials.row(number)
            raise TrialStateError(f"Trial {number} has finished already; its first result stays.")
        outcome = outcome_of(values, state, reason, trials, number)
        facts = live.last_facts(complete=outcome.state == TrialState.COMPLETE) if live is not None else []
        finish = TrialFinished(number, *outcome, time.time())
        alone = self._append([*facts, finish], durable=True)
        if not alone and not trials.has_finish(finish):
            raise TrialStateError(
                f"Trial {number} was finished by somebody else meanwhile; the first result stays."
            )
        return trials.row(number)

    def optimize(
        self,
        function: Objective,
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int = 1,
        catch: type[BaseException] | Iterable[type[BaseException]] = (),
        callbacks: Iterable[Callback] = (),
        progress: bool = False,
    ) -> None:
        """Run ``n_trials`` more trials of ``function``, or as many as start within ``timeout`` seconds.

        With neither, runs until `stop`, a finite search is exhausted, or Ctrl-C. ``n_jobs`` threads work at once
        (-1: one a core). Exceptions in ``catch`` end the trial as FAILED and the loop goes on; others end the loop
        after the trial was recorded. ``callbacks`` are called as ``callback(study, record)`` after every trial.
        """
        self._stopped.clear()
        errors = tuple(catch) if isinstance(catch, Iterable) else (catch,)
        run_trials(
            lambda: self._run_one(function, errors),
            callbacks=[partial(each, self) for each in callbacks],
            n_trials=n_trials,
            seconds=timeout,
            n_threads=n_jobs,
            stopped=self._stopped,
            progress=progress,
            describe=self._describe,
        )

    def stop(self) -> None:
        """Let `optimize` end after the trials that are running."""
        self._stopped.set()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _run_one(self, function: Objective, catch: tuple[type[BaseException], ...]) -> FrozenTrial:
        trial = self.ask()
        try:
            record = self.tell(trial, function(trial))
        except TrialPruned as error:
            record = self.tell(trial, state=TrialState.PRUNED, reason=str(error) or None)
        except (TrialInfeasible, FloatingPointError) as error:
            reason = str(error) or type(error).__name__
            record = self.tell(trial, state=TrialState.INFEASIBLE, reason=reason)
        except TrialStateError:
            if self._trials.is_open(trial.number):
                raise
            log.logger.warning(
                "Trial %d was finished by somebody else; this result is not used.", trial.number
            )
            return self._trials.row(trial.number)
        except BaseException as error:
            record = self.tell(trial, state=TrialState.FAILED, reason=f"{type(error).__name__}: {error}")
            log.log_finished(record, None, self.goals)
            if isinstance(error, catch):
                return record
            raise
        best = self._trials.best() if len(self.goals) == 1 else None
        log.log_finished(record, None if best is None else self._trials.row(best), self.goals)
        return record

    def _suggest_all(self, trial: Trial, space: Space) -> None:
        """Suggest a declared space; a trial that gets no parameters has failed, and is not left running."""
        try:
            trial.suggest_space(space)
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

    def _append(self, events: Sequence[Event], durable: bool = False) -> bool:
        """Append and fold facts; whether nobody else had appended since the last look."""
        with self._lock:
            end = self._log.append(self.name, events, durable=durable)
            return self._folded(events, end)

    def _folded(self, events: Sequence[Event], end: int) -> bool:
        """Fold what was just appended: directly where nobody came between, else by reading on."""
        alone = end == self._position + 1
        if alone:
            self._trials.apply_all(events)
            self._position = end
        else:
            self.sync()
        return alone

    def _claim(self, facts: Callable[[int], list[Event]], durable: bool = False) -> int:
        """Append facts about the next free number, again until nobody was faster."""
        with self._lock:
            while True:
                number = len(self._trials)
                if self._try_append(facts(number), durable):
                    return number

    def _start(self) -> int:
        """Take the next queued trial, or a new number."""
        with self._lock:
            while True:
                number = self._trials.next_queued()
                if number is None:
                    number = len(self._trials)
                sampler = "" if self._trials.is_fully_fixed(number) else self.sampler.name
                started = TrialStarted(number, sampler, self._worker, time.time())
                if self._try_append([started], False):
                    return number

    def _try_append(self, events: list[Event], durable: bool) -> bool:
        try:
            end = self._log.append(self.name, events, at=self._position, durable=durable)
        except Conflict:
            self.sync()
            return False
        self._folded(events, end)
        return True


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
    """The study as its live trials see it."""

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
        self._study._append(events)

    def judge(self, number: int) -> bool:
        with self._study._lock:
            return bool(self._study.pruner(self._study.sync(), number))

    def table(self) -> Trials:
        return self._study._trials

    def now(self) -> float:
        return time.time()


# --- studies in a storage ------------------------------------------------------------------------------------------


def create_study(
    study_name: str | None = None,
    storage: Storage = None,
    direction: str | None = None,
    directions: Sequence[str] | None = None,
    goals: Sequence[Goal] | Mapping[str, str] | None = None,
    sampler: Sampler | str = "auto",
    pruner: Pruner | str | None = None,
    space: Space | None = None,
    seed: int | None = None,
    load_if_exists: bool = False,
) -> Study:
    """Make a study, or with ``load_if_exists`` open the one of that name.

    Args:
        study_name: by default a name that no other study has.
        storage: None (memory), "sqlite:///file.db", a path to a .db file, or a `Log`.
        direction: "minimize" (default) or "maximize", for one goal named "value".
        directions: one direction a goal, for goals named "value_0", "value_1", ...
        goals: named goals, as `Goal` records or {"val_error": "minimize", ...}; instead of a direction.
        sampler: a sampler or its name; recorded, so that `load_study` has it again.
        pruner: a pruner, its name, or None (never prune); recorded likewise.
        space: the space where it is declared up front; else it is found by running the objective.
        seed: whole number >= 0, by default drawn at random; it belongs to the study and is recorded.

    Raises:
        StudyExists: the name is taken and ``load_if_exists`` is False.
        SettingError, StorageError: an argument is not valid.
    """
    wanted = _goals(direction, directions, goals)
    chosen, judge = make_sampler(sampler), make_pruner(pruner)
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "little")
    if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed < 2**64:
        raise SettingError(f"The seed is {seed!r}; it must be a whole number in 0..2**64-1.")
    name = study_name if study_name is not None else f"study-{uuid.uuid4().hex[:8]}"
    if not name or "\x00" in name:
        raise SettingError(f"{name!r} is no study name; use a non-empty string.")
    place = open_log(storage)
    created = StudyCreated(
        wanted, int(seed), time.time(), space, sampler_settings(chosen), pruner_settings(judge)
    )
    try:
        place.append(name, [created], at=0, durable=True)
    except Conflict:
        if not load_if_exists:
            raise StudyExists(
                f"There is a study {name!r} in {place.url} already; choose another name, or pass load_if_exists=True."
            ) from None
        return _same_goals(Study(place, name, chosen, judge), wanted, direction or directions or goals)
    log.log_created(name, "in memory" if place.url == "memory" else f"in {place.url}")
    return Study(place, name, chosen, judge)


def load_study(
    study_name: str | None = None,
    storage: Storage = None,
    sampler: Sampler | str | None = None,
    pruner: Pruner | str | None = None,
) -> Study:
    """Open a study, by default the only one in its storage, with the sampler and pruner it was created with.

    Raises:
        StudyNotFound: no such study, or no name given and not exactly one study there.
    """
    place = open_log(storage, create=False)
    if study_name is None:
        names = place.studies()
        if len(names) != 1:
            raise StudyNotFound(f"{place.url} holds {len(names)} studies {names}; say which by study_name.")
        study_name = names[0]
    chosen = make_sampler(sampler) if sampler is not None else None
    return Study(place, study_name, chosen, make_pruner(pruner) if pruner is not None else None)


def study_names(storage: Storage) -> list[str]:
    """The names of all studies in a storage."""
    return open_log(storage, create=False).studies()


def delete_study(study_name: str, storage: Storage) -> None:
    """Remove a study and all its trials. Raises StudyNotFound."""
    open_log(storage, create=False).delete(study_name)


def copy_study(
    from_study_name: str, from_storage: Storage, to_storage: Storage, to_study_name: str | None = None
) -> Study:
    """Copy a study, fact by fact, to another storage or name, and return the copy.

    Raises:
        StudyNotFound: the first is not there. StudyExists: the second is there already.
    """
    source, target = open_log(from_storage, create=False), open_log(to_storage)
    name = to_study_name or from_study_name
    events, _ = source.read(from_study_name, 0)
    try:
        position = target.append(name, events[:1], at=0)
    except Conflict:
        raise StudyExists(
            f"There is a study {name!r} in {target.url} already; choose another name."
        ) from None
    if events[1:]:
        target.append(name, events[1:], at=position, durable=True)
    return Study(target, name, None, None)


def _goals(
    direction: str | None, directions: Sequence[str] | None, goals: Sequence[Goal] | Mapping[str, str] | None
) -> tuple[Goal, ...]:
    if sum(given is not None for given in (direction, directions, goals)) > 1:
        raise SettingError("direction, directions and goals say the same thing; give one of them.")
    if directions is not None:
        if isinstance(directions, str) or not directions:
            raise SettingError(f"directions is {directions!r}; give a list with one direction a goal.")
        if len(directions) == 1:
            return (Goal("value", directions[0]),)
        return tuple(Goal(f"value_{i}", each) for i, each in enumerate(directions))
    if goals is None:
        return (Goal("value", direction or "minimize"),)
    named = tuple(Goal(*pair) for pair in goals.items()) if isinstance(goals, Mapping) else tuple(goals)
    if not named or len({goal.name for goal in named}) != len(named):
        raise SettingError(f"goals is {goals!r}; give at least one goal, each with a name of its own.")
    return named


def _same_goals(study: Study, wanted: tuple[Goal, ...], given: object) -> Study:
    if given and tuple(g.direction for g in wanted) != study.directions:
        raise SettingError(
            f"Study {study.name!r} has the directions {study.directions}; leave them out or match them."
        )
    return study


def _facts_of(trial: FrozenTrial, number: int) -> list[Event]:
    """The facts that make a finished trial anew under another number."""
    facts: list[Event] = [TrialQueued(number, {}, to_plain(dict(trial.user_attrs)), trial.started_at)]
    facts.append(TrialStarted(number, "", trial.worker, trial.started_at))
    if trial.params:
        domains = {name: trial.domains[name] for name in trial.params}
        facts.append(ParamsSet(number, dict(trial.params), domains, 0))
    for metric, curve in trial.curves.items():
        facts.extend(Reported(number, step, {metric: value}, math.nan) for step, value in curve.items())
    if trial.constraints:
        facts.append(Constrained(number, dict(trial.constraints)))
    facts.append(TrialFinished(number, trial.state, trial.values, trial.reason, trial.finished_at))
    return facts


def _flat(row: FrozenTrial, goals: tuple[Goal, ...]) -> dict[str, Any]:
    values = row.values or (None,) * len(goals)
    names = ["value"] if len(goals) == 1 else [f"values_{goal.name}" for goal in goals]
    return {
        "number": row.number,
        **dict(zip(names, values, strict=True)),
        "state": row.state.name,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "duration": row.duration,
        **{f"params_{name}": value for name, value in row.params.items()},
        **{f"user_attrs_{name}": value for name, value in row.user_attrs.items()},
    }
