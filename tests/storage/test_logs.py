"""One contract for every log: order, whole batches, compare-and-set, nothing lost."""

import multiprocessing
import os
import sqlite3
import threading

import pytest

from tunewise.errors import Conflict, StorageError, StorageUnreachable, StudyNotFound
from tunewise.events import Noted, StudyCreated, StudyNoted
from tunewise.records import Goal
from tunewise.storage import MemoryLog, open_log
from tunewise.storage.network_disk import network_file_system
from tunewise.storage.sqlite import SqliteLog

CREATED = StudyCreated((Goal(),), 1, 0.0)


@pytest.fixture(params=["memory", "sqlite"])
def log(request, tmp_path):
    log = MemoryLog() if request.param == "memory" else SqliteLog(tmp_path / "s.db")
    yield log
    log.close()


def test_what_is_appended_is_read_in_order_from_any_position(log):
    assert log.append("s", [CREATED], at=0) == 1
    for i in range(5):
        assert log.append("s", [StudyNoted({"a": i}), Noted(i, {})]) == i + 2
    events, end = log.read("s", 0)
    assert end == 6
    assert [e.attrs["a"] for e in events if isinstance(e, StudyNoted)] == list(range(5))
    for start in range(7):
        later, end = log.read("s", start)
        assert end == 6
        assert later == (events[0:] if start == 0 else events[2 * start - 1 :])


def test_a_position_is_given_once(log):
    log.append("s", [CREATED], at=0)
    with pytest.raises(Conflict, match="taken"):
        log.append("s", [CREATED], at=0)
    log.append("s", [StudyNoted({})], at=1)
    for wrong in (1, 3):
        with pytest.raises(Conflict):
            log.append("s", [StudyNoted({})], at=wrong)
    assert log.read("s", 0)[1] == 2


def test_a_missing_study_is_named(log):
    with pytest.raises(StudyNotFound, match="nobody"):
        log.read("nobody", 0)
    with pytest.raises(StudyNotFound, match="nobody"):
        log.append("nobody", [StudyNoted({})])
    with pytest.raises(StudyNotFound, match="nobody"):
        log.delete("nobody")


def test_studies_are_listed_and_deleted(log):
    for name in ("b", "a", "ü \n' \" ;--"):
        log.append(name, [CREATED], at=0)
    assert log.studies() == ["b", "a", "ü \n' \" ;--"]
    log.delete("b")
    assert log.studies() == ["a", "ü \n' \" ;--"]
    with pytest.raises(StudyNotFound):
        log.append("b", [StudyNoted({})])
    assert log.append("b", [CREATED], at=0) == 1


def test_threads_take_each_position_once(log):
    log.append("s", [CREATED], at=0)

    def work(worker):
        done = 0
        while done < 25:
            _, end = log.read("s", 0)
            try:
                log.append("s", [StudyNoted({f"{worker}": done})], at=end)
                done += 1
            except Conflict:
                continue

    threads = [threading.Thread(target=work, args=(w,)) for w in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.read("s", 0)[1] == 101


def _open_and_write(path, barrier, failures):
    barrier.wait()
    try:
        log = SqliteLog(path)
        log.append(f"study-{os.getpid()}", [CREATED], at=0, durable=True)
    except Exception as error:
        failures.put(repr(error))


def test_processes_may_open_a_new_file_at_once(tmp_path):
    context = multiprocessing.get_context("fork")
    for round_number in range(5):
        path = tmp_path / f"{round_number}.db"
        barrier, failures = context.Barrier(6), context.Queue()
        workers = [context.Process(target=_open_and_write, args=(path, barrier, failures)) for _ in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert failures.empty(), failures.get()
        assert len(SqliteLog(path).studies()) == 6


def test_a_fork_gets_its_own_connection(tmp_path):
    log = SqliteLog(tmp_path / "s.db")
    log.append("s", [CREATED], at=0)
    pid = os.fork()
    if pid == 0:
        try:
            log.append("s", [StudyNoted({"child": 1})], durable=True)
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    log.append("s", [StudyNoted({"parent": 1})])
    assert log.read("s", 0)[1] == 3


def test_foreign_newer_and_broken_files_are_refused_untouched(tmp_path):
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE cats (name)")
    with pytest.raises(StorageError, match="another program"):
        SqliteLog(foreign)
    newer = tmp_path / "newer.db"
    SqliteLog(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="upgrade tunewise"):
        SqliteLog(newer)
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, whatever its name says" * 40)
    with pytest.raises(StorageError, match="not a usable SQLite file"):
        SqliteLog(broken)
    assert broken.read_bytes().startswith(b"this is no database")


def test_a_record_that_cannot_be_read_is_an_error_not_a_loss(tmp_path):
    log = SqliteLog(tmp_path / "s.db")
    log.append("s", [CREATED], at=0)
    with sqlite3.connect(log.path) as connection:
        connection.execute("INSERT INTO events VALUES (1, 1, '[[\"finish\",0]]')")
    with pytest.raises(StorageError, match="cannot be read"):
        log.read("s", 0)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(StorageError, match="no file"):
        open_log(f"sqlite:///{tmp_path}/none.db", create=False)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(StorageError, match="does not exist"):
        open_log(tmp_path / "nowhere" / "x.db")
    with pytest.raises(StorageError, match="no storage that tunewise knows"):
        open_log("postgres//oops")


def test_a_locked_file_is_reported_as_unreachable(tmp_path, monkeypatch):
    monkeypatch.setattr("tunewise.storage.sqlite._BUSY_SECONDS", 0.1)
    log = SqliteLog(tmp_path / "s.db")
    log.append("s", [CREATED], at=0)
    other = sqlite3.connect(log.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnreachable, match="locked"):
        log.append("s", [StudyNoted({})])
    other.execute("ROLLBACK")
    other.close()
    assert log.append("s", [StudyNoted({})]) == 2


def test_urls_choose_the_backend(tmp_path):
    assert isinstance(open_log(None), MemoryLog)
    assert isinstance(open_log("sqlite:///:memory:"), MemoryLog)
    log = open_log(str(tmp_path / "x.db"))
    assert log.url == f"sqlite:///{tmp_path}/x.db"
    assert open_log(log) is log


def test_this_folder_is_on_a_local_disk(tmp_path):
    assert network_file_system(tmp_path) is None
