"""Trials on a Ray cluster, with machines that are lost in the middle.

Ray is not among the packages of the tests: `make torture` installs it. `TUNEWISE_TORTURE=full` takes the larger cluster.
"""

import os
import signal
import sys
import threading
import time

import pytest

import tunewise as tw
from tunewise.errors import MissingExtra, SettingError

ray = pytest.importorskip("ray", reason='pip install "tunewise[ray]"')
pytestmark = pytest.mark.filterwarnings("default")  # Ray's own

IS_FULL = os.environ.get("TUNEWISE_TORTURE") == "full"
N_NODES, N_KILLED, N_TRIALS = (4, 2, 200) if IS_FULL else (2, 1, 12)


@pytest.fixture(autouse=True)
def quiet():
    tw.logging.set_verbosity(60)


@pytest.fixture(scope="module")
def cluster():
    """A cluster of `N_NODES` machines of two cores, and a head without any; lost machines are replaced."""
    from ray.cluster_utils import Cluster

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # its machines do not have this file
    quick = {"include_dashboard": False, "object_store_memory": 80 * 2**20}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **quick})
    made.fill = lambda: [
        made.add_node(num_cpus=2, resources={"slot": 2}, **quick)
        for _ in range(N_NODES + 1 - len(made.list_all_nodes()))
    ]
    made.fill()
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


def train(trial):
    x = trial.suggest_float("x", 0, 1)
    trial.set_user_attr("node", ray.get_runtime_context().get_node_id())
    for step in range(5):
        trial.report(x, step)
        time.sleep(0.06)
    return x


def kill_machines(cluster, path, ended):
    """After a third of the trials, end machines that are running one, with all their processes."""
    killed = []
    while len(killed) < N_KILLED:
        time.sleep(0.05)
        running = [t for t in tw.load_study("s", path).trials if t.state.name == "RUNNING"]
        busy = {trial.user_attrs.get("node") for trial in running}
        for node in cluster.list_all_nodes():
            if len(ended) >= N_TRIALS // 3 and len(killed) < N_KILLED and node.node_id in busy:
                cluster.remove_node(node, allow_graceful=False)
                killed.append(node.node_id)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("on_lost", ["retry", "fail"])
def test_lost_machines_lose_no_trial(on_lost, cluster, tmp_path):
    cluster.fill()
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1, on_lost=on_lost)
    ended = []
    killer = threading.Thread(target=kill_machines, args=(cluster, tmp_path / "s.db", ended))
    killer.start()
    study.optimize(
        train, N_TRIALS, n_jobs=2 * N_NODES, executor="ray", callbacks=[lambda s, t: ended.append(t.number)]
    )
    killer.join()
    trials = tw.load_study("s", tmp_path / "s.db").trials
    states = [trial.state.name for trial in trials]
    attempts = sum(trials.attempts(trial.number) for trial in trials)
    n_failed = states.count("FAILED")
    print(
        f"\n{on_lost}: {len(states)} trials, {n_failed} failed, {attempts} attempts; {N_KILLED} of {N_NODES} machines lost"
    )
    assert sorted(ended) == list(range(N_TRIALS)) == [trial.number for trial in trials]
    assert set(states) == {"COMPLETE"} | ({"FAILED"} if on_lost == "fail" else set())
    n_lost = n_failed if on_lost == "fail" else attempts - N_TRIALS
    assert 1 <= n_lost <= 2 * N_KILLED


def misbehaves(trial):
    trial.suggest_float("x", 0, 1)
    if trial.number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if trial.number == 1:
        raise ValueError("bad batch")
    return 1.0


def test_what_dies_or_raises_fails_alone_and_resources_are_kept_to(cluster, tmp_path):
    cluster.fill()
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1)
    executor = tw.Ray(cpus=0.5, resources={"slot": 1})
    assert executor.n_slots == 2 * N_NODES
    study.optimize(misbehaves, 3, executor=executor, catch=ValueError)
    assert [trial.state.name for trial in study.trials] == ["FAILED", "FAILED", "COMPLETE"]
    assert "Worker" in study.trials[0].reason
    assert study.trials[1].reason == "ValueError: bad batch"
    with pytest.raises(ValueError, match="bad batch"):
        study.optimize(raises, 3, executor=executor)
    study.optimize(lambda trial: 2.0, 2, n_jobs=-1, executor=executor)  # what is not importable is sent along
    assert [trial.state.name for trial in study.trials][-2:] == ["COMPLETE"] * 2


def raises(trial):
    raise ValueError("bad batch")


def test_interrupted_trials_are_given_back(cluster, tmp_path):
    cluster.fill()
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1)
    executor = tw.Ray()
    begun = tmp_path / "begun"

    def slow(trial):
        trial.suggest_float("x", 0, 1)
        begun.touch()
        for _ in range(3000):
            time.sleep(0.01)
        return 1.0

    def press():
        while not begun.exists():
            time.sleep(0.02)
        executor.end_running()

    threading.Thread(target=press).start()
    with pytest.raises(Exception, match="cancelled"):
        study.optimize(slow, 1, executor=executor)
    assert [trial.state.name for trial in study.trials] == ["QUEUED"]


@pytest.mark.parametrize("wrong", [{"cpus": -1}, {"gpus": float("nan")}, {"max_retries": 3}])
def test_impossible_settings(wrong):
    with pytest.raises(SettingError):
        tw.Ray(**wrong)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"tunewise\[ray\]"):
        tw.Ray()
