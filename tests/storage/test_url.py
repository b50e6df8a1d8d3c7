"""What a user writes chooses the backend; what cannot be used is a sentence with a cure, and shows no password."""

import socket
import sys
from pathlib import Path

import pytest

from tunewise.errors import MissingExtra, StorageError, StorageUnreachable
from tunewise.storage import MemoryLog, open_log
from tunewise.storage.directory import DirectoryLog
from tunewise.storage.sqlite import SqliteLog
from tunewise.storage.url import opened_as
from tunewise.testing.logs import CREATED


def test_urls_choose_the_backend(tmp_path):
    assert isinstance(open_log(None), MemoryLog)
    assert isinstance(open_log("sqlite:///:memory:"), MemoryLog)
    for text in (
        "x.db",
        f"{tmp_path}/x.db",
        f"sqlite:///{tmp_path}/x.db",
        f"sqlite:////{tmp_path}/x.db",
        "sqlite:///x.db",
    ):
        log = open_log(text)
        assert isinstance(log, SqliteLog)
        assert log.url == f"sqlite:///{tmp_path}/x.db"
        assert open_log(log.url).path == log.path
    assert open_log(tmp_path / "y.sqlite").path == tmp_path / "y.sqlite"
    for text in ("dir:runs", f"dir:{tmp_path}/runs", f"dir://{tmp_path}/runs", "runs/", f"{tmp_path}/runs"):
        log = open_log(text)
        assert isinstance(log, DirectoryLog)
        assert log.url == f"dir:{tmp_path}/runs"
    assert open_log(tmp_path / "runs").folder == tmp_path / "runs"
    assert open_log(log) is log


def test_durability_is_part_of_the_url(tmp_path):
    assert open_log("x.db?durability=normal")._durable is False
    assert open_log("sqlite:///x.db?durability=normal")._durable is False
    assert open_log("sqlite:///x.db?durability=full")._durable is True
    assert open_log("dir:runs?durability=normal")._durable is False
    with pytest.raises(StorageError, match='"full"'):
        open_log("x.db?durability=perhaps")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "postgres//oops",
        "ftp://host/x",
        "sqlite:x",
        "mongodb://user:secret@host/db",
        "runs.csv",
    ],
)
def test_an_unknown_url_is_named_with_what_is_known(url):
    with pytest.raises(StorageError, match="no storage that tunewise knows") as error:
        open_log(url)
    assert "secret" not in str(error.value)
    assert "postgresql://" in str(error.value)


@pytest.mark.parametrize(
    "url", ["postgresql://", "http://", "http://host:port", "redis://h:x", "dir:", "mysql://u:secret@:x/"]
)
def test_a_broken_url_is_an_error(url):
    with pytest.raises(StorageError) as error:
        open_log(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [
        ("postgresql://h/d", "sqlalchemy", "sql"),
        ("postgresql://h/d", "psycopg", "sql"),
        ("mysql://h/d", "pymysql", "sql"),
        ("mariadb://h/d", "pymysql", "sql"),
        ("redis://h", "redis", "redis"),
    ],
)
def test_a_missing_driver_names_the_extra(url, package, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"{package}.*tunewise\[{extra}\]"):
        open_log(url)


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "redis", "http"])
def test_a_server_that_is_not_there_is_an_error_within_seconds(kind, monkeypatch):
    for module in ("sql", "redis", "http"):
        monkeypatch.setattr(f"tunewise.storage.{module}._RETRY_SECONDS", 0.3)
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"{kind}://user:secret@127.0.0.1:{taken.getsockname()[1]}/0"
        with pytest.raises(StorageUnreachable, match="does not answer") as error:
            open_log(url)
    assert "secret" not in str(error.value)
    assert "127.0.0.1" in str(error.value)


@pytest.mark.parametrize("kind", ["sqlite", "directory", "postgresql", "mariadb", "redis"])
def test_a_storage_that_is_not_there_is_not_made_by_reading(kind, server_of, tmp_path):
    if kind in ("postgresql", "mariadb"):
        url = (
            server_of(kind).url.rpartition("/")[0]
            + "/"
            + {"postgresql": "template1", "mariadb": "mysql"}[kind]
        )
    elif kind == "redis":
        url = server_of(kind).url.replace("/0", "/7")
    else:
        url = {"sqlite": "none.db", "directory": "dir:none"}[kind]
    with pytest.raises(StorageError, match="check the"):
        open_log(url, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "written", ["runs.db", "sqlite:///runs.db?durability=normal", "dir:runs", Path("runs.db")]
)
def test_what_was_opened_here_can_be_opened_from_another_folder(written, tmp_path, monkeypatch):
    log = open_log(written)
    log.append("s", [CREATED], at=0)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = open_log(opened_as(log), create=False)
    assert again.studies() == ["s"]
    assert again._durable == log._durable == ("normal" not in str(written))
