"""The live `Trial`: what an objective holds while it runs."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn, Protocol

from tunewise.errors import SettingError, SpaceError, TrialInfeasible
from tunewise.events import (
    ArtifactStored,
    Constrained,
    Event,
    Noted,
    ParamsDropped,
    ParamsSet,
    Reported,
    to_plain,
)
from tunewise.records import FrozenTrial
from tunewise.space import Categorical, Domain, Float, Int, Space
from tunewise.storage.artifacts import Place
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray, Json, Params


class Desk(Protocol):
    """What a live trial needs from its study."""

    def suggest(self, space: Space, number: int) -> tuple[FloatArray, int]:
        """Raw values (d,) for ``space``, and the position of the log that was folded."""
        ...

    def write(self, events: Sequence[Event]) -> None:
        """Append facts."""
        ...

    def judge(self, number: int) -> bool:
        """Whether the pruner would end the trial now."""
        ...

    def table(self) -> Trials:
        """The table as this process last folded it."""
        ...

    def now(self) -> float:
        """POSIX seconds."""
        ...

    def keep(
        self, number: int, source: str | Path | bytes, name: str | None, place: Place | None
    ) -> ArtifactStored:
        """Put a file into the place for artifacts; the fact that is still to be written."""
        ...


class Trial:
    """A running trial. Values are suggested when they are first asked for, then stay the same.

    Parameters that always appeared together in earlier trials are suggested jointly, at the first of them.

    Attributes:
        number: its place in the study, from 0.
        worker: who runs it.
        attempt: 1, or more where earlier workers of this trial were lost or interrupted. Its parameters, attributes and
            curves are those of the earlier attempts, so a training function can go on from a checkpoint.
    """

    def __init__(self, desk: Desk, number: int, worker: str = "") -> None:
        self._desk = desk
        self._table = desk.table()
        self.number = number
        self.worker = worker
        self.attempt = self._table.attempts(number)
        self._params: Params = {}
        self._ready: Params = {}  # suggested in a group, not asked for yet
        self._ready_in: dict[str, Domain] = {}
        self._fixed = dict(self._table.fixed_params(number))
        self._unwritten: ParamsSet | None = None

    def __repr__(self) -> str:
        return f"<Trial {self.number} of {self._table.info.name!r}: {self._params}>"

    # --- suggesting ------------------------------------------------------------------------------------------------

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """A real number in [low, high]; see `Float`. Raises SpaceError for an impossible range."""
        return self._suggest(name, _float(low, high, log, step))  # type: ignore[return-value]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """A whole number in low..high; see `Int`. Raises SpaceError for an impossible range."""
        return self._suggest(name, _int(low, high, log, step))  # type: ignore[return-value]

    def suggest_categorical(self, name: str, choices: Sequence[Choice], *, ordered: bool = False) -> Any:
        """One of ``choices``; see `Categorical`. Raises SpaceError for an impossible list."""
        key = tuple(choices)
        return self._suggest(name, _categorical(key, tuple(map(type, key)), ordered))

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """`suggest_float` under the name that older scripts use."""
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """`suggest_float` with ``log=True`` under the name that older scripts use."""
        return self.suggest_float(name, low, high, log=True)

    def suggest_space(self, space: Space) -> Params:
        """Suggest all active parameters of a space jointly, as `Study.ask` does for a declared space."""
        self._draw(space)
        for name in [name for name in self._ready if name in space]:
            self._params[name] = self._ready.pop(name)
        return dict(self._params)

    @property
    def params(self) -> Params:
        """The parameters suggested so far."""
        return dict(self._params)

    def _suggest(self, name: str, domain: Domain) -> Choice:
        if name in self._params:
            return self._params[name]
        ready = self._ready
        if name not in ready:
            self._draw(self._joint_space(name, domain))
        if name not in ready or (self._ready_in[name] is not domain and self._ready_in[name] != domain):
            self._draw(Space({name: domain}))
        value = self._params[name] = ready.pop(name)
        return value

    def _joint_space(self, name: str, domain: Domain) -> Space:
        """The group of parameters that ``name`` belongs to, with the domains under which they were last seen."""
        declared = self._table.info.space
        if declared is not None and declared.get(name) == domain and not self._ready and not self._params:
            return declared
        space = self._table.joint_space(name, domain)
        if self._params and not self._params.keys().isdisjoint(space):
            return Space({name: domain})
        return space

    def _draw(self, space: Space) -> None:
        """Suggest a space, honouring fixed values, and note the result."""
        novel = self._table.novel_domains(space)
        fixed = self._fixed_in(space) if self._fixed else {}
        seen = 0
        if len(fixed) < space.n_dims:
            raw, seen = self._desk.suggest(space.pinned(fixed), self.number)
        else:
            raw = space.mask(space.encode(fixed))
        params = space.decode(raw)
        self._ready.update(params)
        self._ready_in.update(space.items())
        domains = {name: domain for name, domain in novel.items() if name in params} if novel else {}
        whole = space == self._table.info.space  # then others should know of it at once
        self._note_params(params, domains, seen, alone=space.n_dims == 1 and not whole)

    def _fixed_in(self, space: Space) -> Params:
        fixed: Params = {}
        for name in space:
            if name not in self._fixed:
                continue
            if space[name].contains(self._fixed[name]):
                fixed[name] = space[name].decode(space[name].encode(self._fixed[name]))
            else:
                warnings.warn(
                    f"Trial {self.number} was queued with {name} = {self._fixed[name]!r}, which is not in "
                    f"{space[name]}; another value is suggested.",
                    stacklevel=5,
                )
        return fixed

    def _note_params(self, params: Params, domains: Mapping[str, Domain], seen: int, alone: bool) -> None:
        """Write a joint suggestion at once; keep single ones back, to write them together."""
        if not alone:
            self._flush([ParamsSet(self.number, params, domains, seen)])
            return
        old = self._unwritten
        if old is not None and old.seen == seen:
            params, domains = {**old.params, **params}, {**old.domains, **domains}
        elif old is not None:
            self._flush([])
        self._unwritten = ParamsSet(self.number, params, domains, seen, alone=True)

    # --- telling ---------------------------------------------------------------------------------------------------

    def report(self, value: float | Mapping[str, float], step: int) -> None:
        """Note metrics at a step: a number for the first goal, or a dict of named metrics.

        NaN and inf are kept as they are. A second report of a metric at the same step does not count.

        Raises:
            SettingError: a value that is no number, or a step that is no whole number >= 0.
        """
        metrics = value if isinstance(value, Mapping) else {self._table.goals[0].name: value}
        numbers = {str(name): _as_float(number, f"metric {name!r}") for name, number in metrics.items()}
        if isinstance(step, bool) or step != int(step) or step < 0:
            raise SettingError(f"The step is {step!r}; it must be a whole number >= 0.")
        self._flush([Reported(self.number, int(step), numbers, self._desk.now())])

    def should_prune(self) -> bool:
        """Whether the study's pruner would end this trial now; raise `TrialPruned` to follow it."""
        self._flush([])
        return self._desk.judge(self.number)

    def set_user_attr(self, key: str, value: Any) -> None:
        """Note something about the trial: anything that JSON can hold. Raises SettingError for others."""
        self._flush([Noted(self.number, {str(key): to_plain(value)})])

    def save_artifact(
        self, source: str | Path | bytes, name: str | None = None, place: Place | None = None
    ) -> ArtifactStored:
        """Keep a file (or bytes) with the trial: a checkpoint, a plot. See `Study.save_artifact`. O(size)."""
        stored = self._desk.keep(self.number, source, name, place)
        self._flush([stored])
        return stored

    @property
    def artifacts(self) -> tuple[ArtifactStored, ...]:
        """The files kept with the trial so far; of several under one name the last."""
        return self._table.artifacts(self.number)

    def set_constraints(self, constraints: Mapping[str, float]) -> None:
        """Note constraint values; at most 0 is satisfied, NaN is violated without bound."""
        numbers = {str(k): _as_float(c, f"constraint {k!r}") for k, c in constraints.items()}
        self._flush([Constrained(self.number, numbers)])

    def mark_infeasible(self, reason: str) -> NoReturn:
        """End the trial as diverged or impossible, a result that samplers learn from. Does not return.

        Raises:
            TrialInfeasible: always.
        """
        raise TrialInfeasible(str(reason))

    @property
    def user_attrs(self) -> dict[str, Json]:
        """The user attributes so far."""
        return dict(self._table.attrs(self.number))

    @property
    def seed(self) -> int:
        """A seed for everything random in this trial, in 0..2**31-1.

        It is a function of the study's seed and the trial number; a trial queued with the user attribute "seed"
        has that one.
        """
        given = self._table.attrs(self.number).get("seed")
        if isinstance(given, int):
            return given
        return zlib.crc32(f"{self._table.seed}/{self.number}".encode()) & 0x7FFFFFFF

    def snapshot(self) -> FrozenTrial:
        """The trial as the table has it now."""
        self._flush([])
        return self._table.row(self.number)

    def last_facts(self, complete: bool) -> list[Event]:
        """What is still to be written when the trial ends: buffered parameters, and those never asked for.

        A trial that did not complete may have ended before it asked for all of its group; those values stay, as
        the group is what diverged.
        """
        facts: list[Event] = [self._unwritten] if self._unwritten is not None else []
        self._unwritten = None
        if self._ready:
            if complete:
                facts.append(ParamsDropped(self.number, tuple(self._ready)))
            self._ready.clear()
        return facts

    def _flush(self, events: list[Event]) -> None:
        if self._unwritten is not None:
            events = [self._unwritten, *events]
            self._unwritten = None
        if events:
            self._desk.write(events)


def _remembered(make: Callable[..., Domain]) -> Callable[..., Domain]:
    """``make``, remembered by its arguments and their types: a loop over 1,000 trials asks for the same ten domains."""
    known = lru_cache(maxsize=100_000, typed=True)(make)

    def of(*arguments: Any) -> Domain:
        try:
            return known(*arguments)
        except TypeError:
            raise SpaceError(
                f"{arguments!r} cannot describe a domain; use plain numbers or choices."
            ) from None

    return of


_float = _remembered(Float)
_int = _remembered(Int)
# True == 1 == 1.0, so the types of the choices are part of what is remembered.
_categorical = _remembered(lambda choices, _types, ordered: Categorical(choices, ordered))


def _as_float(value: Any, what: str) -> float:
    if isinstance(value, str | bytes | complex):
        raise SettingError(f"The {what} is {value!r}; it must be a number.")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        raise SettingError(f"The {what} is {value!r}; it must be a number.") from None
