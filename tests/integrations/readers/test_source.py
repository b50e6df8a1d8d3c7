"""Every kind of source is told apart, and what is none is a sentence."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

import tunewise as tw
from tunewise.errors import MissingExtra, StorageError, StudyNotFound, TunewiseError
from tunewise.integrations.readers import open_source, read_study


def test_urls_paths_and_names_all_lead_there(optuna_files):
    path = optuna_files[0][-1]
    studies = [
        read_study(source, name)
        for source, name in [
            (path, "mixed"), (str(path), "mixed"), (f"sqlite:///{path}", "mixed"), (f"{path}::mixed", None),
            (f"sqlite:///{path}::mixed", None),
        ]
    ]  # fmt: skip
    assert {len(trials) for trials in studies} == {12}


def test_a_storage_of_several_studies_wants_a_name(optuna_files):
    path = optuna_files[0][-1]
    with pytest.raises(StudyNotFound, match=f"2 studies; say which: {path}::mixed, {path}::pair"):
        read_study(path)
    with pytest.raises(StudyNotFound, match="did you mean 'mixed'"):
        read_study(path, "mixd")


def test_ones_own_storage_is_one_of_them(tmp_path):
    study = tw.create_study(
        "s", tmp_path / "runs.db", goals={"a": "minimize", "b": "maximize"}, seed=0, sampler="random"
    )
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), 2.0), 3)
    trials = tw.read_study(tmp_path / "runs.db")
    assert [t.values for t in trials] == [t.values for t in study.trials]
    assert [t.values for t in tw.read_study(tmp_path / "runs.db", metric="b")] == [(2.0,)] * 3


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE cats (name TEXT)", "CREATE TABLE studies (study_id INTEGER)"]
)
def test_a_database_of_another_program_is_a_sentence(tmp_path, statement):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)
    with pytest.raises(StorageError, match="another program"):
        open_source(path)


def test_nothing_is_made_where_nothing_is(tmp_path):
    for source in (
        tmp_path / "no.db",
        tmp_path / "no.csv",
        f"sqlite:///{tmp_path}/no.db",
        tmp_path / "no" / "no.db",
    ):
        with pytest.raises(StorageError, match="There is no file"):
            open_source(source)
    (tmp_path / "empty.db").touch()
    with pytest.raises(StorageError, match="is empty"):
        open_source(tmp_path / "empty.db")
    sqlite3.connect(tmp_path / "void.db").execute("PRAGMA user_version = 1").connection.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.db", "void.db"]
    assert (tmp_path / "empty.db").stat().st_size == 0


@pytest.mark.parametrize(
    "url", ["oracle://host/db", "nonsense://x", "postgresql+psycopg://nobody@127.0.0.1:1/none"]
)
def test_what_cannot_be_reached_is_a_sentence(url):
    with pytest.raises((StorageError, MissingExtra)) as caught:
        open_source(url)
    assert isinstance(caught.value, TunewiseError)
    assert "\n" not in str(caught.value)


def test_a_password_is_never_in_a_message():
    with pytest.raises((StorageError, MissingExtra)) as caught:
        open_source("postgresql://me:geheim@127.0.0.1:1/none")
    assert "geheim" not in str(caught.value)


def test_a_folder_of_something_else_is_a_sentence(tmp_path):
    with pytest.raises(StorageError):
        open_source(tmp_path)


def test_a_folder_without_studies_says_what_it_could_hold(tmp_path):
    with pytest.raises(StorageError, match=r"neither tunewise's own .* nor MLflow's .* nor runs of Weights"):
        open_source(tmp_path)


def test_reading_a_file_that_is_in_use_takes_no_lock_from_it(tmp_path):
    """Whoever closes the last connection removes the log of changes; with its locks gone, that could be anybody."""
    url = f"sqlite:///{tmp_path}/s.db"
    study = tw.create_study("s", url, sampler="random")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    read_study(tmp_path / "s.db")
    stranger = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); print(*c.execute('SELECT 1')); c.close()"
    )
    subprocess.run([sys.executable, "-c", stranger, tmp_path / "s.db"], check=True)
    assert (tmp_path / "s.db-wal").exists()
    study.detach()
