"""Executors of other packages: what loses, repeats or only promises a trial."""

import os
import signal
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

import tunewise as tw
from tunewise.run.futures import as_future


@pytest.fixture(autouse=True)
def quiet():
    tw.logging.set_verbosity(60)


@pytest.fixture
def study(tmp_path):
    return tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1)


class Job:
    """What submitit's executors return: no future, but it has a result."""

    def __init__(self, fn, args):
        self.outcome, self.was_cancelled = None, False
        self.thread = threading.Thread(target=self._run, args=(fn, args))
        self.thread.start()

    def _run(self, fn, args):
        try:
            self.outcome = fn(*args)
        except BaseException as error:
            self.outcome = error

    def result(self):
        self.thread.join()
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def cancel(self):
        self.was_cancelled = True


class Jobs:
    def __init__(self):
        self.jobs = []

    def submit(self, fn, *args):
        self.jobs.append(Job(fn, args))
        return self.jobs[-1]


def train(trial):
    return trial.suggest_float("x", 0, 1)


def fails(trial):
    raise ValueError("bad batch")


def test_jobs_that_can_only_be_waited_for(study):
    study.optimize(train, 5, n_jobs=2, executor=Jobs())
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 5
    with pytest.raises(ValueError, match="bad batch"):
        study.optimize(fails, 3, executor=Jobs())


def test_jobs_are_asked_to_end():
    go = threading.Event()
    job = Job(go.wait, (5,))
    future = as_future(job)
    assert not future.cancel()
    assert job.was_cancelled
    go.set()
    assert future.result(5) is True


def test_a_future_is_itself_and_what_is_neither_is_refused(study):
    future = Future()
    assert as_future(future) is future

    class Nothing:
        def submit(self, fn, *args):
            return None

    with pytest.raises(TypeError, match="no result"):
        study.optimize(train, 1, executor=Nothing())


def dies_once(trial):
    trial.suggest_float("x", 0, 1)
    if trial.number == 1 and trial.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return 1.0


@pytest.mark.parametrize("on_lost", ["fail", "retry"])
def test_a_pool_that_breaks_leaves_no_trial_running(on_lost, tmp_path):
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1, on_lost=on_lost)
    with ProcessPoolExecutor(1) as pool, pytest.raises(BrokenProcessPool):
        study.optimize(dies_once, 3, executor=pool)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "FAILED" if on_lost == "fail" else "QUEUED"]
    if on_lost == "fail":
        assert study.trials[1].reason.startswith("BrokenProcessPool")


class Repeats(Executor):
    """Runs by itself once more what its process lost, as Dask does, and SLURM with requeue."""

    def __init__(self):
        self.threads = ThreadPoolExecutor(2)
        self.n_lost = 0

    def submit(self, fn, /, *args):
        return self.threads.submit(self._run, fn, args)

    def _run(self, fn, args):
        while True:
            with ProcessPoolExecutor(1) as pool:
                try:
                    return pool.submit(fn, *args).result()
                except BrokenProcessPool:
                    self.n_lost += 1


@pytest.mark.parametrize("on_lost", ["fail", "retry"])
def test_what_an_executor_runs_again_takes_no_trial_twice(on_lost, tmp_path):
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1, on_lost=on_lost, lease=600)
    executor = Repeats()
    study.optimize(dies_once, 3, executor=executor)
    assert executor.n_lost == 1
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE" if on_lost == "retry" else "FAILED", "COMPLETE"]


@pytest.mark.parametrize("on_lost", ["fail", "retry"])
def test_a_loss_that_another_worker_noticed_first_is_one(on_lost, tmp_path):
    """The executor's own error comes after somebody gave the trial up, or even ran it again."""
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1, on_lost=on_lost)

    class Notices(Repeats):
        def _run(self, fn, args):
            with ProcessPoolExecutor(1) as pool:
                try:
                    return pool.submit(fn, *args).result()
                except BrokenProcessPool:
                    other = tw.load_study("s", tmp_path / "s.db")
                    other.give_up(other.trials[1].worker)
                    if on_lost == "retry":
                        other.tell(other.ask(), 7.0)
                    raise

    study.optimize(dies_once, 3, executor=Notices())
    states = [(trial.state.name, trial.value) for trial in study.trials]
    assert states[1] == (("FAILED", None) if on_lost == "fail" else ("COMPLETE", 7.0))
    assert len(states) == (3 if on_lost == "fail" else 4)  # what another ran does not count here


class LosesAnswers(Executor):
    """Runs everything twice, as Dask does where a worker goes after it computed and before the result was fetched."""

    def __init__(self):
        self.threads = ThreadPoolExecutor(2)

    def submit(self, fn, /, *args):
        return self.threads.submit(lambda: (fn(*args), fn(*args))[1])


def test_a_trial_whose_answer_was_lost_is_not_run_twice(study):
    study.optimize(train, 3, executor=LosesAnswers())
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3


class LosesAll(Executor):
    def submit(self, fn, /, *args):
        future = Future()
        future.set_exception(tw.errors.WorkerLost("the machine is gone"))
        return future


def test_an_executor_that_never_begins_a_trial_is_given_up(study):
    start = time.monotonic()
    with pytest.raises(tw.errors.WorkerLost, match="gone"):
        study.optimize(train, 1000, n_jobs=3, executor=LosesAll())
    assert len(study.trials) == 0
    assert time.monotonic() - start < 20
