"""How one worker's facts reach the log: each once, in order, and none lost while the storage is away.

Facts about a running trial are posted: where the storage does not answer, they are kept in memory and in a file of this
user, and the training goes on. They are delivered when the storage answers again; where the process ended before, by the
next one on this machine that opens the study. Each carries the name of its operation, so it is written once whatever
happened in between.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tunewise.errors import StorageError, StorageUnreachable
from tunewise.events import Event, decode, encode
from tunewise.loggers import logger_of
from tunewise.storage.lease import is_gone, new_worker, whereabouts
from tunewise.storage.log import Log


class _Parcel(NamedTuple):
    events: Sequence[Event]
    op: str
    durable: bool


class Delivery:
    """Appends to one study in one log, as one worker. Callers hold a lock of their own."""

    def __init__(self, log: Log, study: str) -> None:
        self._log = log
        self._study = study
        self._logger = logger_of(study)
        self.worker = new_worker()
        self._nonce = uuid.uuid4().hex[:12]
        self._count = 0
        self._waiting: deque[_Parcel] = deque()
        self._turn = threading.Lock()  # held by whoever delivers what waits
        self._change = threading.Lock()  # held while the file and what waits are brought in step
        self._file: Path | None = None

    @property
    def is_behind(self) -> bool:
        """Whether facts wait for the storage to answer."""
        return bool(self._waiting)

    @property
    def file(self) -> Path | None:
        """Where the facts that wait are kept; None where none do, or no file could be written."""
        return self._file

    def next_op(self) -> str:
        """A new name for an operation."""
        self._count += 1
        return f"{self._nonce}.{self._count:x}"

    def append(self, events: Sequence[Event], op: str, *, durable: bool = False) -> int:
        """Append after all that waits, and return the position after it.

        Raises:
            StorageUnreachable: the storage does not answer; try again with the same ``op``.
        """
        self.catch_up()
        return self._log.append(self._study, events, durable=durable, op=op)

    def post(self, events: Sequence[Event], *, durable: bool = False) -> int | None:
        """Append, and return the position after it; or keep the facts until the storage answers, and return None."""
        parcel = _Parcel(events, self.next_op(), durable)
        if not self._waiting:
            try:
                return self._log.append(self._study, events, durable=durable, op=parcel.op)
            except StorageUnreachable as error:
                self._logger.warning("%s Work goes on; results are kept until the storage answers.", error)
        self._keep(parcel)
        return None

    def catch_up(self) -> None:
        """Deliver what waits. Raises StorageUnreachable where the storage still does not answer."""
        if not self._waiting:
            return
        with self._turn:
            n = 0
            while not self._is_done():
                parcel = self._waiting[0]
                self._log.append(self._study, parcel.events, durable=parcel.durable, op=parcel.op)
                self._waiting.popleft()
                n += 1
        if n:
            self._logger.warning(
                "The storage answers again; %d batches that had been kept were delivered.", n
            )

    def adopt(self) -> None:
        """Take over what workers of this machine that are gone could not deliver, and deliver it where possible."""
        for file in waiting_files(self._log.url, self._study):
            try:
                self._deliver_file(file)
            except StorageUnreachable:
                return
            except (OSError, ValueError, LookupError, StorageError) as error:
                self._logger.warning("The results kept in %s cannot be delivered: %s", file, error)

    def _is_done(self) -> bool:
        """Whether nothing waits any more; then there is no file any more either."""
        with self._change:
            if self._waiting:
                return False
            if self._file is not None:
                self._file.unlink(missing_ok=True)
                self._file = None
            return True

    def _deliver_file(self, file: Path) -> None:
        head, *lines = file.read_text(encoding="ascii").splitlines()
        where = json.loads(head)["where"]
        if where and not is_gone(where):
            return
        for line in lines:
            try:
                op, durable, body = json.loads(line)
            except ValueError:
                break  # the last line, torn
            self._log.append(self._study, decode([body])[0], durable=durable, op=op)
        file.unlink(missing_ok=True)
        self._logger.warning(
            "%d batches that an earlier process had kept in %s were delivered.", len(lines), file
        )

    def _keep(self, parcel: _Parcel) -> None:
        with self._change:
            self._waiting.append(parcel)
            try:
                if self._file is None:
                    self._file = self._new_file()
                with self._file.open("a", encoding="ascii") as out:
                    out.write(json.dumps([parcel.op, parcel.durable, encode(parcel.events)]) + "\n")
                    out.flush()
                    if parcel.durable:
                        os.fsync(out.fileno())
            except OSError as error:
                self._logger.error(
                    "What waits for the storage cannot be kept in a file either (%s), only in memory.", error
                )

    def _new_file(self) -> Path:
        folder = _folder(self._log.url, self._study)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / f"{self.worker}.jsonl"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(json.dumps({"study": self._study, "where": whereabouts()}) + "\n")
        return file


def outbox_folder() -> Path:
    """Where facts are kept for storages that do not answer: ``TUNEWISE_STATE`` or the user's state folder."""
    given = os.environ.get("TUNEWISE_STATE")
    base = (
        Path(given)
        if given
        else Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "tunewise"
    )
    return base / "outbox"


def waiting_files(url: str, study: str) -> list[Path]:
    """The files with facts that wait for a storage to answer."""
    return sorted(_folder(url, study).glob("*.jsonl"))


def _folder(url: str, study: str) -> Path:
    return outbox_folder() / hashlib.sha256(f"{url}\n{study}".encode(errors="replace")).hexdigest()[:32]
