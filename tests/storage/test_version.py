"""The version that is written in a storage: an older program names a newer one, and what is no version is no riddle."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tunewise.errors import StorageError
from tunewise.storage import open_log
from tunewise.storage.version import check_version
from tunewise.testing.logs import CREATED


@pytest.mark.parametrize("found", [1, 2, "2", b"2"])
def test_what_is_known_passes(found):
    check_version("x.db", found, 2)


@pytest.mark.parametrize("found", [3, "4", b"99"])
def test_a_newer_version_asks_for_an_upgrade(found):
    with pytest.raises(StorageError, match=r"^x.db has version \d+, newer than 2, .* upgrade tunewise"):
        check_version("x.db", found, 2)


@pytest.mark.parametrize("found", [None, "", b"", "two", b"\xff", 0, -1, float("inf"), float("nan"), [1], {}])
def test_what_is_no_version_is_shown(found):
    with pytest.raises(StorageError, match=r"^x.db says .* no version of tunewise") as error:
        check_version("x.db", found, 2)
    shown = found.decode(errors="replace") if isinstance(found, bytes) else found
    assert repr(shown) in str(error.value)


@pytest.fixture
def version_of(request):
    """``version_of(url, "2")`` writes a version into a storage until the test ends; None: none at all."""

    def write(url, version):
        kind, place = url.split(":", 1)
        return {"sqlite": in_file, "dir": in_folder, "redis": in_redis}.get(kind, in_tables)(
            place, url, version
        )

    def in_file(place, _url, version):
        with closing(sqlite3.connect(place.removeprefix("///"))) as connection, connection:
            connection.execute(f"PRAGMA user_version = {int(version or 0)}")

    def in_folder(place, _url, version):
        mark = Path(place) / "tunewise.json"
        mark.write_text(json.dumps({**json.loads(mark.read_text()), "version": version}))

    def in_redis(_place, url, version):
        import redis

        server = redis.Redis.from_url(url)
        request.addfinalizer(server.close)
        request.addfinalizer(lambda: server.set("{tunewise}:version", 1))
        server.set("{tunewise}:version", version or "")

    def in_tables(_place, url, version):
        log = open_log(url)
        request.addfinalizer(log.close)

        def set_to(rows):
            with log._engine.connect() as connection:
                connection.exec_driver_sql("DELETE FROM tunewise_version")
                for row in rows:
                    connection.exec_driver_sql(f"INSERT INTO tunewise_version VALUES ({row})")

        request.addfinalizer(lambda: set_to([1]))
        set_to([] if version is None else [version])

    return write


@pytest.mark.parametrize("version", [None, "0", "99"])
@pytest.mark.parametrize("kind", ["sqlite", "directory", "postgresql", "mariadb", "redis"])
def test_every_storage_looks_at_it_before_anything_else(kind, version, url_of, version_of):
    url = url_of(kind)
    log = open_log(url)
    log.append("s", [CREATED], at=0)
    log.close()
    version_of(url, version)
    with pytest.raises(
        StorageError, match="upgrade tunewise" if version == "99" else "no version of tunewise"
    ):
        open_log(url)


def test_a_word_in_place_of_the_version_of_a_redis_storage(url_of, version_of):
    url = url_of("redis")
    version_of(url, "x1")
    with pytest.raises(StorageError, match=r"redis://.*'x1', which is no version"):
        open_log(url)
