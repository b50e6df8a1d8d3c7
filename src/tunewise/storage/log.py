"""The one service that a storage gives: order.

A study is a sequence of batches of events; a batch is appended whole or not at all and takes one position. That is all
that parallel workers need: who owns a trial and what counts is settled by the fold, which is the same for everybody.

Beside the log lies a small map, one entry a worker: the stamp that it renews while it lives. Nothing compares clocks; a
worker is lost when its stamp stays the same (`tunewise.storage.lease`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from tunewise.errors import Conflict, SettingError
from tunewise.events import Event

MOST_BYTES = 8 * 2**20
"""The size of the largest batch; larger things belong into artifacts. It is below what any server here refuses."""

PAGE = 50_000
"""How many batches are read at once: a million trials pass through memory bit by bit."""


class Log(Protocol):
    """Where the facts of studies are kept. Implementations are safe to use from several threads and after a fork.

    Attributes:
        url: where it is, without passwords.
        generation: grows when the log may have lost its end, as a server that was started again may have; everything is
            read anew then. A log without this attribute never loses what it has acknowledged.
    """

    url: str

    def read(self, study: str, start: int, most: int = PAGE) -> list[list[Event]]:
        """The batches from position ``start`` on, ``most`` of them; the position after them is ``start + len(batches)``.

        Fewer than ``most`` are all that there are. A damaged batch is returned as one `Unreadable`, so that the others keep
        their positions.

        Raises:
            StudyNotFound: the study is not there.
        """
        ...

    def append(
        self,
        study: str,
        events: Sequence[Event],
        at: int | None = None,
        *,
        durable: bool = False,
        op: str | None = None,
    ) -> int:
        """Append one batch and return the position after it. ``at=0`` creates the study.

        ``durable=True`` returns only when the batch would survive a power cut. ``op`` names the append: sent again
        under the same name, as after a connection was lost, it is written once and gives the first position again.

        Raises:
            Conflict: ``at`` is not the next position.
            StudyNotFound: the study is not there and ``at`` is not 0.
            StorageUnreachable: whether it was written is not known; send it again with the same ``op``.
        """
        ...

    def beat(self, study: str, worker: str, stamp: str | None, look: bool = True) -> dict[str, str]:
        """Write (None: erase) the stamp of a worker; with ``look``, return the stamps of all workers of the study, else {}.

        Raises:
            StudyNotFound: the study is not there.
        """
        ...

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        ...

    def delete(self, study: str) -> None:
        """Remove a study and all its facts. Raises StudyNotFound."""
        ...

    def close(self) -> None:
        """Let go of files and connections; the log opens them again when used again."""
        ...


def pages(log: Log, study: str, start: int = 0) -> Iterator[list[list[Event]]]:
    """All batches from a position on, a page at a time; at least one page, which may be empty."""
    while True:
        batches = log.read(study, start)
        yield batches
        if len(batches) < PAGE:
            return
        start += len(batches)


def generation_of(log: Log) -> int:
    """The generation of a log; 0 where it has none."""
    return getattr(log, "generation", 0)


def taken(study: str, at: int, end: int) -> Conflict:
    """The error of an append at a position that is not the next one."""
    return Conflict(f"Position {at} of study {study!r} is taken (the next is {end}); read on.")


def is_storable(text: str) -> bool:
    """Whether every kind of store takes this as the name of something: no NUL, no half of a character."""
    return "\x00" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def check_size(body: str) -> str:
    """The body of a batch. Raises SettingError where it is larger than `MOST_BYTES`."""
    if len(body) > MOST_BYTES:
        raise SettingError(
            f"A fact of {len(body) / 2**20:.1f} MiB is too large to store; the limit is {MOST_BYTES // 2**20} MiB. "
            "Keep files and arrays as artifacts, and their names as attributes."
        )
    return body
