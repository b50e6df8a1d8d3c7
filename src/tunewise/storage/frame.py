"""Batches as they lie in a store: a body of ASCII JSON with its CRC-32, which tells a damaged one from a sound one."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

from tunewise.events import Event, Unreadable, decode, encode
from tunewise.storage.log import check_size

_DAMAGED: Event = Unreadable("it is damaged")


def to_body(events: Sequence[Event]) -> tuple[str, int]:
    """(body, CRC-32) of a batch. Raises SettingError for what cannot be stored."""
    body = check_size(encode(events))
    return body, zlib.crc32(body.encode())


def from_places(
    rows: Sequence[tuple[int, str, int | None]], first: int, most: int, end: int | None = None
) -> list[list[Event]]:
    """The batches at positions ``first``, ..., ``most`` of them, of (position, body, CRC-32 or None) rows in order.

    They end with the last row, or before the store's ``end``. One that is not there is damaged, so the others keep their
    positions: nothing is folded twice, and the next batch goes where the store puts it.
    """
    if end is None:
        end = rows[-1][0] + 1 if rows else first
    end = max(first, min(end, first + most))
    if len(rows) == end - first and (not rows or rows[-1][0] == end - 1):  # none is missing
        return from_rows([row[1:] for row in rows], first)
    found = {position: (body, crc) for position, body, crc in rows}
    return from_bodies(
        [
            found[place][0] if place in found and is_sound(*found[place]) else None
            for place in range(first, end)
        ],
        first,
    )


def from_rows(rows: Sequence[tuple[str, int | None]], first: int) -> list[list[Event]]:
    """The batches of (body, CRC-32 or None) rows at positions ``first``, ... O(size)."""
    return from_bodies([body if is_sound(body, crc) else None for body, crc in rows], first)


def from_bodies(
    bodies: Sequence[Any], first: int, read: Callable[[Sequence[Any]], list[list[Event]]] = decode
) -> list[list[Event]]:
    """The batches of bodies at positions ``first``, ...; a damaged one (None, or no JSON) as one `Unreadable`. O(size).

    With ``read=decode_rows``, of bodies that were parsed already.
    """
    sound = iter(read([body for body in bodies if body is not None]))
    batches = [next(sound) if body is not None else [_DAMAGED] for body in bodies]
    for place, batch in enumerate(batches):
        if len(batch) == 1 and type(batch[0]) is Unreadable and not batch[0].reason.startswith("position "):
            batches[place] = [Unreadable(f"position {first + place}: {batch[0].reason}")]
    return batches


def is_sound(body: object, crc: int | None) -> bool:
    """Whether a body has its checksum; bodies of the first schema have none."""
    return isinstance(body, str) and (crc is None or zlib.crc32(body.encode("utf-8", "replace")) == crc)
