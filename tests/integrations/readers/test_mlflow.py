"""MLflow's folder and database hold the same experiment; nested runs, NaN, deleted runs."""

import math
import sqlite3
from contextlib import closing

import pytest

from tunewise.errors import DataError, StudyNotFound
from tunewise.integrations.readers import open_source, read_study
from tunewise.records import TrialState

# (id, status, parent, lifecycle, params, {metric: [(step, value)]})
RUNS = [
    ("p0", "FINISHED", None, "active", {"note": "sweep"}, {}),
    *(
        (f"r{i}", "FINISHED", "p0", "active", {"lr": str(10.0**-i), "opt": "adam" if i % 2 else "sgd", "bn": str(i > 2)},
         {"val_loss": [(s, 1 / (s + 1) + i) for s in range(3)], "train_loss": [(0, 0.5)]})
        for i in range(5)
    ),
    ("bad", "FAILED", None, "active", {"lr": "1.0"}, {}),
    ("nan", "FINISHED", "p0", "active", {"lr": "2.0", "opt": "sgd", "bn": "True"}, {"val_loss": [(0, 1.0), (1, math.nan)]}),
    ("old", "FINISHED", None, "deleted", {"lr": "3.0"}, {"val_loss": [(0, 9.0)]}),
]  # fmt: skip
_CODES = {"FINISHED": 3, "FAILED": 4}


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "mlruns"
    place = root / "42"
    place.mkdir(parents=True)
    (place / "meta.yaml").write_text("experiment_id: '42'\nname: cnn\nlifecycle_stage: active\n")
    for i, (key, status, parent, stage, params, metrics) in enumerate(RUNS):
        run = place / key
        for part in ("params", "metrics", "tags"):
            (run / part).mkdir(parents=True)
        (run / "meta.yaml").write_text(
            f"run_id: {key}\nrun_name: name-{key}\nstatus: {_CODES[status]}\nlifecycle_stage: {stage}\n"
            f"start_time: {1000 * (1_700_000_100 + i)}\nend_time: {1000 * (1_700_000_110 + i)}\n"
        )
        for name, value in params.items():
            (run / "params" / name).write_text(value)
        for name, curve in metrics.items():
            (run / "metrics" / name).write_text(
                "".join(f"1795625588421 {value} {step}\n" for step, value in curve)
            )
        if parent:
            (run / "tags" / "mlflow.parentRunId").write_text(parent)
    return root


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as c, c:
        c.executescript(
            "CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);"
            "CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time BIGINT, end_time BIGINT,"
            " lifecycle_stage TEXT, experiment_id INTEGER);"
            "CREATE TABLE metrics (key TEXT, value REAL, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan INTEGER);"
            "CREATE TABLE latest_metrics (key TEXT, value REAL, timestamp BIGINT, step BIGINT, is_nan INT, run_uuid TEXT);"
            "CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);"
            "CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);"
            "INSERT INTO experiments VALUES (0, 'Default', 'active'), (42, 'cnn', 'active');"
        )
        for i, (key, status, parent, stage, params, metrics) in enumerate(RUNS):
            row = (
                key,
                f"name-{key}",
                status,
                1000 * (1_700_000_100 + i),
                1000 * (1_700_000_110 + i),
                stage,
                42,
            )
            c.execute("INSERT INTO runs VALUES (?,?,?,?,?,?,?)", row)
            c.executemany("INSERT INTO params VALUES (?,?,?)", [(n, v, key) for n, v in params.items()])
            for name, curve in metrics.items():
                rows = [(name, 0 if v != v else v, 1, key, step, int(v != v)) for step, v in curve]
                c.executemany("INSERT INTO metrics VALUES (?,?,?,?,?,?)", rows)
            if parent:
                c.execute("INSERT INTO tags VALUES ('mlflow.parentRunId', ?, ?)", (parent, key))
    return path


@pytest.fixture(params=["folder", "database", "above"])
def store(request):
    if request.param == "above":
        return request.getfixturevalue("folder").parent
    return request.getfixturevalue(request.param)


def test_an_experiment_is_a_study(store):
    assert open_source(store).names() == ["cnn"]
    trials = read_study(store)
    assert [t.user_attrs["run_id"] for t in trials] == ["r0", "r1", "r2", "r3", "r4", "bad", "nan"]
    assert trials.row(1).params == {"lr": 0.1, "opt": "adam", "bn": False}
    assert trials.row(1).curves["val_loss"] == {0: 2.0, 1: 1.5, 2: pytest.approx(4 / 3)}
    assert trials.row(1).value == pytest.approx(4 / 3)
    assert trials.row(1).duration == 10.0
    assert trials.goals[0].name == "val_loss"
    assert trials.state[5:].tolist() == [TrialState.FAILED, TrialState.INFEASIBLE]
    notes = " ".join(trials.user_attrs["reader"]["notes"])
    assert "1 of the runs only hold other runs" in notes


def test_another_metric_and_names_that_are_not_there(store):
    assert read_study(store, metric="train_loss").goals[0].name == "train_loss"
    with pytest.raises(DataError, match="no column 'nope'"):
        read_study(store, metric="nope")
    with pytest.raises(StudyNotFound, match="did you mean 'cnn'"):
        read_study(store, "cn")


def test_an_experiment_without_metrics_is_a_sentence(database):
    with closing(sqlite3.connect(database)) as c, c:
        c.execute("DELETE FROM metrics")
    with pytest.raises(DataError, match="has logged a metric"):
        read_study(database)
