"""No child of a fork inherits an open connection, whoever has opened it and in whatever thread."""

import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from tunewise.integrations.readers.sql import SqliteFile, is_sqlite
from tunewise.storage.salvage import quick_check, salvage
from tunewise.storage.sqlite import SqliteLog
from tunewise.storage.sqlite_hand import held
from tunewise.testing.logs import CREATED

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed by Linux")


def shared_memory():
    """The index of a log of changes (WAL), which is open in this process as long as a connection is."""
    links = []
    for entry in os.scandir("/proc/self/fd"):
        try:
            links.append(str(Path(entry.path).readlink()))
        except FileNotFoundError:  # that of the listing itself
            continue
    return [link for link in links if link.endswith("-shm")]


@pytest.fixture
def file(tmp_path):
    log = SqliteLog(tmp_path / "s.db")
    log.append("s", [CREATED], at=0)
    yield log.path
    log.close()


@pytest.fixture
def slowly(monkeypatch):
    """Every connection is read from at once, and then takes its time; how many were made."""
    connect, made = sqlite3.connect, []

    def slow(*args, **settings):
        connection = connect(*args, **settings)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        assert shared_memory() or settings.get("timeout") == 0  # else the test would look for nothing
        made.append(connection)
        time.sleep(0.1)
        return connection

    monkeypatch.setattr(sqlite3, "connect", slow)
    return made


def read_rows(file):
    """As another program's storage is read: the query goes on while its rows are used."""
    for _ in SqliteFile(file).chunks("SELECT seq FROM batches"):
        time.sleep(0.1)


def inherited_by_a_child():
    """Whether a child that is forked now has an open connection."""
    child = os.fork()
    if child == 0:
        os._exit(1 if shared_memory() else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


@pytest.mark.filterwarnings(
    "ignore:.*multi-threaded:DeprecationWarning"
)  # of Python 3.12: this is what is tested
@pytest.mark.parametrize("work", [quick_check, salvage, is_sqlite, read_rows])
def test_what_reads_a_file_keeps_a_fork_waiting(work, file, slowly):
    errors = []

    def run():
        try:
            work(file)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    inherited = []
    while thread.is_alive():
        inherited.append(inherited_by_a_child())
        time.sleep(0.002)
    thread.join()
    assert errors == []
    assert slowly
    assert not any(inherited)


def test_a_connection_is_closed_however_its_use_ends(file):
    with pytest.raises(ZeroDivisionError), held(file, lambda: sqlite3.connect(file)) as connection:
        raise ZeroDivisionError
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
