"""A worker that dies is noticed, what it ran is failed or run again, and no result is dropped."""

import gc
import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import SettingError, TrialStateError
from tunewise.events import TrialReleased
from tunewise.records import Lease
from tunewise.study import Study

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.db"


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def make(path, **settings):
    return tw.create_study("s", path, sampler="random", seed=1, **settings)


def lose(study, trial):
    """What a survivor writes when the worker of ``trial`` was lost."""
    study.give_up(trial.worker)


WORKER = """
    import sys, time
    import tunewise as tw
    study = tw.load_study("s", sys.argv[1])
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    trial.report(0.5, 1)
    trial.set_user_attr("checkpoint", "step-1.pt")
    print(trial.number, flush=True)
    {then}
"""


def start_worker(path, then="time.sleep(100)"):
    code = textwrap.dedent(WORKER.format(then=then))
    worker = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    number = int(worker.stdout.readline())
    worker.stdout.close()
    return worker, number


@pytest.mark.parametrize("on_lost", ["fail", "retry"])
def test_the_trial_of_a_killed_worker_is_resolved(on_lost, path):
    study = make(path, on_lost=on_lost)
    worker, number = start_worker(path)
    worker.kill()
    worker.wait()
    trial = study.ask()  # who asks looks around first
    lost = study.trials[number]
    if on_lost == "fail":
        assert (lost.state.name, trial.number) == ("FAILED", 1)
        assert "was lost" in lost.reason
    else:
        assert (lost.state.name, trial.number, trial.attempt) == ("RUNNING", number, 2)
        assert trial.suggest_float("x", 0, 1) == lost.params["x"]
        assert trial.user_attrs["checkpoint"] == "step-1.pt"
        trial.report(0.7, 1)  # already reported by the first attempt, which counts
        trial.report(0.3, 2)
        record = study.tell(trial, 0.3)
        assert record.curves["value"] == {1: 0.5, 2: 0.3}


def test_a_worker_that_hangs_is_noticed_within_its_lease(path, monkeypatch):
    monkeypatch.setattr("tunewise.storage.lease.is_gone", lambda where: False)
    study = make(path, lease=1.2)
    worker, number = start_worker(path)
    study.ask()
    os.kill(worker.pid, signal.SIGSTOP)
    start = time.monotonic()
    wait_for(lambda: study.trials[number].state.name == "FAILED")
    assert time.monotonic() - start < 1.2 + 0.5  # the machine may be busy
    worker.kill()
    worker.wait()


def test_a_live_worker_is_left_alone(path):
    study = make(path, lease=0.5)
    trial = study.ask()
    other = tw.load_study("s", path)
    other.ask()
    time.sleep(1.0)
    assert [t.state.name for t in other.trials] == ["RUNNING"] * 2
    assert study.tell(trial, 1.0).state.name == "COMPLETE"


def test_a_trial_that_kills_every_worker_is_not_tried_for_ever(path):
    study = make(path, on_lost="retry")
    for attempt in range(1, Lease.MOST_ATTEMPTS + 1):
        other = Study(study.storage, "s", None, None)
        trial = other.ask()
        assert (trial.number, trial.attempt) == (0, attempt)
        lose(study, trial)
    assert study.trials[0].state.name == "FAILED"
    assert study.ask().number == 1


@pytest.mark.parametrize("on_lost", ["fail", "retry"])
def test_a_result_that_comes_after_all_counts(on_lost, path):
    study = make(path, on_lost=on_lost)
    trial = tw.load_study("s", path).ask()
    study.sync()
    lose(study, trial)
    assert study.trials[0].state.name == ("FAILED" if on_lost == "fail" else "QUEUED")
    trial.report(2.0, 0)
    owner = trial._desk._study
    record = owner.tell(trial, 1.5)
    assert (record.state.name, record.value, record.reason) == ("COMPLETE", 1.5, None)
    assert study.best_value == 1.5
    assert study.trials.finished.tolist() == [0]
    assert study.ask().number == 1


def test_a_late_result_is_kept_beside_the_first(path, caplog):
    study = make(path, on_lost="retry")
    first = study.ask()
    lose(study, first)
    second = study.ask()
    assert second.number == first.number
    assert study.tell(second, 1.0).value == 1.0
    record = study.tell(first, 2.0)
    assert record.value == 1.0
    (late,) = study.trials.late_results(0)
    assert (late.values, late.worker) == ((2.0,), first.worker)
    again = tw.load_study("s", path)
    assert [fact.values for fact in again.trials.late_results(0)] == [(2.0,)]
    with pytest.raises(TrialStateError, match="finished already"):
        study.tell(second, 3.0)
    with pytest.raises(TrialStateError, match="finished already"):
        study.tell(0, 3.0)


def test_a_loop_survives_the_loss_of_its_lease(path):
    study, other = make(path, on_lost="retry"), tw.load_study("s", path)

    def objective(trial):
        if trial.number == 0 and trial.attempt == 1:
            other.sync()
            other.give_up(trial.worker)
            assert other.ask().number == 0
            other.tell(0, -1.0)
        return trial.suggest_float("x", 0, 1)

    study.optimize(objective, 3)
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 3
    assert study.trials[0].value == -1.0
    assert len(study.trials.late_results(0)) == 1


def test_releasing_somebody_elses_trial_does_nothing(path):
    study = make(path)
    trial = study.ask()
    study._append([TrialReleased(0, "somebody", True, "", 0.0)])
    assert study.trials[0].state.name == "RUNNING"
    study.release(trial)
    assert study.trials[0].state.name == "QUEUED"
    study._append([TrialReleased(0, trial.worker, False, "", 0.0)])
    assert study.trials[0].state.name == "QUEUED"


def test_an_interrupted_study_goes_on_exactly_where_it_stopped(path):
    def objective(trial):
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_int("n", 1, 100)
        if trial.number == stop_at[0]:
            stop_at[0] = None
            raise KeyboardInterrupt
        return x * y

    stop_at = [None]
    whole = tw.create_study("whole", path, sampler="tpe", seed=3)
    whole.optimize(objective, 30)
    stop_at = [17]
    parts = tw.create_study("parts", path, sampler="tpe", seed=3)
    with pytest.raises(KeyboardInterrupt):
        parts.optimize(objective, 30)
    parts = tw.load_study("parts", path)
    parts.optimize(objective, 13)
    assert [t.params for t in parts.trials] == [t.params for t in whole.trials]
    assert [t.value for t in parts.trials] == [t.value for t in whole.trials]


def test_who_ends_in_order_is_not_missed(path):
    make(path)
    worker, number = start_worker(path, then="study.tell(trial, 1.0)")
    worker.wait()
    log = tw.load_study("s", path).storage
    assert log.beat("s", "me", None) == {}
    assert tw.load_study("s", path).trials[number].value == 1.0


def test_who_ends_with_a_trial_running_is_missed(path):
    study = make(path)
    worker, number = start_worker(path, then="pass")
    assert worker.wait() == 0
    study.ask()
    assert study.trials[number].state.name == "FAILED"
    assert study.tell(number, 4.0).value == 4.0  # somebody else knew the result


def test_without_a_lease_nobody_is_missed(path):
    study = make(path, lease=None)
    worker, number = start_worker(path)
    worker.kill()
    worker.wait()
    study.ask()
    assert study.trials[number].state.name == "RUNNING"
    assert study.info.lease.seconds is None


def test_the_rule_is_recorded(path):
    make(path, lease=7, on_lost="retry")
    assert tw.load_study("s", path).info.lease == Lease(7, "retry")
    for wrong in ({"lease": 0}, {"lease": -1}, {"lease": "60"}, {"lease": True}, {"on_lost": "panic"}):
        with pytest.raises(SettingError):
            tw.create_study("wrong", path, **wrong)
    assert tw.study_names(path) == ["s"]


def test_a_study_that_is_dropped_ends_its_pulse(path):
    study = make(path, lease=0.06)
    study.tell(study.ask(), 1.0)
    thread = study._pulse._thread
    del study
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()


def test_the_child_of_a_fork_is_a_worker_of_its_own(path):
    study = make(path)
    parent = study.ask()
    child = os.fork()
    if child == 0:
        try:
            trial = study.ask()
            assert trial.worker != parent.worker
            study.tell(trial, float(trial.number))
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    study.tell(parent, 0.0)
    assert [t.value for t in study.trials] == [0.0, 1.0]
    assert len({t.worker for t in study.trials}) == 2


def test_a_study_leaves_the_generators_of_a_training_alone(tmp_path, monkeypatch):
    """Heartbeats, waits for a busy file and samplers draw numbers of their own, whatever thread they are in."""
    monkeypatch.setattr("tunewise.storage.lease.CROWD", 1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before, before_np = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    study = tw.create_study("s", tmp_path / "runs.db", lease=0.3, sampler="tpe")
    blocker = sqlite3.connect(tmp_path / "runs.db", isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.3, lambda: blocker.execute("ROLLBACK"))
    end.start()
    study.optimize(lambda trial: time.sleep(0.05) or trial.suggest_float("x", 0, 1), n_trials=15, n_jobs=2)
    end.join()
    blocker.close()
    assert random.getstate() == before
    assert np.random.get_state()[1].tolist() == before_np  # noqa: NPY002
