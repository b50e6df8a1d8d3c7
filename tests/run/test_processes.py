"""Trials in processes of their own: what dies there ends its own trial only."""

import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.records import TrialState

pytestmark = pytest.mark.usefixtures("quiet")


def tells_its_process(trial):
    trial.set_user_attr("pid", os.getpid())
    trial.set_user_attr("gpu", os.environ.get("CUDA_VISIBLE_DEVICES"))
    return trial.suggest_float("x", 0, 1)


def misbehaves(trial):
    trial.suggest_float("x", 0, 1)
    if trial.number == 0:
        time.sleep(60)
    if trial.number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if trial.number == 2:
        raise ValueError("bad batch")
    return 1.0


def test_each_trial_has_a_process_and_one_gpu(study):
    seen = []
    executor = tw.Processes(gpus=["3", "5"])
    study.optimize(
        tells_its_process, 4, n_jobs=2, executor=executor, callbacks=[lambda s, t: seen.append(t.number)]
    )
    attrs = [trial.user_attrs for trial in study.trials]
    assert len({each["pid"] for each in attrs} | {os.getpid()}) == 5
    assert {each["gpu"] for each in attrs} <= {"3", "5"}
    assert sorted(seen) == [0, 1, 2, 3]
    assert "CUDA_VISIBLE_DEVICES" not in os.environ or os.environ["CUDA_VISIBLE_DEVICES"] not in ("3", "5")


def test_what_hangs_or_dies_fails_alone(study):
    study.optimize(misbehaves, 4, executor=tw.Processes(trial_seconds=6), catch=ValueError)
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.FAILED] * 3 + [TrialState.COMPLETE]
    reasons = [trial.reason for trial in study.trials]
    assert "its time limit" in reasons[0]
    assert "SIGKILL" in reasons[1]
    assert reasons[2] == "ValueError: bad batch"


def test_an_error_that_is_not_caught_is_raised_with_where_it_came_from(study):
    study.enqueue_trial({})
    study.enqueue_trial({})
    study.tell(study.ask(), 1.0)
    study.tell(study.ask(), 1.0)
    with pytest.raises(ValueError, match="bad batch") as caught:
        study.optimize(misbehaves, 5, executor="processes")
    assert "in misbehaves" in str(caught.value.__cause__)
    assert len(study.trials) == 3


def test_suggestions_do_not_depend_on_where_trials_run(study, tmp_path):
    study.optimize(tells_its_process, 3, executor="processes")
    here = tw.create_study("s", tmp_path / "here.db", sampler="random", seed=1)
    here.optimize(tells_its_process, 3)
    assert [trial.params for trial in study.trials] == [trial.params for trial in here.trials]


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_will_do(study, kind):
    with kind(2) as pool:
        study.optimize(tells_its_process, 6, n_jobs=2, executor=pool)
        study.optimize(tells_its_process, 2, n_jobs=2, executor=pool)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 8


def test_a_study_in_memory_cannot_be_run_elsewhere():
    with pytest.raises(SettingError, match=r"runs\.db"):
        tw.create_study().optimize(tells_its_process, 1, executor="processes")


@pytest.mark.parametrize("wrong", [{"trial_seconds": 0}, {"gpus": 0}, {"gpus": []}])
def test_impossible_settings(wrong):
    with pytest.raises(SettingError):
        tw.Processes(**wrong)


def test_an_unknown_executor(study):
    with pytest.raises(SettingError, match="'dask'"):
        study.optimize(tells_its_process, 1, executor="dask")


def dies_once(trial):
    trial.suggest_float("x", 0, 1)
    if trial.number == 1 and trial.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return 1.0


def test_the_time_limit_does_not_count_the_start_of_the_process(study):
    study.optimize(tells_its_process, 1, executor=tw.Processes(trial_seconds=0.5))  # starting takes longer
    assert study.trials[0].state == TrialState.COMPLETE


def test_a_lost_trial_counts_when_it_ends(tmp_path):
    study = tw.create_study("s", tmp_path / "retry.db", sampler="random", seed=1, on_lost="retry")
    seen = []
    study.optimize(dies_once, 3, executor="processes", callbacks=[lambda s, t: seen.append(t.number)])
    assert [(t.state.name, study.trials.attempts(t.number)) for t in study.trials] == [
        ("COMPLETE", 1),
        ("COMPLETE", 2),
        ("COMPLETE", 1),
    ]
    assert sorted(seen) == [0, 1, 2]


def test_an_executor_that_was_passed_in_stays_open_after_an_error(study):
    executor = tw.Processes()
    with pytest.raises(ValueError, match="bad batch"):
        study.optimize(fails, 1, executor=executor)
    study.optimize(tells_its_process, 1, executor=executor)
    assert [trial.state.name for trial in study.trials] == ["FAILED", "COMPLETE"]
    executor.shutdown()


def fails(trial):
    raise ValueError("bad batch")
