"""Facts in a folder, for network disks: nothing is ever locked, so no lock can be left behind.

A batch is a file, numbered by its position. It is written whole under a temporary name and then given its number by
link(2), which fails where the number is taken: the one compare-and-set that network file systems keep. A number that was
given once is never free again. A full block of batches is compacted into one segment file, under which all its numbers
become names of that one file, so that old batches cost no inodes and are read at once::

    tunewise.json                 what this folder is, and its version
    studies/KEY                   name of a study (KEY is its hash) and the folder of its log
    logs/ID/000000/0000 ...       batches, 1,024 a block; a block that is full: 000000.seg
    logs/ID/stamps/               who is alive
    logs/ID/tmp/                  files that are being written; what a killed process left there harms nobody
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tunewise.errors import StorageError, StorageUnreachable, StudyNotFound
from tunewise.events import Event
from tunewise.storage.fork import renew_after_fork
from tunewise.storage.frame import from_bodies, to_body
from tunewise.storage.log import PAGE, taken
from tunewise.storage.records_file import (
    Record,
    look_again,
    read_records,
    segment,
    sync_folder,
    to_bytes,
    write_file,
)
from tunewise.storage.version import check_version

VERSION = 1
BLOCK = 1024
_MOST_TOKENS = 16 * BLOCK
_FORMAT = "tunewise directory log"
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV, errno.EMLINK}


class _Place:
    """What a handle knows of one study: the folder of its log, the end, and the recent operations with their positions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._prefix = f"{folder}{os.sep}"
        self.end = 0
        self.tokens: dict[str, int] = {}
        self.unsynced: list[str] = []
        self.safe_block = 0  # blocks up to here have their names, and those before them theirs, on disk
        self.bodies: dict[int, str] = {}  # of batches met on the way of an append, for the next reader

    def keep(self, position: int, bodies: Sequence[str | None]) -> None:
        """Keep the bodies of batches from a position on, but for large ones, for whoever reads next."""
        if len(self.bodies) > BLOCK:
            self.bodies.clear()
        self.bodies.update((p, body) for p, body in enumerate(bodies, position) if body and len(body) < 2**14)

    def block(self, position: int) -> str:
        """The folder of a position's block. These are strings, as each append and each batch read makes several."""
        return f"{self._prefix}{position // BLOCK:06d}"

    def file(self, position: int) -> str:
        """Where the batch at a position is, or will be."""
        return f"{self._prefix}{position // BLOCK:06d}/{position % BLOCK:04d}"

    def temporary(self) -> str:
        """A name for a file that is being written."""
        return f"{self._prefix}tmp/{uuid.uuid4().hex}"

    def see(self, position: int, token: str) -> None:
        """Note that a position is taken."""
        self.end = max(self.end, position + 1)
        self.tokens[token] = position
        if len(self.tokens) > 2 * _MOST_TOKENS:
            self.tokens = dict(list(self.tokens.items())[_MOST_TOKENS:])


class DirectoryLog:
    """A `Log` in a folder, for one or many machines.

    Appending is O(1) and a handful of file operations; reading O(new batches), and one file a block of old ones. An
    operation that is sent again is recognised among the last 1,024 batches and all that this handle has read.

    Raises:
        StorageError: the folder is missing (with ``create=False``), holds something else, or comes from a newer tunewise.
    """

    def __init__(self, folder: Path, *, create: bool = True, durable: bool = True) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.url = f"dir:{self.folder}"
        self._durable = durable
        self._places: dict[str, _Place] = {}
        self.renew()
        renew_after_fork(self)
        with self._errors():
            self._check_place(create)

    def renew(self) -> None:
        """A new lock, in the child of a fork."""
        self._lock = threading.RLock()

    def read(self, study: str, start: int, most: int = PAGE) -> list[list[Event]]:
        """The batches from position ``start`` on, ``most`` of them."""
        with self._errors(), self._lock:
            place = self._place(study)
            bodies = self._read_on(study, place, start, most)
        return from_bodies(bodies[:most], start)

    def append(
        self,
        study: str,
        events: Sequence[Event],
        at: int | None = None,
        *,
        durable: bool = False,
        op: str | None = None,
    ) -> int:
        """Append one batch: one file written, linked, and its temporary name removed."""
        body, _ = to_body(events)
        token = op or uuid.uuid4().hex
        durable = durable and self._durable
        with self._errors(), self._lock:
            if at == 0:
                return self._create(study, body, token, durable)
            place = self._place(study)
            if op is not None and (op in place.tokens or self._was_done(study, place, op)):
                return place.tokens[op] + 1
            temporary = place.temporary()
            try:
                write_file(temporary, to_bytes(body, token), durable)
                position = self._link(study, place, temporary, token, at)
            except FileNotFoundError:
                raise self._missing(study) from None
            finally:
                with suppress(OSError):
                    Path(temporary).unlink()
            place.keep(position, [body])
            self._make_durable(place, position, durable)
            if position % BLOCK == BLOCK - 1:
                self._compact(place, position // BLOCK)
        return position + 1

    def beat(self, study: str, worker: str, stamp: str | None, look: bool = True) -> dict[str, str]:
        """Write or erase a stamp; with ``look``, all stamps: O(workers) small files."""
        with self._errors(), self._lock:
            folder = self._place(study).folder / "stamps"
            file = folder / hashlib.sha256(worker.encode(errors="replace")).hexdigest()[:24]
            try:
                if stamp is None:
                    file.unlink(missing_ok=True)
                else:
                    temporary = folder.parent / "tmp" / uuid.uuid4().hex
                    write_file(temporary, json.dumps([worker, stamp]).encode(), False)
                    temporary.replace(file)
                found = [name.read_text() for name in folder.iterdir()] if look else []
            except FileNotFoundError:
                if not look_again(folder):
                    raise self._missing(study) from None
                found = self._texts(folder)
        return dict(json.loads(text) for text in found)

    def studies(self) -> list[str]:
        """The names of all studies, in the order of creation."""
        with self._errors():
            heads = [json.loads(text) for text in self._texts(self.folder / "studies")]
        return [head["name"] for head in sorted(heads, key=lambda head: head["at"])]

    def delete(self, study: str) -> None:
        """Remove a study: first its name, then its facts."""
        with self._errors(), self._lock:
            place = self._place(study, known=False)
            self._head(study).unlink(missing_ok=True)
            self._places.pop(study, None)
            gone = self.folder / "tmp" / place.folder.name
            with suppress(FileNotFoundError):
                place.folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def close(self) -> None:
        """Nothing is held open."""

    # --- what `tunewise doctor` asks -------------------------------------------------------------------------------

    def leftovers(self, seconds: float = 3600.0) -> list[Path]:
        """Temporary files that nobody has touched for a while; their processes were killed."""
        with self._errors():
            files = [*self.folder.glob("tmp/*"), *self.folder.glob("logs/*/tmp/*")]
            return [each for each in files if each.is_file() and each.stat().st_mtime < time.time() - seconds]

    def missing(self, study: str) -> list[int]:
        """The positions before the last batch that have no file; a reader stops at the first of them."""
        with self._errors(), self._lock:
            folder = self._place(study).folder
            there: set[int] = set()
            for block in (each for each in folder.iterdir() if each.name[:6].isdigit()):
                first = int(block.name[:6]) * BLOCK
                if block.suffix == ".seg":
                    there |= set(range(first, first + BLOCK))
                else:
                    there |= {first + int(each.name) for each in block.iterdir()}
            last = max(there, default=-1)
            return sorted(set(range(last)) - there)

    def mark_lost(self, study: str, positions: Sequence[int]) -> None:
        """Have a reader take the batches at missing positions for damaged ones, and go on."""
        with self._errors(), self._lock:
            place = self._place(study)
            for position in positions:
                Path(place.block(position)).mkdir(exist_ok=True)
                with suppress(FileExistsError):
                    write_file(place.file(position), b"", durable=True)

    # --- one append ------------------------------------------------------------------------------------------------

    def _create(self, study: str, body: str, token: str, durable: bool) -> int:
        place = _Place(self.folder / "logs" / uuid.uuid4().hex)
        for part in ("000000", "stamps", "tmp"):
            (place.folder / part).mkdir(parents=True)
        write_file(place.file(0), to_bytes(body, token), durable)
        head = place.folder / "tmp" / "head"
        about = {"name": study, "log": place.folder.name, "at": time.time_ns()}
        write_file(head, json.dumps(about).encode(), durable)
        try:
            os.link(head, self._head(study))
        except FileExistsError:
            shutil.rmtree(place.folder, ignore_errors=True)
            known = self._place(study, known=False)
            self._read_on(study, known, 0)
            if known.tokens.get(token) == 0:
                return 1
            raise taken(study, 0, known.end) from None
        head.unlink(missing_ok=True)
        if durable:
            for folder in (place.block(0), place.folder, place.folder.parent, self._head(study).parent):
                sync_folder(folder)
        place.see(0, token)
        self._places[study] = place
        return 1

    def _link(self, study: str, place: _Place, temporary: str, token: str, at: int | None) -> int:
        """Give a file the next position (or ``at``), and return it."""
        if place.end == 0 or at is not None:
            self._find_end(study, place)
        if at is not None and at != place.end:
            raise taken(study, at, place.end)
        while True:
            position = place.end
            try:
                if position % BLOCK == 0:
                    Path(place.block(position)).mkdir(exist_ok=True)
                os.link(temporary, place.file(position))
            except FileExistsError:
                place.keep(position, self._read_on(study, place, position))
                if place.tokens.get(token, -1) >= position:  # ours: the answer to an earlier request was lost
                    return place.tokens[token]
                if at is not None:
                    raise taken(study, at, place.end) from None
                continue
            place.see(position, token)
            return position

    def _was_done(self, study: str, place: _Place, op: str) -> bool:
        """Whether an operation is among those that this handle has not seen yet, or among the last `BLOCK`."""
        if place.end == 0:
            self._find_end(study, place)
            self._read_on(study, place, max(0, place.end - BLOCK))
        return op in place.tokens

    def _make_durable(self, place: _Place, position: int, durable: bool) -> None:
        """Sync a batch's name, and what this handle wrote before it, so that their order survives a power cut."""
        if not durable:
            place.unsynced.append(place.file(position))
            return
        for file in place.unsynced:
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        place.unsynced.clear()
        block = position // BLOCK
        if block > place.safe_block:  # of a new block, whoever made it
            sync_folder(place.folder)
            for earlier in range(place.safe_block, block):
                sync_folder(place.block(earlier * BLOCK))
            place.safe_block = block
        sync_folder(place.block(position))

    # --- reading ---------------------------------------------------------------------------------------------------

    def _read_on(self, study: str, place: _Place, start: int, most: float = math.inf) -> list[str | None]:
        """The bodies of the batches from ``start`` on, at least ``most`` or all, None for those that are damaged."""
        bodies: list[str | None] = []
        if not look_again(place.block(start)) and not look_again(place.folder):
            self._places.pop(study, None)
            raise self._missing(study)
        while len(bodies) < most:
            position = start + len(bodies)
            if position in place.bodies:
                bodies.append(place.bodies.pop(position))
                continue
            records = self._records_at(place, position)
            if records is None:
                place.end = max(place.end, position)
                break
            last = max((record.position for record in records), default=position)
            known = {record.position: record for record in records}
            for number in range(position, last + 1):
                record = known.get(number)
                bodies.append(None if record is None else record.body)
                if record is not None:
                    place.see(number, record.token)
        return bodies

    def _records_at(self, place: _Place, position: int) -> list[Record] | None:
        """The batch at a position, and those after it where they lie in the same file; None past the end."""
        if position % BLOCK == 0 or position + 1 < place.end:  # far from the end: perhaps in a segment
            with suppress(FileNotFoundError):
                return read_records(f"{place.block(position)}.seg", position)
        try:
            return read_records(place.file(position), position)
        except FileNotFoundError:
            return None

    def _find_end(self, study: str, place: _Place) -> None:
        """Find the next position from the names of the last block."""
        position = place.end
        if position == 0:
            blocks = sorted(each.name for each in os.scandir(place.folder) if each.name.isdigit())
            for block in reversed(blocks):
                names = [int(each.name) for each in os.scandir(place.folder / block) if each.name.isdigit()]
                if names:
                    place.end = int(block) * BLOCK + max(names) + 1
                    break
        self._read_on(study, place, place.end)

    # --- compaction ------------------------------------------------------------------------------------------------

    def _compact(self, place: _Place, block: int) -> None:
        """Put a full block into a segment, and make the numbers of its batches names of that file. Safe to repeat."""
        target = place.folder / f"{block:06d}.seg"
        with suppress(OSError):
            if not target.exists():
                first = block * BLOCK
                records = [self._records_at(place, position) for position in range(first, first + BLOCK)]
                sound = [record for found in records if found for record in found[:1]]
                temporary = place.temporary()
                write_file(temporary, segment(sound), durable=True)
                with suppress(FileExistsError):
                    os.link(temporary, target)
                Path(temporary).unlink()
                sync_folder(place.folder)
            self._replace_names(place, target, block * BLOCK)

    def _replace_names(self, place: _Place, target: Path, first: int) -> None:
        inode = target.stat().st_ino
        temporary = place.temporary()
        for position in range(first, first + BLOCK):
            file = place.file(position)
            if Path(file).stat().st_ino != inode:
                os.link(target, temporary)
                Path(temporary).replace(file)  # at no moment is the number free

    # --- studies and the folder ------------------------------------------------------------------------------------

    def _head(self, study: str) -> Path:
        return self.folder / "studies" / hashlib.sha256(study.encode(errors="surrogatepass")).hexdigest()

    def _place(self, study: str, known: bool = True) -> _Place:
        place = self._places.get(study)
        if place is not None and known and look_again(place.folder):
            return place
        try:
            head = json.loads(self._head(study).read_text())
        except FileNotFoundError:
            self._places.pop(study, None)
            raise self._missing(study) from None
        if place is None or place.folder.name != head["log"]:
            place = self._places[study] = _Place(self.folder / "logs" / head["log"])
        return place

    def _missing(self, study: str) -> StudyNotFound:
        return StudyNotFound(
            f"There is no study {study!r} in {self.folder}; `tunewise studies` lists those that are there."
        )

    @staticmethod
    def _texts(folder: Path) -> list[str]:
        """What the files of a folder hold; those that vanish meanwhile are left out."""
        texts = []
        for file in list(folder.iterdir()):
            with suppress(FileNotFoundError):
                texts.append(file.read_text())
        return texts

    def _check_place(self, create: bool) -> None:
        mark = self.folder / "tunewise.json"
        if not mark.exists():
            self._make_folder(create, mark)
        try:
            about = json.loads(mark.read_text())
            version, is_ours = about["version"], about["format"] == _FORMAT
        except (ValueError, LookupError, TypeError):
            is_ours = False
        if not is_ours:
            raise StorageError(f"{mark} is not of tunewise; choose another folder.")
        check_version(self.folder, version, VERSION)

    def _make_folder(self, create: bool, mark: Path) -> None:
        if not create:
            raise StorageError(f"There is no directory log in {self.folder}; check the path.")
        if not self.folder.parent.is_dir():
            raise StorageError(f"The folder {self.folder.parent} does not exist; create it first.")
        if self.folder.exists() and not self.folder.is_dir():
            raise StorageError(f"{self.folder} is a file; a directory log needs a folder of its own.")
        foreign = [each.name for each in self.folder.iterdir()] if self.folder.exists() else []
        if set(foreign) - {"logs", "studies", "tmp", "tunewise.json"}:
            raise StorageError(f"{self.folder} holds other things ({foreign[0]!r}); choose an empty folder.")
        for part in ("logs", "studies", "tmp"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        temporary = self.folder / "tmp" / uuid.uuid4().hex
        write_file(temporary, json.dumps({"format": _FORMAT, "version": VERSION}).encode(), durable=True)
        try:
            os.link(temporary, mark)
        except FileExistsError:
            pass
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise StorageError(
                    f"{self.folder} lies on a file system without hard links ({error.strerror}); a directory log needs them. "
                    "Use another disk, or `tunewise serve`."
                ) from error
            raise
        finally:
            temporary.unlink(missing_ok=True)
        for folder in (self.folder, self.folder.parent):
            sync_folder(folder)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageUnreachable(
                f"{self.folder} cannot be used just now: {error.strerror or error}. Check that the disk is not full and "
                "that the folder may be written; nothing that was saved is lost."
            ) from error
