"""Facts in a list, for as long as the process lives."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from tunewise.errors import Conflict, StudyNotFound
from tunewise.events import Event


class MemoryLog:
    """A `Log` in memory. Appending is O(1), reading O(new events)."""

    url = "memory"

    def __init__(self) -> None:
        self._studies: dict[str, list[Sequence[Event]]] = {}
        self._lock = threading.Lock()

    def read(self, study: str, start: int) -> tuple[list[Event], int]:
        """The events from batch ``start`` on, and the next position."""
        batches = self._batches(study)
        end = len(batches)
        return [event for batch in batches[start:end] for event in batch], end

    def append(
        self, study: str, events: Sequence[Event], at: int | None = None, *, durable: bool = False
    ) -> int:
        """Append one batch; ``durable`` means nothing here."""
        with self._lock:
            if at == 0:
                batches = self._studies.setdefault(study, [])
            else:
                batches = self._batches(study)
            if at is not None and at != len(batches):
                raise Conflict(
                    f"Position {at} of study {study!r} is taken (the next is {len(batches)}); read on."
                )
            batches.append(events)
            return len(batches)

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        return list(self._studies)

    def delete(self, study: str) -> None:
        """Remove a study."""
        with self._lock:
            self._batches(study)
            del self._studies[study]

    def close(self) -> None:
        """Nothing is held."""

    def _batches(self, study: str) -> list[Sequence[Event]]:
        try:
            return self._studies[study]
        except KeyError:
            raise StudyNotFound(f"There is no study {study!r} in memory; create it first.") from None
