"""What is special about a SQLite file: opening at once, migration, refusals, damage, durability."""

import multiprocessing
import os
import sqlite3
import threading
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tunewise.errors import StorageError, StorageUnreachable
from tunewise.events import Noted, StudyNoted, Unreadable, encode
from tunewise.storage.network_disk import network_file_system
from tunewise.storage.salvage import quick_check
from tunewise.storage.sqlite import SqliteLog
from tunewise.testing.logs import CREATED


@pytest.fixture
def log(tmp_path):
    log = SqliteLog(tmp_path / "s.db")
    log.append("s", [CREATED], at=0)
    yield log
    log.close()


def _open_and_write(path, barrier, failures):
    barrier.wait()
    try:
        SqliteLog(path).append(f"study-{os.getpid()}", [CREATED], at=0, durable=True)
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


def test_foreign_newer_and_broken_files_are_refused_untouched(tmp_path):
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection, connection:
        connection.execute("CREATE TABLE cats (name)")
        connection.execute("PRAGMA user_version = 2")
    before = foreign.read_bytes()
    with pytest.raises(StorageError, match="another program"):
        SqliteLog(foreign)
    assert foreign.read_bytes() == before
    newer = tmp_path / "newer.db"
    SqliteLog(newer).close()
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match="upgrade tunewise"):
        SqliteLog(newer)
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database, whatever its name says" * 40)
    with pytest.raises(StorageError, match="not a usable SQLite file"):
        SqliteLog(broken)
    assert broken.read_bytes().startswith(b"this is no database")


def test_a_file_of_the_first_schema_is_migrated_on_opening(tmp_path):
    path = tmp_path / "old.db"
    facts = [[CREATED], [StudyNoted({"a": 1})], [Noted(0, {})]]
    old = sqlite3.connect(path)
    with old:
        old.execute("CREATE TABLE studies (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE)")
        old.execute(
            "CREATE TABLE events (study INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL,"
            " PRIMARY KEY (study, seq)) WITHOUT ROWID"
        )
        old.execute("PRAGMA application_id = 1953853029")
        old.execute("PRAGMA user_version = 1")
        old.execute("INSERT INTO studies VALUES (1, 's')")
        old.executemany(
            "INSERT INTO events VALUES (1, ?, ?)", [(i, encode(batch)) for i, batch in enumerate(facts)]
        )
    log = SqliteLog(path)
    assert log.read("s", 0) == facts
    assert log.append("s", [StudyNoted({"b": 2})], op="x") == 4
    assert log.append("s", [StudyNoted({"b": 2})], op="x") == 4
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        old.execute(
            "INSERT INTO events VALUES (1, 4, '[]')"
        )  # an older program that had it open harms nothing
    old.close()
    assert SqliteLog(path).read("s", 0)[:3] == facts


def test_a_program_notices_that_its_store_was_migrated(log):
    with closing(sqlite3.connect(log.path)) as newer, newer:
        newer.execute("ALTER TABLE batches RENAME TO batches3")
    for use in (lambda: log.append("s", [StudyNoted({})]), lambda: log.read("s", 0)):
        with pytest.raises(StorageError, match="newer tunewise"):
            use()


@pytest.mark.parametrize(
    "body", ["[[\"finish\",0]]", "[", "", "null", "[1]", "[[]]", "[null]", "{}", "[" * 100_000, "[[[1]]]", "\x00\xff", 7, None]
)  # fmt: skip
def test_a_damaged_record_is_left_out_and_named(body, log):
    log.append("s", [StudyNoted({"a": 1})])
    with closing(sqlite3.connect(log.path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        connection.execute(
            "UPDATE batches SET body = coalesce(?, body), crc = crc + (? IS NULL) WHERE seq = 1", (body, body)
        )
        if body is not None:
            connection.execute("UPDATE batches SET crc = NULL WHERE seq = 1")
    log.append("s", [StudyNoted({"b": 2})])
    first, damaged, last = log.read("s", 0)
    assert (first, last) == ([CREATED], [StudyNoted({"b": 2})])
    assert len(damaged) == 1
    assert isinstance(damaged[0], Unreadable)
    assert "position 1" in damaged[0].reason


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(StorageError, match="no file"):
        SqliteLog(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(StorageError, match="does not exist"):
        SqliteLog(tmp_path / "nowhere" / "x.db")
    with pytest.raises(StorageError, match="is a folder"):
        SqliteLog(tmp_path)


def test_a_file_on_a_network_disk_is_refused_untouched(tmp_path, monkeypatch):
    """By the kernel's table of mounts; this machine has no such disk, so the table is one of another machine."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/home {tmp_path}/home nfs4 rw 0 0\n")
    monkeypatch.setattr(
        "tunewise.storage.sqlite.network_file_system", partial(network_file_system, mounts=mounts)
    )
    (tmp_path / "home").mkdir()
    (tmp_path / "link").symlink_to("home")
    for folder in ("home", "link"):
        path = tmp_path / folder / "runs.db"
        with pytest.raises(
            StorageError, match=rf"network file system \(nfs4\).*use a directory log: dir:.*{folder}/runs$"
        ):
            SqliteLog(path)
    assert list((tmp_path / "home").iterdir()) == []
    SqliteLog(tmp_path / "runs.db").close()


def test_a_locked_file_is_reported_as_unreachable(log, monkeypatch):
    monkeypatch.setattr("tunewise.storage.sqlite._BUSY_SECONDS", 0.1)
    other = sqlite3.connect(log.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnreachable, match="locked"):
        log.append("s", [StudyNoted({})])
    other.execute("ROLLBACK")
    other.close()
    assert log.append("s", [StudyNoted({})]) == 2


def test_a_durable_append_is_synced_and_others_are_not(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("tunewise.storage.sqlite_hand._sync_file", synced.append)
    log = SqliteLog(tmp_path / "s.db")
    log.append("s", [CREATED], at=0)
    log.append("s", [StudyNoted({})])
    assert synced == []
    log.append("s", [StudyNoted({})], durable=True)
    assert Path(f"/proc/self/fd/{synced[0]}").readlink() == Path(f"{log.path}-wal")
    normal = SqliteLog(tmp_path / "s.db", durable=False)
    normal.append("s", [StudyNoted({})], durable=True)
    assert len(synced) == 1


def test_a_disk_that_does_not_sync_is_reported(log, monkeypatch):
    def fail(_descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("tunewise.storage.sqlite_hand._sync_file", fail)
    with pytest.raises(StorageUnreachable, match="Input/output error"):
        log.append("s", [StudyNoted({})], durable=True, op="x")
    monkeypatch.undo()
    assert log.append("s", [StudyNoted({})], durable=True, op="x") == 2


def _append_for_a_while(path, n):
    log = SqliteLog(path)
    for _ in range(n):
        log.append("s", [Noted(0, {"k": 1})])
        time.sleep(0.002)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.timeout(60)
def test_children_of_a_fork_keep_the_file_when_their_parent_lets_go_of_it(log):
    """Whoever inherits a connection inherits what SQLite believes to hold of locks, but no locks."""
    context = multiprocessing.get_context("fork")
    children = [context.Process(target=_append_for_a_while, args=(log.path, 100)) for _ in range(2)]
    for child in children:
        child.start()
    time.sleep(0.1)
    log.append("s", [Noted(0, {"k": 1})], durable=True)
    log.close()
    for child in children:
        child.join()
    assert len(log.read("s", 0)) == 202
    assert quick_check(log.path) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.timeout(60)
def test_a_fork_waits_for_what_other_threads_write(log):
    stop, failures = threading.Event(), []

    def write():
        try:
            while not stop.is_set():
                log.append("s", [Noted(0, {"k": 1})], durable=True)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            os._exit(len(log.read("s", 0, 1)) - 1)
        assert os.waitpid(pid, 0)[1] == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert quick_check(log.path) == []
