"""A study that was opened before a fork, in spawned processes and in threads: every trial once, no two alike."""

import multiprocessing
import os
import threading

import pytest
from stores import store

import tunewise as tw

N = 10


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
