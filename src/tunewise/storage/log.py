"""The one service that a storage gives: order.

A study is a sequence of batches of events; a batch is appended whole or not at all and takes one position. With
``at`` an append succeeds only if that is the next position, and raises `Conflict` otherwise: this compare-and-set
is all that parallel workers need. Everything else (who owns a trial, what counts) is settled by the fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tunewise.events import Event


class Log(Protocol):
    """Where the facts of studies are kept. Implementations are safe to use from several threads and after a fork."""

    url: str

    def read(self, study: str, start: int) -> tuple[list[Event], int]:
        """The events of all batches from position ``start`` on, and the position after the last.

        Raises:
            StudyNotFound: the study is not there.
        """
        ...

    def append(
        self, study: str, events: Sequence[Event], at: int | None = None, *, durable: bool = False
    ) -> int:
        """Append one batch and return the position after it. ``at=0`` creates the study.

        ``durable=True`` returns only when the batch would survive a power cut.

        Raises:
            Conflict: ``at`` is not the next position.
            StudyNotFound: the study is not there and ``at`` is not 0.
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
