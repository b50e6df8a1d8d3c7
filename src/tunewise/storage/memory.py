"""Facts in a list, for as long as the process lives."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from tunewise.errors import StudyNotFound
from tunewise.events import Event
from tunewise.storage.log import PAGE, taken


class _Kept:
    """One study: its batches, the positions of named appends, the stamps of its workers."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.ops: dict[str, int] = {}
        self.stamps: dict[str, str] = {}


class MemoryLog:
    """A `Log` in memory. Appending is O(1), reading O(new batches). A fork gets a copy of its own."""

    url = "memory"

    def __init__(self) -> None:
        self._studies: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def read(self, study: str, start: int, most: int = PAGE) -> list[list[Event]]:
        """The batches from position ``start`` on, ``most`` of them."""
        return self._of(study).batches[start : start + most]

    def append(
        self,
        study: str,
        events: Sequence[Event],
        at: int | None = None,
        *,
        durable: bool = False,
        op: str | None = None,
    ) -> int:
        """Append one batch; ``durable`` means nothing here."""
        with self._lock:
            kept = self._studies.setdefault(study, _Kept()) if at == 0 else self._of(study)
            batches = kept.batches
            if op is not None and op in kept.ops:
                return kept.ops[op]
            if at is not None and at != len(batches):
                raise taken(study, at, len(batches))
            if op is not None:
                kept.ops[op] = len(batches) + 1
            batches.append(list(events))
            return len(batches)

    def beat(self, study: str, worker: str, stamp: str | None, look: bool = True) -> dict[str, str]:
        """Write or erase a stamp; with ``look``, all stamps."""
        with self._lock:
            stamps = self._of(study).stamps
            if stamp is None:
                stamps.pop(worker, None)
            else:
                stamps[worker] = stamp
            return dict(stamps) if look else {}

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        return list(self._studies)

    def delete(self, study: str) -> None:
        """Remove a study."""
        with self._lock:
            self._of(study)
            del self._studies[study]

    def close(self) -> None:
        """Nothing is held."""

    def _of(self, study: str) -> _Kept:
        try:
            return self._studies[study]
        except KeyError:
            raise StudyNotFound(f"There is no study {study!r} in memory; create it first.") from None
