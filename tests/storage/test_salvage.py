"""What is salvaged from a damaged file: every batch that lies on a sound page, unchanged and at its position."""

import random
import sqlite3
from contextlib import closing

import pytest

from tunewise.errors import StorageError
from tunewise.events import StudyNoted, Unreadable
from tunewise.storage.salvage import quick_check, salvage
from tunewise.storage.sqlite import SqliteLog
from tunewise.testing.logs import CREATED


@pytest.fixture
def path(tmp_path):
    """A file with two studies, and one that was deleted; batches of 10 bytes to 20 KB."""
    path = tmp_path / "runs.db"
    log = SqliteLog(path, durable=False)
    for study in ("gone", "a", "b"):
        log.append(study, [CREATED], at=0)
        for i in range(120):
            log.append(study, [StudyNoted({"n": i, "long": "y" * (i * 317 % 20_000)})], op=f"{study}{i}")
    log.delete("gone")
    log.close()
    return path


def test_a_sound_file_is_copied_whole(path):
    assert quick_check(path) == []
    saved = salvage(path)
    assert saved.path.name == "runs-salvaged.db"
    assert saved.lost == {"a": 0, "b": 0}
    old, new = SqliteLog(path), SqliteLog(saved.path)
    assert new.studies() == ["a", "b"]
    for study in ("a", "b"):
        assert new.read(study, 0) == old.read(study, 0)
        assert new.append(study, [StudyNoted({"again": 1})], op=f"{study}7") == 9  # operations are known too


def test_what_is_only_in_the_log_of_changes_is_copied(path):
    log = SqliteLog(path)
    log.append("a", [StudyNoted({"last": True})])
    assert path.with_name("runs.db-wal").stat().st_size > 0
    assert SqliteLog(salvage(path).path).read("a", 121) == [[StudyNoted({"last": True})]]


def test_nothing_is_overwritten(path):
    first, second = salvage(path), salvage(path)
    assert [first.path.name, second.path.name] == ["runs-salvaged.db", "runs-salvaged-2.db"]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_salvaged_was_there(path, seed):
    whole = {study: SqliteLog(path).read(study, 0) for study in ("a", "b")}
    dice = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(10):
        place = dice.randrange(4096 if seed % 2 else 0, len(data))
        for i in range(place, min(len(data), place + dice.choice([1, 100, 9000]))):
            data[i] = dice.randrange(256)
    path.write_bytes(data)
    saved = salvage(path)
    assert path.read_bytes() == bytes(data)
    log = SqliteLog(saved.path)
    assert quick_check(saved.path) == []
    n_sound = 0
    for study in log.studies():
        if study in whole:
            for was, now in zip(whole[study], log.read(study, 0), strict=False):
                assert now == was or type(now[0]) is Unreadable
                n_sound += now == was
    assert n_sound > 100


def test_a_file_without_batches(tmp_path):
    (tmp_path / "x.db").write_bytes(b"SQLite format 3\x00" + bytes(100_000))
    with pytest.raises(StorageError, match="backup"):
        salvage(tmp_path / "x.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE t (a, b, c)")
        connection.execute("INSERT INTO t VALUES (1, 2, '[]')")
    with pytest.raises(StorageError, match="backup"):
        salvage(tmp_path / "other.db")
    assert not list(tmp_path.glob("*salvaged*"))
