"""Storages of Optuna in every schema, made from text dumps (tools/make_optuna_fixtures.py)."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "optuna"
DUMPS = sorted(HERE.glob("sqlite_*.sql"))
JOURNALS = sorted(HERE.glob("journal_*.log"))


def database_of(dump: Path, folder: Path) -> Path:
    path = folder / f"{dump.stem}.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    return path


@pytest.fixture(params=[*DUMPS, *JOURNALS], ids=lambda path: path.stem)
def stored(request, tmp_path):
    """(path, version) of a storage that holds the studies "mixed" and, from 2.4 on, "pair"."""
    path = request.param
    version = tuple(int(part) for part in path.stem.split("_")[1].split("."))
    return (database_of(path, tmp_path) if path.suffix == ".sql" else path), version


@pytest.fixture
def optuna_files(tmp_path):
    """(databases, journals), each in the order of versions."""
    by_version = lambda path: [int(part) for part in path.stem.split("_")[1].split(".")]  # noqa: E731
    databases = [database_of(dump, tmp_path) for dump in sorted(DUMPS, key=by_version)]
    return databases, sorted(JOURNALS, key=by_version)
