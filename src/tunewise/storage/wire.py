"""Facts from strangers: what comes over the wire is held to its types before anything else sees it.

What lies in our own stores is trusted (a checksum tells whether it is damaged); a server cannot trust its clients.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tunewise.errors import SettingError
from tunewise.events import Event, Unreadable, decode, encode
from tunewise.types import Json

_MOST_NUMBER = 2**53


def from_json(rows: Json) -> list[Event]:
    """The events of one batch, from JSON that was parsed already.

    Raises:
        SettingError: something is no fact, or has a field of the wrong type. The message says where.
    """
    if not isinstance(rows, list) or not rows:
        raise SettingError("A batch must be a list of at least one fact.")
    for place, row in enumerate(rows):
        _check(place, row)
    (events,) = decode([encode_rows(rows)])
    if len(events) != len(rows) or any(
        type(event) is Unreadable and row[0] != "damaged" for event, row in zip(events, rows, strict=True)
    ):
        raise SettingError("A fact cannot be read.")
    encode(events)  # raises SettingError for what could be read but not stored
    return events


def encode_rows(rows: Json) -> str:
    """Rows as the body of a batch. Raises SettingError for numbers that JSON cannot hold."""
    try:
        return json.dumps(rows, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise SettingError(f"A batch cannot be read: {error}.") from None


def _check(place: int, row: Json) -> None:
    if not isinstance(row, list) or not row or not isinstance(row[0], str):
        raise SettingError(f"Fact {place} must be a list that begins with its kind.")
    fields = _FIELDS.get(row[0])
    if fields is None:
        raise SettingError(
            f"Fact {place} is of the unknown kind {row[0][:40]!r}; upgrade the server's tunewise."
        )
    n_needed = sum(not optional for _, _, optional in fields)
    if not n_needed <= len(row) - 1 <= len(fields):
        raise SettingError(
            f"Fact {place} ({row[0]}) has {len(row) - 1} fields; it needs {n_needed}..{len(fields)}."
        )
    for (name, is_right, _), value in zip(fields, row[1:], strict=False):
        if not is_right(value):
            raise SettingError(f"Fact {place} ({row[0]}): {name} is {str(value)[:60]!r}, which it cannot be.")


def _is_int(value: Json) -> bool:
    return type(value) is int and -_MOST_NUMBER <= value <= _MOST_NUMBER


def _is_number(value: Json) -> bool:
    return type(value) is int or type(value) is float or _is_tagged(value)


def _is_tagged(value: Json) -> bool:
    return isinstance(value, dict) and set(value) == {"$f"} and value["$f"] in ("nan", "inf", "-inf")


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_maybe_text(value: Json) -> bool:
    return value is None or isinstance(value, str)


def _is_flag(value: Json) -> bool:
    return isinstance(value, bool) or (type(value) is int and value in (0, 1))


def _is_trial(value: Json) -> bool:
    return _is_int(value) and value >= 0


def _is_claim(value: Json) -> bool:
    return _is_int(value) and value >= -2


def _is_choice(value: Json) -> bool:
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _is_map_of(is_right: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: (
        isinstance(value, dict) and not _is_tagged(value) and all(map(is_right, value.values()))
    )


def _is_list_of(is_right: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))


def _is_maybe(is_right: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: value is None or is_right(value)


def _is_goal(value: Json) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and value[1] in ("minimize", "maximize")
    )


def _is_anything(_value: Json) -> bool:
    return True


_Check = tuple[str, Callable[[Any], bool]]


def _fields(
    *needed: _Check, optional: tuple[_Check, ...] = ()
) -> tuple[tuple[str, Callable[[Any], bool], bool], ...]:
    return (*((*field, False) for field in needed), *((*field, True) for field in optional))


_NUMBER, _CLAIM, _AT, _WORKER = (
    ("number", _is_trial),
    ("number", _is_claim),
    ("at", _is_number),
    ("worker", _is_text),
)
_ATTRS = ("attrs", _is_map_of(_is_anything))
_SPACE = ("space", _is_maybe(lambda value: isinstance(value, dict)))
_FIELDS = {
    "study": _fields(
        ("goals", lambda value: _is_list_of(_is_goal)(value) and len(value) > 0),
        ("seed", lambda value: type(value) is int and 0 <= value < 2**64),
        _AT, _SPACE, ("sampler", _ATTRS[1]), ("pruner", _ATTRS[1]),
        optional=(("lease", _ATTRS[1]), ("artifacts", _is_maybe_text)),
    ),
    "study+": _fields(_ATTRS),
    "space": _fields(("space", lambda value: isinstance(value, dict))),
    "queue": _fields(_CLAIM, ("params", _is_map_of(_is_choice)), _ATTRS, _AT, optional=(_WORKER,)),
    "start": _fields(_CLAIM, ("sampler", _is_text), _WORKER, _AT),
    "params": _fields(
        _NUMBER, ("params", _is_map_of(_is_choice)), ("domains", _is_map_of(lambda value: isinstance(value, dict | list))),
        ("seen", _is_trial), optional=(("alone", _is_flag),),
    ),
    "params-": _fields(_NUMBER, ("names", _is_list_of(_is_text))),
    "report": _fields(_NUMBER, ("step", _is_trial), ("metrics", _is_map_of(_is_number)), _AT),
    "note": _fields(_NUMBER, _ATTRS),
    "constrain": _fields(_NUMBER, ("constraints", _is_map_of(_is_number))),
    "finish": _fields(
        _NUMBER, ("state", lambda value: type(value) is int and 2 <= value <= 5),
        ("values", _is_maybe(_is_list_of(_is_number))), ("reason", _is_maybe_text), _AT,
        optional=(_WORKER, ("started_at", _is_maybe(_is_number))),
    ),
    "release": _fields(_NUMBER, _WORKER, ("queued", _is_flag), ("reason", _is_text), _AT),
    "withdraw": _fields(_NUMBER, ("deleted", _is_flag), ("reason", _is_text), _AT),
    "artifact": _fields(
        ("number", _is_maybe(_is_trial)), ("name", _is_text), ("key", _is_text), ("bytes", _is_trial),
        ("sha256", _is_text), _AT,
    ),
    "damaged": _fields(("reason", _is_text)),
}  # fmt: skip
