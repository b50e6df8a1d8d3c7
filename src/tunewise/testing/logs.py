"""The contract of a log, as checks that raise AssertionError where it is broken.

`LOG_CHECKS` has them one by one, for a parametrised test; `check_log` runs all. A check is called with an ``Open``: each
call of it gives a handle on one and the same store, which is empty at first.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from typing import Any

from tunewise.errors import Conflict, SettingError, StudyNotFound, TunewiseError
from tunewise.events import Event, Noted, ParamsSet, Reported, StudyCreated, StudyNoted, TrialFinished
from tunewise.records import Goal, TrialState
from tunewise.space import Float
from tunewise.storage import Log
from tunewise.storage.log import MOST_BYTES

Open = Callable[[], Log]

CREATED = StudyCreated((Goal(),), 1, 0.0, None, {}, {}, {})
_NAMES = (
    "plain",
    "Plain",
    "plain ",
    "ü \n' \" ;-- % {0} ../..",
    "\u202e🎲",
    "a" * 3000,
    "?study=x&y#z",
    *"vwxyz",
)


def check_log(new_store: Callable[[], Open]) -> None:
    """Hold a log to what every log promises. Each check gets a store of its own.

    Args:
        new_store: makes an empty store and returns what opens it.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    for check in LOG_CHECKS:
        try:
            check(new_store())
        except TunewiseError as error:
            raise AssertionError(f"{check.__name__}: {type(error).__name__}: {error}") from error


def what_is_appended_is_read_in_order(open_log: Open) -> None:
    """Batches come back whole, in order, from every position on, and through another handle."""
    log = open_log()
    batches: list[list[Event]] = [[CREATED]]
    batches += [[StudyNoted({"a": i}), Noted(i, {"b": [None, "c"]})] for i in range(5)]
    assert log.append("s", batches[0], at=0) == 1, "The first append does not end at position 1."
    for place, batch in enumerate(batches[1:], 1):
        assert log.append("s", batch, durable=place % 2 == 0) == place + 1, (
            "An append returned a wrong position."
        )
    for handle in (log, open_log()):
        for start in range(len(batches) + 1):
            assert handle.read("s", start) == batches[start:], f"Reading from {start} gave other batches."
            assert handle.read("s", start, 2) == batches[start : start + 2], "A page has another length."


def every_value_survives(open_log: Open) -> None:
    """NaN, infinity, the largest and smallest numbers, any text: what is read equals what was written."""
    log = open_log()
    log.append("s", [CREATED], at=0)
    texts = {
        "nul": "\x00",
        "surrogate": "\ud800",
        "emoji": "🎲",
        "quote": "'\"\\",
        "line": "\n\r\u2028",
        "long": "x" * 70_000,
    }
    facts: list[Event] = [
        Noted(0, {**texts, "": {"$f": "no tag", "deep": [[[]]]}, "tag": {"$f": "no tag"}}),
        Reported(0, 2**40, {"a": math.inf, "b": -math.inf, "c": 5e-324, "d": 1.7976931348623157e308}, 0.1),
        ParamsSet(0, {"x": 0.1 + 0.2, "n": -(2**53)}, {"x": Float(0.0, 1.0)}, 3, True),
        TrialFinished(0, TrialState.COMPLETE, (-0.0,), "ü", 1e9, "w", None),
    ]
    log.append("s", facts)
    log.append("s", [Reported(0, 1, {"nan": math.nan}, 0.0)])
    read, (last,) = open_log().read("s", 1)
    assert read == facts, "A batch was changed on its way."
    assert isinstance(last, Reported) and math.isnan(last.metrics["nan"]), "NaN did not survive."


def a_position_is_given_once(open_log: Open) -> None:
    """An append at a position that is not the next one is a conflict, and leaves nothing."""
    log = open_log()
    log.append("s", [CREATED], at=0)
    log.append("s", [StudyNoted({})], at=1)
    for wrong in (0, 1, 3):
        _raises(Conflict, lambda at=wrong: log.append("s", [StudyNoted({})], at=at))  # type: ignore[misc]
    assert len(log.read("s", 0)) == 2, "A refused append left something."


def an_operation_is_written_once(open_log: Open) -> None:
    """An append that is sent again under its name changes nothing and gives its first position."""
    log = open_log()
    for _ in range(2):
        assert log.append("s", [CREATED], at=0, op="create") == 1, (
            "Creating again under the same name is refused."
        )
    for _ in range(3):
        assert log.append("s", [StudyNoted({"a": 1})], op="one") == 2, (
            "A repeated operation got another position."
        )
    log.append("s", [StudyNoted({"a": 2})], op="two")
    log.append("s", [StudyNoted({"a": 3})])
    assert open_log().append("s", [StudyNoted({"a": 1})], op="one", durable=True) == 2
    assert len(log.read("s", 0)) == 4, "A repeated operation was written again."
    log.append("t", [CREATED], at=0)
    assert log.append("t", [StudyNoted({})], op="one") == 2, "An operation of one study hides one of another."
    for handle in (log, log, open_log()):
        assert handle.append("t", [StudyNoted({})], 2, op="placed") == 3, (
            "An operation at a given position was not recognised when it was sent again."
        )


def a_missing_study_is_named(open_log: Open) -> None:
    """Every question about a study that is not there raises StudyNotFound with its name."""
    log = open_log()
    for question in (
        lambda: log.read("nobody", 0),
        lambda: log.append("nobody", [StudyNoted({})]),
        lambda: log.append("nobody", [StudyNoted({})], op="x", durable=True),
        lambda: log.beat("nobody", "w", "1"),
        lambda: log.delete("nobody"),
    ):
        assert "nobody" in str(_raises(StudyNotFound, question))
    assert log.studies() == []


def studies_are_listed_and_deleted(open_log: Open) -> None:
    """Names of any kind are kept apart and in order; a deleted study is gone for every handle, and may come again."""
    log, other = open_log(), open_log()
    for name in _NAMES:
        log.append(name, [CREATED], at=0)
        log.append(name, [StudyNoted({"name": name})])
    assert log.studies() == list(_NAMES), "The list of studies is not that of their creation."
    for name in _NAMES:
        assert other.read(name, 1) == [[StudyNoted({"name": name})]], (
            f"{name!r} holds the facts of another study."
        )
    gone = _NAMES[2]
    log.delete(gone)
    for handle in (log, other):
        _raises(StudyNotFound, lambda handle=handle: handle.read(gone, 1))  # type: ignore[misc]
        _raises(StudyNotFound, lambda handle=handle: handle.append(gone, [StudyNoted({})]))  # type: ignore[misc]
    assert other.append(gone, [CREATED], at=0) == 1, "A deleted study cannot be made again."
    other.append(gone, [StudyNoted({"again": True})])
    for start in (0, 1):
        assert log.read(gone, start) == [[CREATED], [StudyNoted({"again": True})]][start:], (
            "A study that was made again shows facts of the deleted one."
        )
    other.delete(gone)
    other.append(gone, [CREATED], at=0)
    other.append(gone, [StudyNoted({"third": True})])
    try:
        found = log.read(gone, 1)
    except StudyNotFound:  # the study that this handle knew is gone, which may be said once
        found = log.read(gone, 1)
    assert found == [[StudyNoted({"third": True})]], (
        "A handle that knew the deleted study does not find the one of that name."
    )
    assert other.studies() == [*(name for name in _NAMES if name != gone), gone]


def threads_take_each_position_once(open_log: Open) -> None:
    """Appends of many threads, with and without a wanted position, all take different positions."""
    log = open_log()
    log.append("s", [CREATED], at=0)
    ends: list[int] = []

    def work(worker: int) -> None:
        handle = log if worker % 2 else open_log()
        for i in range(10):
            end = handle.append("s", [Noted(worker, {"i": i}), Noted(worker, {"i": i})])
            ends.append(end)
        n_done = 0
        while n_done < 5:
            end = len(handle.read("s", 0))
            try:
                ends.append(handle.append("s", [Noted(worker, {"i": 10 + n_done})] * 2, at=end))
                n_done += 1
            except Conflict:
                continue

    _together(work, 4)
    assert sorted(ends) == list(range(2, 62)), "Some positions were given twice, or not at all."
    batches = log.read("s", 1)
    assert all(len(batch) == 2 and batch[0] == batch[1] for batch in batches), "A batch was torn."
    for worker in range(4):
        mine = [
            batch[0].attrs["i"]
            for batch in batches
            if isinstance(batch[0], Noted) and batch[0].number == worker
        ]
        assert mine == list(range(15)), "The order of one thread's appends was changed."


def a_reader_never_misses_a_fact(open_log: Open) -> None:
    """Reading on while others write gives, put together, what reading everything gives."""
    log = open_log()
    log.append("s", [CREATED], at=0)
    pieces: list[list[Event]] = []
    over = threading.Event()

    def work(worker: int) -> None:
        if worker == 0:
            while not over.is_set():
                pieces.extend(log.read("s", len(pieces)))
        else:
            handle = open_log()
            for i in range(15):
                handle.append("s", [Noted(worker, {"i": i})])
            if worker == 1:
                over.wait(0.05)
                over.set()

    _together(work, 4)
    pieces.extend(log.read("s", len(pieces)))
    assert pieces == open_log().read("s", 0), "A reader saw a later batch before an earlier one."


def one_of_many_creators_wins(open_log: Open) -> None:
    """A study that several make at the same moment is made once."""
    winners: list[int] = []

    def work(worker: int) -> None:
        try:
            open_log().append("s", [CREATED, StudyNoted({"by": worker})], at=0, op=f"create-{worker}")
            winners.append(worker)
        except Conflict:
            pass

    _together(work, 4)
    assert len(winners) == 1, f"{len(winners)} workers made the same study."
    assert open_log().read("s", 0) == [[CREATED, StudyNoted({"by": winners[0]})]]


def stamps_are_kept_for_each_worker(open_log: Open) -> None:
    """A stamp is there until it is replaced or erased; those of two studies have nothing to do with each other."""
    log, other = open_log(), open_log()
    for name in ("s", "t"):
        log.append(name, [CREATED], at=0)
    assert log.beat("s", "nobody", None) == {}
    assert log.beat("s", "ü 1", "1 x") == {"ü 1": "1 x"}
    assert other.beat("s", "b", "1 y") == {"ü 1": "1 x", "b": "1 y"}
    assert log.beat("s", "ü 1", "2 x") == {"ü 1": "2 x", "b": "1 y"}
    assert other.beat("t", "nobody", None) == {}
    assert log.beat("s", "b", "2 y", False) == {}, "Stamps came that nobody wanted to see."
    assert other.beat("s", "b", "1 y") == {"ü 1": "2 x", "b": "1 y"}
    assert other.beat("s", "ü 1", None) == {"b": "1 y"}
    log.delete("s")
    log.append("s", [CREATED], at=0)
    assert log.beat("s", "nobody", None) == {}, (
        "A study that was made again has the stamps of the deleted one."
    )
    assert len(log.read("s", 0)) == 1, "A stamp took a position."


def too_much_is_refused(open_log: Open) -> None:
    """A batch above the limit is an error that says so, and leaves nothing. Memory has no limit."""
    log = open_log()
    if log.url == "memory":
        return
    log.append("s", [CREATED], at=0)
    _raises(SettingError, lambda: log.append("s", [Noted(0, {"a": "x" * (MOST_BYTES + 1)})]))
    log.append("s", [Noted(0, {"a": "x" * (MOST_BYTES - 1000)})])
    assert len(log.read("s", 0)) == 2


def a_closed_log_opens_again(open_log: Open) -> None:
    """After ``close`` everything still works."""
    log = open_log()
    log.append("s", [CREATED], at=0)
    log.close()
    log.append("s", [StudyNoted({"a": 1})])
    log.close()
    log.close()
    assert len(log.read("s", 0)) == 2


def a_fork_may_go_on(open_log: Open) -> None:
    """Parent and child of a fork use the same handle, each with connections of its own."""
    log = open_log()
    log.append("s", [CREATED], at=0)
    if log.url == "memory" or not hasattr(os, "fork"):
        return
    child = os.fork()
    if child == 0:
        try:
            for i in range(5):
                log.append("s", [Noted(1, {"i": i})], durable=True)
                log.read("s", 0)
            os._exit(0)
        except BaseException:
            os._exit(1)
    for i in range(5):
        log.append("s", [Noted(0, {"i": i})])
    assert os.waitpid(child, 0)[1] == 0, "The child of a fork could not use the log."
    assert len(log.read("s", 0)) == 11, "Parent and child of a fork disturbed each other."


LOG_CHECKS: tuple[Callable[[Open], None], ...] = (
    what_is_appended_is_read_in_order,
    every_value_survives,
    a_position_is_given_once,
    an_operation_is_written_once,
    a_missing_study_is_named,
    studies_are_listed_and_deleted,
    threads_take_each_position_once,
    a_reader_never_misses_a_fact,
    one_of_many_creators_wins,
    stamps_are_kept_for_each_worker,
    too_much_is_refused,
    a_closed_log_opens_again,
    a_fork_may_go_on,
)


def _raises(kind: type[TunewiseError], function: Callable[[], Any]) -> TunewiseError:
    try:
        function()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised.")


def _together(work: Callable[[int], None], n_threads: int) -> None:
    """Run ``work(0)``, ... in threads at once; the first exception is raised here."""
    errors: list[BaseException] = []

    def guarded(worker: int) -> None:
        try:
            work(worker)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(worker,)) for worker in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
