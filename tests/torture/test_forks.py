"""A study that was opened before a fork, in spawned processes and in threads: every trial once, no two alike."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from stores import IS_FULL, store

import tunewise as tw

N = 10
OPTUNA = """
import sys, optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(storage=f"sqlite:///{sys.argv[1]}", sampler=optuna.samplers.RandomSampler())
print("begun", flush=True)
study.optimize(lambda trial: trial.suggest_float("x", 0, 1) + 1)
"""


def objective(trial):
    trial.set_user_attr("pid", os.getpid())
    return trial.suggest_float("x", 0, 1)


def spawned(url):
    tw.logging.set_verbosity(60)
    tw.load_study("s", url).optimize(objective, N)


@pytest.mark.parametrize("how", ["fork", "spawn", "threads", "fork within threads"])
@pytest.mark.parametrize("kind", ["sqlite", "directory", "postgresql", "redis", "http"])
def test_three_workers(kind, how, tmp_path):
    with store(kind, tmp_path) as url:
        study = tw.create_study("s", url, sampler="random", seed=1)
        study.optimize(objective, N)  # connections, threads and locks are in use
        if how == "threads":
            workers = [threading.Thread(target=study.optimize, args=(objective, N)) for _ in range(3)]
        elif how == "spawn":
            workers = [
                multiprocessing.get_context("spawn").Process(target=spawned, args=(url,)) for _ in range(3)
            ]
        else:
            context = multiprocessing.get_context("fork")
            workers = [context.Process(target=study.optimize, args=(objective, N)) for _ in range(3)]
        beside = threading.Thread(target=study.optimize, args=(objective, N), kwargs={"n_jobs": 2})
        if how == "fork within threads":
            beside.start()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if how == "fork within threads":
            beside.join()
        n = N * (5 if how == "fork within threads" else 4)
        trials = tw.load_study("s", url).trials
        assert [row.state.name for row in trials] == ["COMPLETE"] * n
        assert len({row.params["x"] for row in trials}) == n
        assert study.trials.unreadable == []


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_forks_in_the_middle_of_reading_another_programs_file(mode, tmp_path):
    """Optuna writes, a thread reads, and children that are forked meanwhile read as well: all of them read what is there."""
    file = tmp_path / "optuna.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    writer = subprocess.Popen([sys.executable, "-c", OPTUNA, str(file)], stdout=subprocess.PIPE)
    over, errors = threading.Event(), []

    def read():
        try:
            while not over.is_set():
                sums_up(file)
        except BaseException as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    context = multiprocessing.get_context("fork")
    try:
        assert writer.stdout.readline() == b"begun\n"
        sums_up(file)  # all modules are imported: a fork within an import hangs by itself
        reader.start()
        for _ in range(60 if IS_FULL else 10):
            child = context.Process(target=sums_up, args=(file,))
            child.start()
            child.join(20)
            hangs = child.is_alive()
            child.kill()
            child.join()
            assert not hangs
            assert child.exitcode == 0
    finally:
        over.set()
        writer.kill()
        writer.wait()
        writer.stdout.close()
    reader.join()
    assert errors == []
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def sums_up(file):
    """Every trial that is finished has its value and its parameter."""
    trials = tw.read_study(str(file))
    assert all(row.values == (row.params["x"] + 1,) for row in trials if row.state.name == "COMPLETE")
