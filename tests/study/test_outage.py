"""A storage that goes away stops no training and loses no result."""

import threading
import time

import pytest

import tunewise as tw
from tunewise.errors import StorageUnreachable
from tunewise.storage import MemoryLog
from tunewise.study import Study

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    tw.logging.set_verbosity(60)
    monkeypatch.setenv("TUNEWISE_STATE", str(tmp_path / "state"))


class Away:
    """A log that goes away and comes back; to the study it looks like a remote one."""

    url = "away"
    generation = 0

    def __init__(self):
        self.log, self.is_away, self.loses_answers = MemoryLog(), False, False

    def __getattr__(self, name):
        method = getattr(self.log, name)

        def call(*args, **extra):
            if self.is_away:
                raise StorageUnreachable("the storage does not answer.")
            result = method(*args, **extra)
            if self.loses_answers and name == "append":
                raise StorageUnreachable("the answer was lost.")
            return result

        return call


@pytest.fixture
def log():
    return Away()


@pytest.fixture
def study(log):
    return tw.create_study("s", log, sampler="random", seed=1)


def test_a_training_goes_on_during_an_outage(study, log):
    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        if trial.number == 1:
            log.is_away = True
            threading.Timer(0.6, lambda: setattr(log, "is_away", False)).start()
        for step in range(3):
            trial.report(x + step, step)
            trial.should_prune()
        trial.set_user_attr("done", True)
        return x

    records = []
    study.optimize(objective, 4, callbacks=[lambda _, record: records.append(record)])
    again = Study(log, "s", None, None)
    assert [t.state.name for t in again.trials] == ["COMPLETE"] * 4
    assert all(len(t.curves["value"]) == 3 and t.user_attrs["done"] for t in again.trials)
    assert [record.value for record in records] == [t.value for t in again.trials]
    assert len(log.log.read("s", 0)) == len(set(map(str, log.log.read("s", 0))))


def test_answers_that_are_lost_change_nothing(study, log):
    stop = threading.Event()

    def flicker():
        while not stop.wait(0.003):
            log.loses_answers = not log.loses_answers
        log.loses_answers = False

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        study.optimize(lambda trial: time.sleep(0.002) or trial.suggest_float("x", 0, 1), 8)
    finally:
        stop.set()
        thread.join()
    study._delivery.catch_up()
    again = Study(log, "s", None, None)
    assert len(again.trials) == 8
    assert (again.trials.state != tw.TrialState.RUNNING).all()
    kinds = [type(fact).__name__ for batch in log.log.read("s", 0) for fact in batch]
    assert kinds.count("TrialStarted") == kinds.count("TrialFinished") == 8


def test_telling_says_where_the_result_is_kept(study, log):
    trial = study.ask()
    log.is_away = True
    with pytest.raises(StorageUnreachable, match=r"kept in .*jsonl"):
        study.tell(trial, 1.5)
    log.is_away = False
    assert study.ask().number == 1
    assert study.trials[0].value == 1.5


def test_asking_without_a_storage_is_an_error_after_a_bounded_wait(study, log, monkeypatch):
    log.is_away = True
    start = time.monotonic()
    with pytest.raises(StorageUnreachable):
        study.ask()
    monkeypatch.setattr("tunewise.study.study._PATIENCE_SECONDS", 0.5)
    with pytest.raises(StorageUnreachable):
        study.optimize(lambda trial: 1.0, 2)
    assert time.monotonic() - start < 5
    log.is_away = False
    study.optimize(lambda trial: 1.0, 2)
    assert len(study.trials) == 2


def test_a_claim_whose_answer_was_lost_is_taken_up_again(study, log):
    study.ask()
    log.loses_answers = True
    with pytest.raises(StorageUnreachable):
        study.ask()
    log.loses_answers = False
    assert study.ask().number == 1
    assert len(study.trials) == 2


def test_a_log_that_lost_its_tail_is_read_anew(study, log):
    for _ in range(5):
        study.tell(study.ask(), 1.0)
    running = study.ask()
    kept = log.log._studies["s"]
    del kept.batches[7:]  # a server came up without its last batches
    kept.ops.clear()
    log.generation += 1
    other = Study(log, "s", None, None)
    for i in range(3):
        other.tell(other.ask(), float(i))
    n_trials = len(other.trials)
    assert study.ask().number == n_trials
    assert [t.state for t in study.trials][:-1] == [t.state for t in other.trials][: len(study.trials) - 1]
    study.tell(running, 7.0) if study.trials.is_open(running.number) else None
    assert repr(list(Study(log, "s", None, None).trials)) == repr(list(study.trials))
