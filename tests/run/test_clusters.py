"""Dask's and submitit's executors."""

import os
import signal
import sys

import pytest

import tunewise as tw

pytestmark = pytest.mark.filterwarnings("default")  # theirs


@pytest.fixture(autouse=True)
def quiet():
    tw.logging.set_verbosity(60)
    cloudpickle = pytest.importorskip("cloudpickle", reason="pip install distributed submitit")
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # their processes do not have this file


@pytest.fixture
def dask():
    distributed = pytest.importorskip("distributed", reason="pip install distributed")
    quick = {"host": "127.0.0.1", "dashboard_address": None}
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, **quick)
    with cluster, distributed.Client(cluster) as client:
        yield client.get_executor()


@pytest.fixture
def submitit(tmp_path):
    package = pytest.importorskip("submitit", reason="pip install submitit")
    executor = package.AutoExecutor(folder=tmp_path / "logs", cluster="local")
    executor.update_parameters(timeout_min=5)
    return executor


def dies_once(trial):
    x = trial.suggest_float("x", 0, 1)
    if trial.number == 1 and trial.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


@pytest.mark.parametrize("kind", ["dask", "submitit"])
@pytest.mark.parametrize("on_lost", ["retry", "fail"])
def test_a_worker_that_is_killed_loses_its_own_trial_only(kind, on_lost, tmp_path, request):
    executor = request.getfixturevalue(kind)
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1, on_lost=on_lost)
    ended = []
    study.optimize(dies_once, 4, n_jobs=2, executor=executor, callbacks=[lambda s, t: ended.append(t.number)])
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE" if on_lost == "retry" else "FAILED", "COMPLETE", "COMPLETE"]
    assert [study.trials.attempts(number) for number in range(4)] == [1, 1 + (on_lost == "retry"), 1, 1]
    assert sorted(ended) == [0, 1, 2, 3]
