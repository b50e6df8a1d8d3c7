"""The few facts of which a study consists, in the past tense, and their JSON.

A fact is written as ``[tag, field, ...]``. Reading skips unknown tags and unknown trailing fields, so that an
older program can read what a newer one wrote; fields added later have defaults. Numbers that JSON cannot hold
(NaN, inf) are written as ``{"$f": "nan"}``.

A trial that is claimed or queued is not given its number by whoever writes the fact, but by its place in the log: the
number is `NEXT` or `NEW`, and every reader's fold comes to the same one. So no claim can ever conflict with another.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tunewise.errors import SettingError
from tunewise.records import Goal, TrialState
from tunewise.space import Domain, Space, domain_from_json, space_from_json
from tunewise.types import Choice, Json

NEXT = -1
"""In place of a number: the first trial in the queue, or a new one where nothing is queued."""
NEW = -2
"""In place of a number: a new trial, whatever is queued."""


class StudyCreated(NamedTuple):
    """The first fact of every study."""

    goals: tuple[Goal, ...]
    seed: int
    at: float
    space: Space | None = None
    sampler: Mapping[str, Json] = {}
    pruner: Mapping[str, Json] = {}
    lease: Mapping[str, Json] = {}
    artifacts: str | None = None


class StudyNoted(NamedTuple):
    """User attributes were set on the study."""

    attrs: Mapping[str, Json]


class SpaceSet(NamedTuple):
    """The study's declared space was replaced; it holds for trials started from here on."""

    space: Space


class TrialQueued(NamedTuple):
    """A trial with (some) fixed parameters was put in the queue, by ``worker``; ``number`` is `NEW`."""

    number: int
    params: Mapping[str, Choice]
    attrs: Mapping[str, Json]
    at: float
    worker: str = ""


class TrialStarted(NamedTuple):
    """A worker took a trial: ``number`` is `NEXT` or `NEW`. ``sampler`` counts where parameters have to be suggested."""

    number: int
    sampler: str
    worker: str
    at: float


class TrialReleased(NamedTuple):
    """``worker`` gave a trial up, or was lost: it is queued again with its parameters, or it failed.

    A result that its worker still brings counts as long as there is no other.
    """

    number: int
    worker: str
    queued: bool
    reason: str
    at: float


class ParamsSet(NamedTuple):
    """Parameters were given values.

    ``domains`` holds those that differ from the first domain under which the study saw the name.
    ``seen`` is the position of the log that the sampler had folded: folding to there replays the suggestion.
    They were suggested jointly, or, with ``alone``, one by one.
    """

    number: int
    params: Mapping[str, Choice]
    domains: Mapping[str, Domain]
    seen: int
    alone: bool = False


class ParamsDropped(NamedTuple):
    """Parameters that had been suggested in a group turned out not to be used by the objective."""

    number: int
    names: tuple[str, ...]


class Reported(NamedTuple):
    """Metrics were measured at a step."""

    number: int
    step: int
    metrics: Mapping[str, float]
    at: float


class Noted(NamedTuple):
    """User attributes were set on a trial."""

    number: int
    attrs: Mapping[str, Json]


class Constrained(NamedTuple):
    """Constraint values were set on a trial; at most 0 is satisfied."""

    number: int
    constraints: Mapping[str, float]


class TrialFinished(NamedTuple):
    """A trial ended. ``worker`` brought the result; ``started_at`` repeats when the trial was taken, for SQL."""

    number: int
    state: TrialState
    values: tuple[float, ...] | None
    reason: str | None
    at: float
    worker: str = ""
    started_at: float | None = None


class TrialWithdrawn(NamedTuple):
    """A trial no longer counts: it was invalid, or (``deleted``) its content is not to be shown any more."""

    number: int
    deleted: bool
    reason: str
    at: float


class ArtifactStored(NamedTuple):
    """A file of a trial (of the study where ``number`` is None) was put under ``key`` in the artifact store."""

    number: int | None
    name: str
    key: str
    bytes: int
    sha256: str
    at: float


class Unreadable(NamedTuple):
    """In place of a batch that is damaged: what is wrong with it. Made on reading; written only into a copy of the study."""

    reason: str


Event = (
    StudyCreated
    | StudyNoted
    | SpaceSet
    | TrialQueued
    | TrialStarted
    | ParamsSet
    | ParamsDropped
    | Reported
    | Noted
    | Constrained
    | TrialFinished
    | TrialReleased
    | TrialWithdrawn
    | ArtifactStored
    | Unreadable
)


def encode(events: Iterable[Event]) -> str:
    """One batch of events as a line of JSON. Raises SettingError for what JSON cannot hold."""
    rows = [[_TAGS[type(event)], *_WRITERS.get(type(event), tuple)(event)] for event in events]
    try:
        return json.dumps(rows, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_tagged(rows), separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise SettingError(
            f"An attribute cannot be stored: {error}. Use None, bool, int, float, str, list, dict."
        ) from None


def decode(bodies: Sequence[str]) -> list[list[Event]]:
    """The events of each batch, in order; a batch that is damaged becomes one `Unreadable`. O(size)."""
    batches: list[list[Event]] = []
    for start in range(0, len(bodies), _AT_ONCE):
        batches += _decode(bodies[start : start + _AT_ONCE])
    return batches


def _decode(bodies: Sequence[str]) -> list[list[Event]]:
    try:
        batches = parse("[" + ",".join(bodies) + "]")
        if len(batches) != len(bodies):
            raise ValueError("a batch is not one JSON list")
        return _events_of(batches)
    except _BAD_BODY as error:
        if len(bodies) == 1:
            return [[Unreadable(f"{type(error).__name__}: {error}"[:200])]]
    return [batch for body in bodies for batch in _decode([body])]


def decode_rows(batches: Sequence[Json]) -> list[list[Event]]:
    """The same of batches that `parse` has made of their JSON."""
    try:
        return _events_of(batches)
    except _BAD_BODY as error:
        if len(batches) == 1:
            return [[Unreadable(f"{type(error).__name__}: {error}"[:200])]]
    return [events for batch in batches for events in decode_rows([batch])]


def parse(text: str) -> Any:
    """JSON with the numbers that it cannot hold. Raises ValueError."""
    return json.loads(text, object_hook=_untagged) if '"$f"' in text else json.loads(text)


def _events_of(batches: Sequence[Any]) -> list[list[Event]]:
    if not all(type(batch) is list for batch in batches):
        raise ValueError("a batch is not one JSON list")
    readers = _READERS
    found = []
    for batch in batches:
        events = []
        for row in batch:
            event = readers.get(row[0], _skip)(row)
            if event is not None:
                events.append(event)
        found.append(events)
    return found


def to_plain(value: Any) -> Json:
    """Turn numpy scalars, arrays, tuples and sets inside a user's attribute into plain JSON values.

    Raises:
        SettingError: something that JSON cannot hold.
    """
    if value is None or isinstance(value, bool | str | float | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return to_plain(value.tolist())
    raise SettingError(
        f"{value!r} ({type(value).__name__}) cannot be stored as an attribute; "
        "use None, bool, int, float, str, list or dict."
    )


def _tagged(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"$f": repr(value)}
    if isinstance(value, Mapping):
        return {key: _tagged(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tagged(item) for item in value]
    return value


def _untagged(value: dict[str, Any]) -> Any:
    return float(value["$f"]) if len(value) == 1 and value.get("$f") in _NOT_JSON else value


def _write_created(event: StudyCreated) -> list[Json]:
    goals = [[goal.name, goal.direction] for goal in event.goals]
    space = event.space.to_json() if event.space is not None else None
    return [goals, event.seed, event.at, space, dict(event.sampler), dict(event.pruner), dict(event.lease),
            *([] if event.artifacts is None else [event.artifacts])]  # fmt: skip


def _read_created(row: Sequence[Json]) -> StudyCreated:
    goals = tuple(Goal(name, direction) for name, direction in row[1])
    space = space_from_json(row[4]) if row[4] is not None else None
    return StudyCreated(goals, row[2], row[3], space, *row[5:9])


def _write_params(event: ParamsSet) -> list[Json]:
    domains = {name: domain.to_json() for name, domain in event.domains.items()}
    return [event.number, event.params, domains, event.seen, *([1] if event.alone else [])]


def _read_params(row: Sequence[Json]) -> ParamsSet:
    domains = {name: domain_from_json(domain) for name, domain in row[3].items()} if row[3] else row[3]
    return ParamsSet(row[1], row[2], domains, row[4], len(row) > 5)


def _read_finished(row: Sequence[Json]) -> TrialFinished:
    values = tuple(row[3]) if row[3] is not None else None
    return TrialFinished(row[1], _STATES[row[2]], values, *row[4:8])


def _skip(_row: Sequence[Json]) -> None:
    return None


def _make(kind: Any) -> Callable[[Sequence[Json]], Event]:
    length = len(kind._fields) + 1
    new = (
        tuple.__new__
    )  # a million events go through here; the class's own constructors cost three times as much
    return lambda row: new(kind, row[1:]) if len(row) == length else kind(*row[1:length])


_AT_ONCE = 1_000  # batches that are parsed together: their parts stay in the processor's cache
_NOT_JSON = ("nan", "inf", "-inf")
_STATES = tuple(TrialState)
_BAD_BODY = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
_TAGS: dict[type, str] = {
    StudyCreated: "study",
    StudyNoted: "study+",
    SpaceSet: "space",
    TrialQueued: "queue",
    TrialStarted: "start",
    ParamsSet: "params",
    ParamsDropped: "params-",
    Reported: "report",
    Noted: "note",
    Constrained: "constrain",
    TrialFinished: "finish",
    TrialReleased: "release",
    TrialWithdrawn: "withdraw",
    ArtifactStored: "artifact",
    Unreadable: "damaged",
}
_WRITERS: dict[type, Callable[[Any], Iterable[Json]]] = {
    StudyCreated: _write_created,
    SpaceSet: lambda event: [event.space.to_json()],
    ParamsSet: _write_params,
    TrialFinished: lambda event: [event.number, int(event.state), *event[2:]],
}
_READERS: dict[str, Callable[[Sequence[Json]], Event | None]] = {
    **{tag: _make(kind) for kind, tag in _TAGS.items()},
    "study": _read_created,
    "space": lambda row: SpaceSet(space_from_json(row[1])),
    "params": _read_params,
    "params-": lambda row: ParamsDropped(row[1], tuple(row[2])),
    "finish": _read_finished,
}
