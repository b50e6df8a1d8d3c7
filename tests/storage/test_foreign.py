"""What others have done to a storage's tables and keys: batches that are damaged or gone are told and hold their positions, and
what is not of tunewise is refused with a sentence."""

import sqlite3
import sys
from contextlib import closing
from itertools import product

import pytest

from tunewise.errors import StorageError, StorageUnreachable
from tunewise.events import StudyNoted, Unreadable
from tunewise.storage import open_log
from tunewise.storage.frame import from_places
from tunewise.testing.logs import CREATED

NOTES = [[CREATED], [StudyNoted({"a": 1})], [StudyNoted({"b": 2})], [StudyNoted({"c": 3})]]
SQL = ("postgresql", "mariadb")


@pytest.fixture
def new_log(url_of, request):
    """``new_log("redis")``: a storage of that kind with one study "s" of four batches."""

    def make(kind):
        log = open_log(url_of(kind))
        request.addfinalizer(log.close)
        for position, batch in enumerate(NOTES):
            log.append("s", batch, at=position)
        return log

    return make


def ask_sql(log, statement):
    with log._engine.connect() as connection:
        connection.exec_driver_sql(statement)


def damage_sql(log, how):
    key = "study = (SELECT max(id) FROM tunewise_studies) AND seq = 1"
    ask_sql(
        log,
        {
            "changed": f"UPDATE tunewise_batches SET body = '[]' WHERE {key}",
            "checksum": f"UPDATE tunewise_batches SET crc = 7 WHERE {key}",
            "gone": f"DELETE FROM tunewise_batches WHERE {key}",
        }[how],
    )


REDIS_DAMAGE = {
    "changed": {b"body": b"[]"},
    "checksum": {b"crc": b"7"},
    "a word as checksum": {b"crc": b"seven"},
    "no checksum": {b"crc": None},
    "no body": {b"body": None},
    "no text": {b"body": b"\xff\xfe"},
}


def damage_redis(log, how, entry=b"2-0"):
    """An entry of a stream cannot be changed; with all that come after it, it is written anew."""
    stream = log._key(log._ids["s"], "log")
    if how == "gone":
        log._redis.xdel(stream, entry)
        return
    entries = log._redis.xrange(stream)
    log._redis.delete(stream)
    for name, fields in entries:
        changed = {**fields, **REDIS_DAMAGE[how]} if name == entry else fields
        log._redis.xadd(stream, {key: value for key, value in changed.items() if value is not None}, name)


def damage_file(log, how):
    change = {
        "changed": "UPDATE batches SET body = '[]'",
        "checksum": "UPDATE batches SET crc = 7",
        "gone": "DELETE FROM batches",
    }
    with closing(sqlite3.connect(log.path)) as connection, connection:
        connection.execute(f"{change[how]} WHERE seq = 1")


DAMAGE = {"sqlite": damage_file, "redis": damage_redis}


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *product(["sqlite", *SQL, "redis"], ["changed", "checksum", "gone"]),
        *(("redis", how) for how in REDIS_DAMAGE if how not in ("changed", "checksum")),
    ],
)
def test_a_damaged_batch_holds_its_position(kind, how, new_log):
    log = new_log(kind)
    log.read("s", 0)
    DAMAGE.get(kind, damage_sql)(log, how)
    first, damaged, *others = log.read("s", 0)
    assert [first, *others] == [NOTES[0], *NOTES[2:]]
    assert [type(event) for event in damaged] == [Unreadable]
    assert damaged[0].reason.startswith("position 1: ")
    assert log.read("s", 1)[1:] == NOTES[2:]
    assert log.read("s", 2) == NOTES[2:]
    assert log.read("s", 0, 2) == [first, damaged]
    assert log.append("s", [StudyNoted({"d": 4})]) == 5
    assert log.read("s", 4) == [[StudyNoted({"d": 4})]]


@pytest.mark.parametrize("kind", ["sqlite", *SQL, "redis"])
def test_a_page_fetches_what_it_gives(kind, new_log, monkeypatch):
    """A long log passes through memory bit by bit."""
    log, fetched = new_log(kind), []
    module = sys.modules[type(log).__module__]

    def spy(rows, *places):
        fetched.append(len(rows))
        return from_places(rows, *places)

    monkeypatch.setattr(module, "from_places", spy)
    assert log.read("s", 1, 2) == NOTES[1:3]
    assert log.read("s", 3, 2) == NOTES[3:]
    assert fetched == [2, 1]


def test_the_last_entry_of_a_stream_may_be_gone(new_log):
    log = new_log("redis")
    log.read("s", 0)
    damage_redis(log, "gone", b"4-0")
    assert log.read("s", 0) == NOTES[:3]
    assert log.append("s", NOTES[3], at=3) == 4
    assert log.read("s", 3) == NOTES[3:]


def test_a_deleted_study_leaves_no_key_in_redis(new_log):
    log = new_log("redis")
    log.beat("s", "w", "1")
    log.delete("s")
    assert set(log._redis.keys("{tunewise}:*")) <= {b"{tunewise}:version", b"{tunewise}:count"}


@pytest.mark.parametrize("kind", SQL)
def test_the_last_row_of_a_table_may_be_gone(kind, new_log):
    log = new_log(kind)
    ask_sql(log, "DELETE FROM tunewise_batches WHERE seq = 3")
    *others, lost = log.read("s", 0)
    assert others == NOTES[:3]
    assert type(lost[0]) is Unreadable
    assert log.read("s", 4) == []
    assert log.append("s", NOTES[3], at=4) == 5


def test_keys_of_another_program_are_refused(new_log, request):
    log = new_log("redis")
    log._redis.delete("{tunewise}:studies")
    log._redis.set("{tunewise}:studies", "mine")
    request.addfinalizer(lambda: log._redis.delete("{tunewise}:studies"))
    for use in (
        log.studies,
        lambda: log.read("s", 0),
        lambda: log.append("t", [CREATED], at=0),
        lambda: log.delete("s"),
    ):
        with pytest.raises(StorageError, match="keys of another program"):
            use()


@pytest.mark.parametrize("kind", SQL)
def test_tables_of_another_program_are_refused(kind, new_log, request):
    log = new_log(kind)
    request.addfinalizer(lambda: ask_sql(log, "ALTER TABLE theirs RENAME TO tunewise_studies"))
    ask_sql(log, "ALTER TABLE tunewise_studies RENAME TO theirs")
    for use in (
        log.studies,
        lambda: log.read("s", 0),
        lambda: log.append("t", [CREATED], at=0),
        lambda: log.delete("s"),
    ):
        with pytest.raises(
            StorageError, match=f"{kind}://.* cannot be used by this tunewise: .*tunewise_studies"
        ):
            use()


def test_a_study_with_a_word_for_its_number_is_refused(new_log, request):
    log = new_log("redis")
    request.addfinalizer(lambda: log._redis.delete("{tunewise}:studies"))
    log._redis.hset("{tunewise}:studies", "t", "seven")
    for use in (log.studies, lambda: log.read("t", 0)):
        with pytest.raises(StorageError, match=r"another program: .*b'seven'"):
            use()
    assert log.read("s", 0) == NOTES


@pytest.mark.parametrize("kind", SQL)
def test_a_table_with_other_columns_is_refused_at_once(kind, new_log, url_of, request):
    log, url = new_log(kind), url_of(kind)

    def mend():
        ask_sql(log, "DROP TABLE tunewise_version")
        ask_sql(log, "ALTER TABLE ours RENAME TO tunewise_version")

    request.addfinalizer(mend)
    ask_sql(log, "ALTER TABLE tunewise_version RENAME TO ours")
    ask_sql(log, "CREATE TABLE tunewise_version (v INTEGER)")
    with pytest.raises(StorageError, match="cannot be used by this tunewise") as error:
        open_log(url)
    assert not isinstance(error.value, StorageUnreachable)
