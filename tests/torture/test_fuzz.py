"""Files that others have damaged and command lines that make no sense: an error of ours at once, never another, never a hang."""

import shutil
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import IS_FULL

import tunewise as tw
from tunewise.cli import main
from tunewise.errors import TunewiseError

FILES = Path(__file__).resolve().parents[1] / "integrations" / "readers" / "optuna"
SECONDS = 1.0
JUNK = [
    b"",
    b"\x00",
    b"\xff",
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"9" * 400,
    b"[" * 2000,
    b"\n",
    b",",
]
EXIT_CODES = {0, 1, 2, 3, 4}

quickly = settings(
    max_examples=1000 if IS_FULL else 40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=not IS_FULL,
)


def damaged(data, dice):
    """Some bytes replaced, left out, doubled or cut off."""
    data = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        start = dice.randrange(len(data) + 1)
        end = min(len(data), start + dice.choice([0, 1, 1, 4, 40, 400]))
        how = dice.randrange(4)
        if how == 0:
            data[start:end] = dice.choice(JUNK)
        elif how == 1:
            data[start:start] = data[start:end]
        elif how == 2:
            data[start:end] = bytes(dice.randrange(256) for _ in range(end - start))
        elif dice.random() < 0.2:
            del data[start:]
    return bytes(data)


def held_to_it(action):
    """Do something that may be refused."""
    start = time.process_time()
    try:
        action()
    except TunewiseError as error:
        assert str(error)
    assert time.process_time() - start < SECONDS


def read_all(path):
    """Every study of a source."""
    from tunewise.integrations.readers.source import open_source

    source = open_source(str(path))
    for name in source.names():
        tw.read_study(str(path), name, direction="minimize")


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Small sources of every kind, by the name of their file."""
    folder = tmp_path_factory.mktemp("originals")
    for dump in FILES.glob("sqlite_*.sql"):
        with closing(sqlite3.connect(folder / f"{dump.stem}.db")) as connection, connection:
            connection.executescript(dump.read_text(encoding="utf-8"))
    for journal in FILES.glob("journal_*.log"):
        shutil.copy(journal, folder)
    rows = [f"{i},{10 ** -(i % 4)},{'relu' if i % 2 else 'gelu'},{0.5 - 0.01 * i}" for i in range(12)]
    (folder / "table.csv").write_text("\n".join(["trial,lr,act,val_loss", *rows]))
    (folder / "table.json").write_text(
        "[" + ",".join(f'{{"lr": {i}, "c": {{"d": [1]}}, "loss": {i / 7}}}' for i in range(8)) + "]"
    )
    study = tw.create_study("s", folder / "own.db", sampler="random", seed=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    study.detach()
    study.storage.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        CliRunner().invoke(main, ["check", "own.db"])  # the first imports much
    return [path for path in sorted(folder.iterdir()) if path.suffix in (".db", ".log", ".csv", ".json")]


@quickly
@given(dice=st.randoms(use_true_random=False))
def test_damaged_files_of_other_programs(originals, tmp_path_factory, dice):
    original = dice.choice(originals)
    path = tmp_path_factory.mktemp("damaged") / original.name
    path.write_bytes(damaged(original.read_bytes(), dice))
    held_to_it(lambda: read_all(path))


def mlflow_folder(folder):
    run = folder / "mlruns" / "1" / "a1"
    (run / "params").mkdir(parents=True)
    (run / "metrics").mkdir()
    (run / "tags").mkdir()
    (run.parent / "meta.yaml").write_text("experiment_id: '1'\nname: digits\nlifecycle_stage: active\n")
    (run / "meta.yaml").write_text(
        "run_id: a1\nrun_name: one\nstatus: 3\nstart_time: 1000\nend_time: 2000\nlifecycle_stage: active\n"
    )
    (run / "params" / "lr").write_text("0.1")
    (run / "metrics" / "val_loss").write_text("1000 0.5 0\n1001 0.4 1\n")
    return folder / "mlruns"


@quickly
@given(dice=st.randoms(use_true_random=False))
def test_damaged_folders_of_mlflow(tmp_path_factory, dice):
    folder = mlflow_folder(tmp_path_factory.mktemp("folder"))
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    victim = dice.choice(files)
    victim.write_bytes(damaged(victim.read_bytes(), dice))
    held_to_it(lambda: read_all(folder))


COMMANDS = [
    "trials",
    "best",
    "ask",
    "tell",
    "edit",
    "export",
    "copy",
    "studies",
    "check",
    "artifacts",
    "doctor",
    "nothing",
    "",
]
WORDS = st.one_of(
    st.sampled_from(
        ["own.db", "own.db::s", "own.db::t", "s", "0", "-1", "1e999", "nan", "x=1", "--x", "--help", "--json", "-n", "--sort",
         "value", "--params", "x", "--values", "::", "out.csv", "out.json", "--state", "failed", "--trial", "2", "--", "-",
         "sqlite:///own.db", "redis://h:x", "http://", "dir:", "mysql://u:secret@:x/", "\x00", "\ud800", "../..", "", "--repair"]
    ),
    st.text(max_size=8),
)  # fmt: skip


@quickly
@given(command=st.sampled_from(COMMANDS), words=st.lists(WORDS, max_size=5))
def test_command_lines_that_make_no_sense(originals, tmp_path_factory, command, words):
    folder = tmp_path_factory.mktemp("line")
    shutil.copy(originals[0].parent / "own.db", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["tunewise"])
        start = time.process_time()
        done = CliRunner().invoke(main, [command, *words])
        took = time.process_time() - start
    assert done.exit_code in EXIT_CODES, (command, words, done.output)
    assert done.exception is None or isinstance(done.exception, SystemExit), (command, words, done.exception)
    assert took < SECONDS, (command, words)
