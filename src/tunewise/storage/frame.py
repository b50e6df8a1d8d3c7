"""Batches as they lie in a store: a body of ASCII JSON with its CRC-32, which tells a damaged one from a sound one."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from tunewise.events import Event, Unreadable, decode, encode
from tunewise.storage.log import check_size


def to_body(events: Sequence[Event]) -> tuple[str, int]:
    """(body, CRC-32) of a batch. Raises SettingError for what cannot be stored."""
    body = check_size(encode(events))
    return body, zlib.crc32(body.encode())


def from_rows(rows: Sequence[tuple[str, int | None]], first: int) -> list[list[Event]]:
    """The batches of (body, CRC-32 or None) rows at positions ``first``, ...; a damaged one as one `Unreadable`. O(size)."""
    bodies = [body for body, crc in rows if is_sound(body, crc)]
    batches = decode(bodies)
    if len(bodies) < len(rows):
        sound = iter(batches)
        batches = [next(sound) if is_sound(*row) else [Unreadable("its checksum is wrong")] for row in rows]
    for place, batch in enumerate(batches):
        if len(batch) == 1 and type(batch[0]) is Unreadable:
            batches[place] = [Unreadable(f"position {first + place}: {batch[0].reason}")]
    return batches


def is_sound(body: object, crc: int | None) -> bool:
    """Whether a body has its checksum; bodies of the first schema have none."""
    return isinstance(body, str) and (crc is None or zlib.crc32(body.encode(errors="replace")) == crc)
