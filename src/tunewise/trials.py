"""The `Trials` table: a fold of a study's log into NumPy columns. Nothing but `apply` writes it.

Row index and trial number are the same thing. Conflicts are settled here: claims are served in log order, and the first
finish of a trial wins; a later one is kept beside it. Parameters live in one float64 matrix in which NaN means
"not suggested in that trial", so that conditional spaces cost nothing.
"""

from __future__ import annotations

import copy
import math
import sys
from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tunewise.curves import CurveColumns, Curves
from tunewise.errors import SpaceError, TrialStateError
from tunewise.events import (
    NEW,
    NEXT,
    ArtifactStored,
    Constrained,
    Event,
    Noted,
    ParamsDropped,
    ParamsSet,
    Reported,
    SpaceSet,
    StudyCreated,
    StudyNoted,
    TrialFinished,
    TrialQueued,
    TrialReleased,
    TrialStarted,
    TrialWithdrawn,
    Unreadable,
)
from tunewise.loggers import logger_of
from tunewise.records import FrozenTrial, Goal, Lease, StudyInfo, TrialState
from tunewise.space import Categorical, Domain, Float, Space
from tunewise.structure import Evidence, Structure, find_structure
from tunewise.types import BoolArray, Choice, FloatArray, IntArray, Json, Params

T = TypeVar("T")
A = TypeVar("A", bound=np.ndarray[Any, Any])

_ROW_COLUMNS: dict[str, tuple[type, float]] = {
    "state": (np.int8, TrialState.QUEUED),
    "violation": (np.float64, 0.0),
    "started_at": (np.float64, math.nan),
    "finished_at": (np.float64, math.nan),
}
# Looking a member up on an IntEnum costs ten times as much as a plain number.
_QUEUED, _RUNNING, _COMPLETE, _FAILED = (
    int(s) for s in (TrialState.QUEUED, TrialState.RUNNING, TrialState.COMPLETE, TrialState.FAILED)
)
_STATES = tuple(TrialState)
_NO_METRIC = CurveColumns().sorted()
_NO_BEST = (math.inf, -1)
_UNUSABLE = (TypeError, ValueError, LookupError, AttributeError, OverflowError)
_MOST_BLOCKS = 64
CACHES = frozenset(
    {"_structure", "_novel", "_joint", "_first_domains", "_layouts", "_memo", "_kept", "_folds", "_blocks"}
)
"""Attributes of a table that are derived from the others, and may be empty at any time."""


class _Parameter(NamedTuple):
    """One column of the parameter matrix. ``choices`` is the union of all choices seen, None for numbers."""

    column: int
    first_domain: Domain
    choices: list[Choice] | None


class _Layout(NamedTuple):
    """Where some numeric parameters that were suggested jointly lie in the parameter matrix."""

    names: tuple[str, ...]
    columns: IntArray
    place: (
        slice | IntArray
    )  # the same columns, as a slice where they lie side by side: a row is written in a third of the time
    all_float: bool


class _Block(NamedTuple):
    """``n`` rows at the head of an array with room for more."""

    rows: FloatArray
    n: int

    def extended(self, more: FloatArray) -> _Block:
        n = self.n + len(more)
        rows = self.rows
        if n > len(rows):
            rows = np.empty((max(32, 2 * n), *more.shape[1:]), dtype=more.dtype)
            rows[: self.n] = self.rows[: self.n]
        rows[self.n : n] = more
        return _Block(rows, n)


class Trials:
    """All trials of a study as columns; ``len(trials)`` rows, row index == trial number.

    Arrays go out read-only. Reading a column is O(1); `raw` and `unit` are O(n d) and vectorised; `row` is O(d).
    """

    def __init__(self) -> None:
        self.info = StudyInfo("", (Goal(),), 0, math.nan)
        self.user_attrs: dict[str, Json] = {}
        self.domains: dict[str, Domain] = {}
        self.unreadable: list[str] = []  # what is wrong with facts that could not be used
        self._n = 0
        self._columns: dict[str, np.ndarray[Any, Any]] = {
            name: np.full(16, fill, dtype=kind) for name, (kind, fill) in _ROW_COLUMNS.items()
        }
        self._values = np.full((16, 1), np.nan)
        self._loss = np.full((16, 1), np.nan)
        self._raw = np.full((16, 0), np.nan)
        self._parameters: dict[str, _Parameter] = {}
        self._other_domains: dict[int, dict[str, Domain]] = {}
        self._names_of: list[tuple[str, ...]] = []
        self._samplers: list[str] = []
        self._workers: list[str] = []
        self._started: dict[str, list[int]] = {}
        self._finished: list[int] = []
        self._queue: dict[int, None] = {}
        self._fixed: dict[int, Mapping[str, Choice]] = {}
        self._attrs: dict[int, dict[str, Json]] = {}
        self._constraints: dict[int, dict[str, float]] = {}
        self._reasons: dict[int, str] = {}
        self._curves: dict[str, CurveColumns] = {}
        self._evidence = (Evidence(), Evidence())  # of the complete trials, and of those that ended otherwise
        self._best = [_NO_BEST]
        self._signs = [1.0]
        self._open: set[int] = set()
        self._last_of: dict[str, int] = {}  # the trial that a worker queued or took last
        self._lost: set[int] = set()  # failed, as their worker was lost; a result would still count
        self._attempts: dict[int, int] = {}  # of trials that were given up at least once
        self._late: dict[int, list[TrialFinished]] = {}
        self._withdrawn: dict[int, bool] = {}  # number -> whether it was deleted
        self._artifacts: dict[int | None, list[ArtifactStored]] = {}
        self._n_gaps = 0  # unreadable facts, each of which may have been a claim
        self._structure: tuple[tuple[int, ...], Structure] | None = None
        self._novel: dict[Space, Mapping[str, Domain]] = {}
        self._joint: dict[tuple[str, Domain], Space] = {}
        self._first_domains: dict[tuple[str, ...], dict[str, Domain]] = {}
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._moved: set[str] = set()
        self._n_moves = 0
        self._memo: dict[Hashable, tuple[int, Any]] = {}
        self._kept: dict[Hashable, Any] = {}
        self._folds: dict[Hashable, tuple[int, Any]] = {}
        self._blocks: dict[Hashable, _Block] = {}

    # --- reading -----------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[FrozenTrial]:
        return (self.row(number) for number in range(self._n))

    def __getitem__(self, number: int) -> FrozenTrial:
        return self.row(number + self._n if number < 0 else number)

    def __repr__(self) -> str:
        counts = np.bincount(self.state, minlength=len(TrialState))
        parts = [f"{counts[state]} {state.name.lower()}" for state in TrialState if counts[state]]
        return f"<Trials of {self.info.name!r}: {', '.join(parts) or 'none yet'}>"

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The study's goals, m of them."""
        return self.info.goals

    @property
    def seed(self) -> int:
        """The study's seed."""
        return self.info.seed

    @property
    def state(self) -> np.ndarray[Any, np.dtype[np.int8]]:
        """(n,) int8 `TrialState`."""
        return self._view(self._columns["state"])

    @property
    def values(self) -> FloatArray:
        """(n, m) values as the user sees them; NaN where the trial has not completed."""
        return self._view(self._values)

    @property
    def loss(self) -> FloatArray:
        """(n, m) minimise-oriented values; NaN where the trial has not completed."""
        return self._view(self._loss)

    @property
    def violation(self) -> FloatArray:
        """(n,) summed constraint violation; 0 is feasible."""
        return self._view(self._columns["violation"])

    @property
    def started_at(self) -> FloatArray:
        """(n,) POSIX seconds; NaN where not started."""
        return self._view(self._columns["started_at"])

    @property
    def finished_at(self) -> FloatArray:
        """(n,) POSIX seconds; NaN where not finished."""
        return self._view(self._columns["finished_at"])

    @property
    def finished(self) -> IntArray:
        """Numbers of the finished trials in the order in which they finished. O(new) amortised."""
        numbers: Any = self.per_finished("finished", lambda new: new)  # type: ignore[arg-type, return-value]
        return np.asarray(numbers)

    @property
    def n_finished(self) -> int:
        """How many trials have finished."""
        return len(self._finished)

    @property
    def names(self) -> tuple[str, ...]:
        """Every parameter seen, in the order of its first appearance."""
        return tuple(self._parameters)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric reported, in the order of its first appearance."""
        return tuple(self._curves)

    def first_domain(self, name: str) -> Domain | None:
        """The domain under which a name was first seen; None for an unknown name."""
        parameter = self._parameters.get(name)
        return parameter.first_domain if parameter else None

    def sampler_of(self, number: int) -> str:
        """The sampler that the trial needed ("" where all its parameters were given)."""
        return self._samplers[number]

    def started_by(self, name: str) -> IntArray:
        """Numbers, ascending, of the trials for which the sampler ``name`` was needed."""
        return np.array(self._started.get(name, ()), dtype=np.int64)

    def index_of_start(self, name: str, number: int) -> int:
        """How many trials below ``number`` the sampler ``name`` started: a quasi-random point's index. O(log n)."""
        return bisect_left(self._started.get(name, ()), number)

    def raw(self, space: Space, rows: IntArray | None = None) -> FloatArray:
        """(n, d) values coded in ``space``; NaN = not suggested, or outside the space's domain. O(n d).

        With ``rows`` (k,) only those, (k, d).
        """
        wanted: Any = slice(self._n) if rows is None else rows
        layout = self._layouts.get(space.names)
        if layout is not None and not self._other_domains and not self.novel_domains(space):
            return np.asarray(self._raw[wanted][:, layout.columns])
        out = np.full((self._n if rows is None else len(rows), space.n_dims), np.nan)
        for j, (name, domain) in enumerate(space.items()):
            parameter = self._parameters.get(name)
            if parameter is not None:
                out[:, j] = self._recoded(parameter, domain, self._raw[wanted, parameter.column])
        return out

    def suggested(self, names: Sequence[str]) -> BoolArray:
        """(n, d) whether a trial was given a value for each name, whatever the domain was then. O(n d)."""
        out = np.zeros((self._n, len(names)), dtype=bool)
        for j, name in enumerate(names):
            parameter = self._parameters.get(name)
            if parameter is not None:
                out[:, j] = ~np.isnan(self._raw[: self._n, parameter.column])
        return out

    def unit(self, space: Space) -> tuple[FloatArray, IntArray]:
        """X (k, d) in [0, 1] and row numbers (k,): the rows that hold every active column of ``space``. O(n d)."""
        X, holds = self.unit_of(space, np.arange(self._n))
        rows = np.flatnonzero(holds)
        return X[rows], rows

    def unit_of(self, space: Space, rows: IntArray) -> tuple[FloatArray, BoolArray]:
        """X (k, d) in [0, 1] of some rows (k,), NaN where inactive, and which of them hold every active column."""
        raw = self.raw(space, rows)
        holds = np.asarray(~(space.active(raw) & np.isnan(raw)).any(axis=1))
        return space.to_unit(space.mask(raw)), holds

    def curves(self, metric: str | None = None) -> Curves:
        """The curves of a metric, by default of the first goal; empty where it was never reported."""
        columns = self._curves.get(self.goals[0].name if metric is None else metric)
        return columns.sorted() if columns else _NO_METRIC

    def curve(self, metric: str, number: int) -> dict[int, float]:
        """One trial's values of a metric by step, ascending. O(k log k) in its k reports."""
        columns = self._curves.get(metric)
        return columns.of(number) if columns else {}

    def attrs(self, number: int) -> Mapping[str, Json]:
        """The user attributes of a trial."""
        return self._attrs.get(number, {})

    def fixed_params(self, number: int) -> Mapping[str, Choice]:
        """The parameters with which a trial was queued; empty for others."""
        return self._fixed.get(number, {})

    def is_fully_fixed(self, number: int) -> bool:
        """Whether a queued trial fixes every parameter that the study knows, so that no sampler is needed."""
        fixed = self._fixed.get(number)
        if fixed is None:
            return False
        return set(self.info.space if self.info.space is not None else self._parameters) <= set(fixed)

    def next_queued(self) -> int | None:
        """The lowest number in the queue. O(1)."""
        return next(iter(self._queue), None)

    def best(self, goal: int = 0) -> int | None:
        """The complete trial with the lowest loss among those that violate nothing; None where there is none. O(1)."""
        number = self._best[goal][1]
        return None if number < 0 else number

    def pareto(self) -> IntArray:
        """Numbers, ascending, of the complete trials without violation that no other such trial dominates. O(n^2)."""
        rows = np.flatnonzero((self.state == TrialState.COMPLETE) & (self.violation == 0))
        loss = self.loss[rows]
        keep = [not ((loss <= y).all(axis=1) & (loss < y).any(axis=1)).any() for y in loss]
        return np.asarray(rows[np.array(keep, dtype=bool)])

    @property
    def space(self) -> Space:
        """The declared space; else that of all parameters whose presence is understood. O(1) mostly."""
        if self.info.space is not None:
            return self.info.space
        structure = self.structure()
        explained = max(structure.groups, key=len, default=())
        return structure.space(explained, self.domains)

    def structure(self) -> Structure:
        """How the parameters hang together, from the complete trials (before there are any, from those that ended otherwise).

        This is how a define-by-run space is found: each group is suggested jointly. O(1) until a trial shows a new
        combination of parameters, or a value in a combination where it had not been seen.
        """
        evidence = self._evidence[0] if self._evidence[0].combinations else self._evidence[1]
        version = (*(each.version for each in self._evidence), len(self._parameters), self._n_moves)
        if self._structure is None or self._structure[0] != version:
            self._structure = (version, find_structure(evidence, self.domains))
            self._joint.clear()
        return self._structure[1]

    def joint_space(self, name: str, domain: Domain) -> Space:
        """The group to which ``name`` belongs, each with its latest domain, and ``name`` with ``domain``. O(1)."""
        structure = self.structure()
        space = self._joint.get((name, domain))
        if space is None:
            group = structure.group_of(name)
            space = structure.space(group, {**self.domains, name: domain})
            self._joint[name, domain] = space
        return space

    def is_open(self, number: int) -> bool:
        """Whether a result of the trial would count: it is queued or running, or its worker was lost."""
        return number in self._open

    @property
    def running(self) -> list[int]:
        """Numbers, ascending, of the trials that were started and have not finished."""
        return sorted(self._open - self._queue.keys() - self._lost)

    def has_finish(self, event: TrialFinished) -> bool:
        """Whether this very fact is how the trial ended, and not an earlier one by somebody else."""
        number = event.number
        ended = number not in self._open and self._columns["finished_at"].item(number) == event.at
        return ended and self._workers[number] == event.worker

    def last_of(self, worker: str) -> int:
        """The number of the trial that a worker queued or took last."""
        return self._last_of[worker]

    def worker_marked(self, mark: str) -> str | None:
        """The worker whose name ends in ``-mark`` and that took a trial last; None where there is none. O(workers)."""
        tail = f"-{mark}"
        return next((worker for worker in reversed(self._last_of) if worker.endswith(tail)), None)

    def running_of(self, worker: str) -> list[int]:
        """Numbers of the running trials that a worker holds. O(running trials)."""
        return [number for number in self.running if self._workers[number] == worker]

    def worker_of(self, number: int) -> str:
        """Who took the trial last, or brought its result; "" where nobody has."""
        return self._workers[number]

    def started_at_of(self, number: int) -> float | None:
        """When the trial was started last, in POSIX seconds; None where it was not, or that is not known."""
        at: float = self._columns["started_at"].item(number)
        return at if at == at else None

    def attempts(self, number: int) -> int:
        """How often the trial was started."""
        return self._attempts.get(number) or int(self._columns["state"].item(number) != _QUEUED)

    def late_results(self, number: int) -> tuple[TrialFinished, ...]:
        """Results that came after the trial had one, in the order of the log."""
        return tuple(self._late.get(number, ()))

    def is_withdrawn(self, number: int) -> bool:
        """Whether the trial was declared invalid or deleted."""
        return number in self._withdrawn

    def is_deleted(self, number: int) -> bool:
        """Whether the trial was deleted; its row stays, empty."""
        return self._withdrawn.get(number, False)

    def artifacts(self, number: int | None = None) -> tuple[ArtifactStored, ...]:
        """The files stored for a trial (None: for the study), in the order of the log; of one name the last counts."""
        return tuple({each.name: each for each in self._artifacts.get(number, ())}.values())

    def novel_domains(self, space: Space) -> Mapping[str, Domain]:
        """The domains of ``space`` that are not the first under which the study saw the name. O(1) when repeated.

        Raises:
            SpaceError: a parameter was a number before and is a choice now, or the other way round.
        """
        novel = self._novel.get(space)
        if novel is None:
            novel = {n: d for n, d in space.items() if self.first_domain(n) != d}
            for name, domain in novel.items():
                _check_kind(name, self.first_domain(name), domain)
            self._novel[space] = novel
        return novel

    def row(self, number: int) -> FrozenTrial:
        """One trial as a frozen record. Raises TrialStateError where there is no such number."""
        if not 0 <= number < self._n:
            raise TrialStateError(f"There is no trial {number}; this study has {self._n} trials.")
        domains = self._domains_of(number)
        values = self._values[number]
        state = _STATES[self._columns["state"][number]]
        complete = state == _COMPLETE
        curves = {metric: curve for metric, columns in self._curves.items() if (curve := columns.of(number))}
        return FrozenTrial(
            number=number,
            state=state,
            params=self._params_of(number, domains),
            values=tuple(values.tolist()) if complete else None,
            domains=domains,
            curves=curves,
            user_attrs=dict(self._attrs.get(number, {})),
            constraints=dict(self._constraints.get(number, {})),
            reason=self._reasons.get(number),
            started_at=float(self._columns["started_at"][number]),
            finished_at=float(self._columns["finished_at"][number]),
            sampler=self._samplers[number],
            worker=self._workers[number],
        )

    def where(self, mask: BoolArray) -> Trials:
        """The same table with only the finished rows of ``mask`` (n,) as evidence; numbers are kept.

        Other finished rows appear as FAILED, which samplers and checks ignore. Only the state column is copied.
        """
        view = copy.copy(self)
        state = self.state.copy()
        state[(state >= TrialState.COMPLETE) & ~mask] = TrialState.FAILED
        view._columns = {**self._columns, "state": state}
        view._finished = [number for number in self._finished if mask[number]]
        view._memo, view._folds, view._kept, view._blocks = {}, {}, {}, {}
        view._best = [view._lowest(goal) for goal in range(len(self.goals))]
        return view

    def memo(self, key: Hashable, function: Callable[[Trials], T]) -> T:
        """``function(self)``, remembered under ``key`` until another trial finishes."""
        version = len(self._finished)
        known = self._memo.get(key)
        if known is None or known[0] != version:
            known = self._memo[key] = (version, function(self))
        value: T = known[1]
        return value

    def remember(self, key: Hashable, function: Callable[[], T]) -> T:
        """``function()``, kept for good: for what depends only on the first trials that ``key`` names."""
        if key not in self._kept:
            self._kept[key] = function()
        value: T = self._kept[key]
        return value

    def fold(self, key: Hashable, start: T, step: Callable[[T, Trials, int], T]) -> T:
        """A left fold over the finished rows in order of finishing, advanced by the new ones alone.

        ``step(state, trials, number)`` must not change ``state`` in place: several readers may hold it.
        """
        done, state = self._folds.get(key, (0, start))
        for number in self._finished[done:]:
            state = step(state, self, number)
        self._folds[key] = (len(self._finished), state)
        folded: T = state
        return folded

    def per_finished(self, key: Hashable, function: Callable[[IntArray], FloatArray]) -> FloatArray:
        """(k, w): a row for each finished trial in the order of finishing, made once by ``function(numbers) -> (m, w)``.

        Amortised O(new trials); the array is read-only. For what never changes once a trial has finished. The blocks of
        the last 64 keys are kept.
        """
        k = len(self._finished)
        block = self._blocks.pop(key, None)
        done = block.n if block is not None else 0
        if block is None or done < k:
            rows = function(np.array(self._finished[done:], dtype=np.int64))
            block = (block or _Block(rows[:0], 0)).extended(rows)
        self._blocks[key] = block
        if len(self._blocks) > _MOST_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        view = block.rows[:k]
        view.flags.writeable = False
        return view

    # --- writing: the fold ---------------------------------------------------------------------------------------

    def clear(self, state: Mapping[str, Any] | None = None) -> None:
        """Forget every fact; only the study's name stays. With ``state``, become the table that had these attributes."""
        name = self.info.name
        self.__dict__.update({**Trials().__dict__, **(state or {})})
        self.info = replace(self.info, name=name)

    def apply(self, event: Event) -> None:
        """Fold one fact. Amortised O(1) (O(d) for parameters). Facts about unknown trials change nothing."""
        self.apply_all((event,))

    def apply_all(self, events: Iterable[Event]) -> None:
        """Fold facts in order. A fact that makes no sense is left out, noted in ``unreadable`` and logged."""
        apply = _APPLY
        for event in events:
            try:
                apply[type(event)](self, event)
            except _UNUSABLE as error:
                self._unreadable(Unreadable(f"{type(event).__name__}: {error}"))

    def apply_batches(self, batches: Iterable[Iterable[Event]]) -> None:
        """Fold batches of facts in order."""
        self.apply_all(chain.from_iterable(batches))

    def _unreadable(self, event: Unreadable) -> None:
        self._n_gaps += 1
        self.unreadable.append(event.reason)
        logger_of(self.info.name).warning(
            "Study %r: a fact in its log cannot be read and is left out (%s). `tunewise doctor` says more.",
            self.info.name,
            event.reason,
        )

    def _missed(self, number: int) -> bool:
        """Whether ``number`` is a trial whose claim was lost in an unreadable fact; its row is made then."""
        if not 0 <= number - self._n < self._n_gaps:
            return False
        while self._n <= number:
            self._add_row()
            self._n_gaps -= 1
            self._columns["state"][self._n - 1] = _RUNNING
        return True

    def _study_created(self, event: StudyCreated) -> None:
        self.info = StudyInfo(
            self.info.name, event.goals, event.seed, event.at, event.space, event.sampler, event.pruner,
            Lease(**event.lease) if event.lease else Lease(), event.artifacts,
        )  # fmt: skip
        n_goals = len(event.goals)
        self._values = np.full((len(self._values), n_goals), np.nan)
        self._loss = self._values.copy()
        self._signs = [goal.sign for goal in event.goals]
        self._best = [_NO_BEST] * n_goals

    def _study_noted(self, event: StudyNoted) -> None:
        self.user_attrs.update(event.attrs)

    def _space_set(self, event: SpaceSet) -> None:
        self.info = replace(self.info, space=event.space)

    def _trial_queued(self, event: TrialQueued) -> None:
        number = self._n
        if event.number not in (NEW, number):
            return
        self._add_row()
        self._queue[number] = None
        self._fixed[number] = event.params
        self._last_of[event.worker] = number
        if event.attrs:
            self._attrs[number] = dict(event.attrs)

    def _trial_started(self, event: TrialStarted) -> None:
        number = event.number
        if number < 0:
            number = next(iter(self._queue), self._n) if number == NEXT else self._n
        sampler = sys.intern(event.sampler)
        if number == self._n:
            self._add_row()
        elif number not in self._queue:
            return
        else:
            sampler = "" if self.is_fully_fixed(number) else sampler
            del self._queue[number]
        self._last_of[event.worker] = number
        self._workers[number] = sys.intern(event.worker)
        self._columns["state"][number] = _RUNNING
        self._columns["started_at"][number] = event.at
        if number in self._attempts:  # its sampler was counted the first time
            self._attempts[number] += 1
            return
        self._samplers[number] = sampler
        if sampler:
            started = self._started.setdefault(sampler, [])
            if started and started[-1] > number:
                insort(started, number)
            else:
                started.append(number)

    def _trial_released(self, event: TrialReleased) -> None:
        number = event.number
        held = number in self._open and self._workers[number] == event.worker
        if not held or self._columns["state"][number] != _RUNNING:
            return
        self._attempts.setdefault(number, 1)
        if event.queued:
            params = self._params_of(number, self._domains_of(number))
            self._fixed[number] = {**self._fixed.get(number, {}), **params}
            self._columns["state"][number] = _QUEUED
            self._queue = dict.fromkeys(sorted((*self._queue, number)))
        else:  # it stays open: a result that comes after all counts
            self._lost.add(number)
            self._columns["state"][number] = _FAILED
            self._columns["finished_at"][number] = event.at
            self._reasons[number] = event.reason

    def _trial_withdrawn(self, event: TrialWithdrawn) -> None:
        number = event.number
        if not 0 <= number < self._n:
            return
        self._withdrawn[number] = event.deleted or self._withdrawn.get(number, False)
        self._open.discard(number)
        self._lost.discard(number)
        self._queue.pop(number, None)
        if number in self._finished:
            self._finished.remove(number)
        if event.deleted:
            self._clear_row(number)
        self._columns["state"][number] = _FAILED
        self._values[number] = self._loss[number] = np.nan
        self._reasons[number] = event.reason
        self._reconsider()

    def _clear_row(self, number: int) -> None:
        self._raw[number] = np.nan
        self._names_of[number] = ()
        self._columns["violation"][number] = 0.0
        for mapping in (
            self._attrs,
            self._fixed,
            self._constraints,
            self._late,
            self._other_domains,
            self._artifacts,
        ):
            mapping.pop(number, None)
        for columns in self._curves.values():
            columns.drop(number)

    def _reconsider(self) -> None:
        """Forget what was derived from a trial that no longer counts. O(n)."""
        self._best = [self._lowest(goal) for goal in range(len(self.goals))]
        self._memo, self._kept, self._folds, self._blocks = {}, {}, {}, {}
        self._evidence, self._structure = (Evidence(), Evidence()), None
        for number in self._finished:
            state = self._columns["state"][number]
            if state != _FAILED:
                self._show_structure(number, self._evidence[state != _COMPLETE])

    def _artifact_stored(self, event: ArtifactStored) -> None:
        self._artifacts.setdefault(event.number, []).append(event)

    def _params_set(self, event: ParamsSet) -> None:
        number = event.number
        if number not in self._open and not self._missed(number):
            return
        names = tuple(event.params)
        layout = self._layouts.get(names)
        if layout is not None and not (event.domains or self._names_of[number] or self._moved):
            self._raw[number, layout.place] = tuple(event.params.values())
            self._names_of[number] = layout.names
            return
        self._set_one_by_one(event)
        known = [self._parameters[name] for name in names if name in self._parameters]
        if len(known) == len(names) and all(parameter.choices is None for parameter in known):
            columns = np.array([parameter.column for parameter in known], dtype=np.int64)
            all_float = all(isinstance(parameter.first_domain, Float) for parameter in known)
            first, n = int(columns[0]) if names else 0, len(names)
            place = slice(first, first + n) if (columns == np.arange(first, first + n)).all() else columns
            self._layouts[names] = _Layout(names, columns, place, all_float)

    def _set_one_by_one(self, event: ParamsSet) -> None:
        number = event.number
        known = self._parameters
        raw = self._raw
        for name, value in event.params.items():
            parameter = known.get(name)
            domain = event.domains.get(name) if event.domains else None
            if parameter is None:
                if domain is None:
                    continue
                parameter = self._add_parameter(name, domain)
                raw = self._raw
            elif domain is not None and domain != parameter.first_domain:
                self._other_domains.setdefault(number, {})[name] = domain
                self._move(name, domain)
            elif name in self._moved:
                self._move(name, parameter.first_domain)
            raw[number, parameter.column] = (
                value if parameter.choices is None else _code(parameter.choices, value)
            )
        names = self._names_of[number]
        added = tuple(name for name in event.params if name in known)
        self._names_of[number] = names + tuple(n for n in added if n not in names) if names else added

    def _move(self, name: str, domain: Domain) -> None:
        """Note the domain under which a name was seen last."""
        self.domains[name] = domain
        self._n_moves += 1
        if domain == self._parameters[name].first_domain:
            self._moved.discard(name)
        else:
            self._moved.add(name)

    def _params_dropped(self, event: ParamsDropped) -> None:
        if event.number not in self._open:
            return
        for name in event.names:
            if name in self._parameters:
                self._raw[event.number, self._parameters[name].column] = np.nan
        self._names_of[event.number] = tuple(n for n in self._names_of[event.number] if n not in event.names)

    def _reported(self, event: Reported) -> None:
        number, step, metrics, _ = event
        if number not in self._open and not self._missed(number):
            return
        for metric, value in metrics.items():
            columns = self._curves.get(metric)
            if columns is None:
                columns = self._curves[metric] = CurveColumns()
            columns.append(number, step, value)

    def _noted(self, event: Noted) -> None:
        if 0 <= event.number < self._n:
            self._attrs.setdefault(event.number, {}).update(event.attrs)

    def _constrained(self, event: Constrained) -> None:
        if event.number not in self._open:
            return
        constraints = self._constraints.setdefault(event.number, {})
        constraints.update(event.constraints)
        total = sum(max(0.0, c) if c == c else math.inf for c in constraints.values())
        self._columns["violation"][event.number] = total

    def _trial_finished(self, event: TrialFinished) -> None:
        number = event.number
        if number not in self._open and not self._missed(number):
            self._finished_late(event)
            return
        loss = None if event.values is None else self._loss_of(event.values)
        self._open.remove(number)
        self._lost.discard(number)
        if self._queue:
            self._queue.pop(number, None)
        if event.worker:
            self._workers[number] = sys.intern(event.worker)
        self._columns["state"][number] = event.state
        self._columns["finished_at"][number] = event.at
        if event.reason:
            self._reasons[number] = event.reason
        elif self._reasons:
            self._reasons.pop(number, None)
        self._finished.append(number)
        complete = event.state == _COMPLETE
        if complete and loss is not None:
            self._values[number] = event.values
            self._loss[number] = loss
            if number not in self._constraints or self._columns["violation"][number] == 0:
                for goal, y in enumerate(loss):
                    if y <= self._best[goal][0]:
                        self._best[goal] = min(self._best[goal], (y, number))
        if event.state != _FAILED:
            self._show_structure(number, self._evidence[not complete])

    def _finished_late(self, event: TrialFinished) -> None:
        if 0 <= event.number < self._n and not self.has_finish(event):
            self._late.setdefault(event.number, []).append(event)

    # --- helpers ---------------------------------------------------------------------------------------------------

    def _loss_of(self, values: tuple[float, ...]) -> list[float]:
        return [value * sign for value, sign in zip(values, self._signs, strict=True)]

    def _view(self, array: A) -> A:
        view: A = array[: self._n]  # type: ignore[assignment]
        view.flags.writeable = False
        return view

    def _add_row(self) -> None:
        if self._n == len(self._raw):
            self._grow()
        self._open.add(self._n)
        self._n += 1
        self._names_of.append(())
        self._samplers.append("")
        self._workers.append("")

    def _grow(self) -> None:
        n = len(self._raw)
        for name, (kind, fill) in _ROW_COLUMNS.items():
            self._columns[name] = np.concatenate([self._columns[name], np.full(n, fill, dtype=kind)])
        self._values, self._loss, self._raw = (
            np.concatenate([matrix, np.full_like(matrix, np.nan)])
            for matrix in (self._values, self._loss, self._raw)
        )

    def _add_parameter(self, name: str, domain: Domain) -> _Parameter:
        column = len(self._parameters)
        if column == self._raw.shape[1]:
            room = np.full((len(self._raw), max(4, column)), np.nan)
            self._raw = np.concatenate([self._raw, room], axis=1)
        choices = list(domain.choices) if isinstance(domain, Categorical) else None
        parameter = self._parameters[name] = _Parameter(column, domain, choices)
        self._novel.clear()
        self.domains[name] = domain
        return parameter

    def _recoded(self, parameter: _Parameter, domain: Domain, stored: FloatArray) -> FloatArray:
        if parameter.choices is None:
            if isinstance(domain, Categorical):
                return np.full(len(stored), np.nan)
            if not self._other_domains and domain == parameter.first_domain:
                return stored
            legal = (stored >= domain.low) & (stored <= domain.high)
            if domain.step is not None:
                steps = (stored - domain.low) / domain.step
                legal &= np.abs(steps - np.round(steps)) < 1e-8
            return np.where(legal, stored, np.nan)
        if not isinstance(domain, Categorical):
            return np.full(len(stored), np.nan)
        if domain.choices == tuple(parameter.choices):
            return stored
        codes = [domain.encode(c) if domain.contains(c) else np.nan for c in parameter.choices]
        table = np.array([*codes, np.nan])
        index = np.where(np.isnan(stored), len(parameter.choices), stored).astype(np.int64)
        return table[index]

    def _domains_of(self, number: int) -> Mapping[str, Domain]:
        names = self._names_of[number]
        domains = self._first_domains.get(names)
        if domains is None:
            domains = self._first_domains[names] = {n: self._parameters[n].first_domain for n in names}
        other = self._other_domains.get(number)
        return domains if other is None else {**domains, **other}

    def _params_of(self, number: int, domains: Mapping[str, Domain]) -> Params:
        layout = self._layouts.get(self._names_of[number])
        if (
            layout is not None
            and layout.all_float
            and domains is self._first_domains.get(self._names_of[number])
        ):
            return dict(zip(domains, self._raw[number, layout.columns].tolist(), strict=True))
        row = self._raw[number].tolist()
        params: Params = {}
        for name, domain in domains.items():
            _, _, choices = parameter = self._parameters[name]
            raw = row[parameter.column]
            if choices is not None:
                params[name] = choices[int(raw)]
            else:
                params[name] = raw if type(domain) is Float else domain.decode(raw)
        return params

    def _show_structure(self, number: int, evidence: Evidence) -> None:
        """Note which parameters a trial asked for, and their discrete values where there are several combinations."""
        names = self._names_of[number]
        known = evidence.combinations
        if len(known) == 1 and names not in known:
            alike = self._columns["state"][number] == _COMPLETE
            for other in self._finished[:-1]:
                state = self._columns["state"][other]
                if state != _FAILED and (state == _COMPLETE) == alike:
                    evidence.add(self._names_of[other], self._discrete_params(other))
        if len(known) > 1 or names not in known:
            evidence.add(names, self._discrete_params(number) if known else {})

    def _discrete_params(self, number: int) -> Params:
        domains = self._domains_of(number)
        return self._params_of(number, {n: d for n, d in domains.items() if d.n_values is not None})

    def _lowest(self, goal: int) -> tuple[float, int]:
        rows = np.flatnonzero((self.state == TrialState.COMPLETE) & (self.violation == 0))
        return min(zip(self.loss[rows, goal].tolist(), rows.tolist(), strict=True), default=_NO_BEST)


def _check_kind(name: str, first: Domain | None, domain: Domain) -> None:
    if first is not None and isinstance(first, Categorical) != isinstance(domain, Categorical):
        raise SpaceError(
            f"Parameter {name!r} was {first} before and is {domain} now; a parameter stays either a number or a "
            "choice. Use another name."
        )


def _code(choices: list[Choice], value: Choice) -> int:
    """The index of a choice in the union of choices, which grows when a study appends one."""
    for index, choice in enumerate(choices):
        if type(choice) is type(value) and choice == value:
            return index
    choices.append(value)
    return len(choices) - 1


_APPLY: dict[type, Callable[[Trials, Any], None]] = {
    StudyCreated: Trials._study_created,
    StudyNoted: Trials._study_noted,
    SpaceSet: Trials._space_set,
    TrialQueued: Trials._trial_queued,
    TrialStarted: Trials._trial_started,
    ParamsSet: Trials._params_set,
    ParamsDropped: Trials._params_dropped,
    Reported: Trials._reported,
    Noted: Trials._noted,
    Constrained: Trials._constrained,
    TrialFinished: Trials._trial_finished,
    TrialReleased: Trials._trial_released,
    TrialWithdrawn: Trials._trial_withdrawn,
    ArtifactStored: Trials._artifact_stored,
    Unreadable: Trials._unreadable,
}
