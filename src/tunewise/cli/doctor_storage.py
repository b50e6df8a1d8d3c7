"""``tunewise doctor runs.db``: what is fine in a storage, what is not, and with ``--repair`` mend what can be mended.

Nothing is ever overwritten or dropped: a damaged file is copied as far as it can be read, a trial of a dead worker is given
up as `create_study` was told, and only temporary files and caches are removed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tunewise.cli.doctor_train import say
from tunewise.errors import StorageError
from tunewise.playbook.finding import Finding, Findings, Verdict
from tunewise.storage import Log, open_log, snapshot
from tunewise.storage.delivery import waiting_files
from tunewise.storage.directory import DirectoryLog
from tunewise.storage.lease import is_gone
from tunewise.storage.salvage import quick_check, salvage
from tunewise.storage.sqlite import SqliteLog
from tunewise.study import Study

_REPAIR = "tunewise doctor {url} --repair"


def diagnose(target: str, as_json: bool, repair: bool = False) -> int:
    """Examine a storage; prints the findings, and returns the exit code.

    Raises:
        StorageError: there is no such storage, or it is not of tunewise.
    """
    findings = Findings(list(_examine(target, repair)))
    return say(findings, findings, as_json)


def _examine(target: str, repair: bool) -> Iterator[Finding]:
    file = _file(target)
    wrong = quick_check(file) if file is not None else []
    if file is not None and wrong:
        yield _damaged_file(file, wrong, repair)
    try:
        log = open_log(target, create=False)
        names = log.studies()
    except StorageError:
        if wrong:
            return  # said already
        raise
    if isinstance(log, SqliteLog) and not wrong:
        yield _ok("S1", "file", f"SQLite finds nothing wrong with {log.path.name}")
    if isinstance(log, DirectoryLog):
        yield from _directory(log, repair)
    for name in names:
        yield from _study(log, name, repair)
    if not names:
        yield _ok("S2", "studies", "there is no study yet")


def _file(target: str) -> Path | None:
    """The SQLite file that a target names, where it is there."""
    path = Path(target.partition("?")[0].removeprefix("sqlite:///")).expanduser().absolute()
    return path if path.is_file() and path.stat().st_size else None


def _damaged_file(file: Path, wrong: list[str], repair: bool) -> Finding:
    words = f"SQLite finds damage in {file.name}: {wrong[0]}" + (
        f" (and {len(wrong) - 1} more)" if wrong[1:] else ""
    )
    if not repair:
        cure = (
            "stop the workers and copy all that can be read into a new file; the damaged one is not touched"
        )
        return _act("S1", "file", words, cure, _REPAIR.format(url=file))
    saved = salvage(file)
    lost = ", ".join(f"{n} of {name!r}" for name, n in saved.lost.items() if n) or "none"
    words += f"; {saved.n_batches} batches were copied to {saved.path.name}, lost: {lost}"
    return _act("S1", "file", words, f"go on with {saved.path}", f"tunewise studies {saved.path}")


def _directory(log: DirectoryLog, repair: bool) -> Iterator[Finding]:
    left = log.leftovers()
    if repair:
        for each in left:
            each.unlink(missing_ok=True)
    if left:
        done = "were removed" if repair else "harm nobody and may be removed"
        yield _ok("S6", "leftovers", f"{len(left)} temporary files of killed processes {done}")
    for name in log.studies():
        missing = log.missing(name)
        if not missing:
            continue
        words = f"{len(missing)} batches are missing ({_some(missing)}); what comes after them is not read"
        if repair:
            log.mark_lost(name, missing)
            yield _ok(
                "S1", name, f"{len(missing)} missing batches are marked as lost; all after them is read again"
            )
        else:
            cure = "restore these files from a backup, or mark them as lost"
            yield _act("S1", name, words, cure, _REPAIR.format(url=log.url))


def _study(log: Log, name: str, repair: bool) -> Iterator[Finding]:
    cache = _snapshot(log, name, repair)  # before the study writes a new one
    study = Study(log, name, None, None)
    yield _facts(study)
    yield from _workers(log, study, repair)
    yield cache
    yield from _waiting(log, study, repair)


def _facts(study: Study) -> Finding:
    """Whether every batch can be read and makes sense."""
    trials = study.sync()
    states = Counter(state.name.lower() for state in (row.state for row in trials))
    counts = ", ".join(f"{n} {state}" for state, n in states.items())
    if not trials.unreadable:
        return _ok(
            "S2",
            study.name,
            f"{study.position} batches, all sound; {len(trials)} trials" + (f": {counts}" if counts else ""),
        )
    words = f"{len(trials.unreadable)} facts cannot be read: {trials.unreadable[0]}"
    cure = f"restore a backup where there is one; the other facts ({len(trials)} trials: {counts}) are intact and are used"
    return _act("S2", study.name, words, cure)


def _workers(log: Log, study: Study, repair: bool) -> Iterator[Finding]:
    """Whether somebody looks after every running trial."""
    trials = study.sync()
    stamps = log.beat(study.name, study.worker, None)
    dead = [worker for worker, stamp in stamps.items() if is_gone(stamp.partition(" ")[2])]
    lost = [n for worker in dead for n in trials.running_of(worker)]
    if repair and dead:
        for worker in dead:
            study.give_up(worker)
        yield _ok(
            "S4", study.name, f"{len(dead)} dead workers were taken off, their {len(lost)} trials resolved"
        )
    elif lost:
        words = f"trial {_some(lost)}: the worker is dead"
        cure = "the next worker resolves this by itself; or do it now"
        yield _act("S4", study.name, words, cure, _REPAIR.format(url=log.url))
    alone = [n for n in trials.running if n not in lost and trials.worker_of(n) not in stamps]
    if alone:
        words = (
            f"trial {_some(alone)}: running, and no worker renews a lease (`tunewise ask` starts such trials)"
        )
        cure = "where nobody trains it any more, end it"
        command = f"tunewise tell {log.url}::{study.name} {alone[0]} --state failed"
        yield Finding("S4", study.name, Verdict.UNSURE, words, next_action=cure, command=command)
    watched = sum(worker not in dead for worker in stamps)
    if watched and not (lost or alone):
        yield _ok("S4", study.name, f"{watched} workers renew their leases")


def _snapshot(log: Log, name: str, repair: bool) -> Finding:
    file = snapshot.file_of(log, name)
    if not file.exists():
        return Finding("S5", name, Verdict.NA, "no snapshot; small studies need none")
    if snapshot.load(log, name) is not None:
        return _ok("S5", name, f"the snapshot fits ({file.stat().st_size / 2**20:.1f} MiB)")
    if repair:
        file.unlink(missing_ok=True)
    done = "was removed" if repair else "is left aside and made anew when needed"
    return _ok("S5", name, f"the snapshot is stale or damaged, and {done}")


def _waiting(log: Log, study: Study, repair: bool) -> Iterator[Finding]:
    """Whether results wait in files for the storage to answer."""
    files = waiting_files(log.url, study.name)
    if not files:
        return
    if repair:
        study.adopt()
        files = waiting_files(log.url, study.name)
        if not files:
            yield _ok("S7", study.name, "the results that waited in files were delivered")
            return
    words = f"{len(files)} files hold results that were not delivered yet: {files[0]}"
    cure = "opening the study to work on it delivers those whose process is gone; or do it now"
    yield _act("S7", study.name, words, cure, _REPAIR.format(url=log.url))


def _some(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:6])) + (f" and {len(numbers) - 6} more" if len(numbers) > 6 else "")


def _ok(code: str, subject: str, words: str) -> Finding:
    return Finding(code, subject, Verdict.OK, words)


def _act(code: str, subject: str, words: str, cure: str, command: str = "") -> Finding:
    return Finding(code, subject, Verdict.ACT, words, next_action=cure, command=command)
