"""Ctrl-C, with real signals: once ends after the running trials, twice at once; the study goes on in both cases."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import tunewise as tw
from tunewise.run.interrupt import Unbroken, first_finishes, raise_in_main
from tunewise.run.processes import _leave
from tunewise.run.threads import Threads

SCRIPT = """
    import sys, time
    import tunewise as tw

    def train(trial):
        trial.suggest_float("x", 0, 1)
        sys.stdout.write(f"began {trial.number}\\n"); sys.stdout.flush()
        for _ in range(int(sys.argv[3]) * 100):
            time.sleep(0.01)
        return 1.0

    if __name__ == "__main__":
        tw.logging.set_verbosity(60)
        study = tw.load_study("s", sys.argv[1])
        how = {"one": {}, "threads": {"n_jobs": 2}, "processes": {"n_jobs": 2, "executor": "processes"}}[sys.argv[2]]
        try:
            study.optimize(train, 50, **how)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
"""


class Run:
    """The script in a process group of its own, which gets Ctrl-C as from a terminal: all its processes at once."""

    def __init__(self, tmp_path, kind, seconds):
        self.path = tmp_path / "s.db"
        script = tmp_path / "script.py"
        script.write_text(textwrap.dedent(SCRIPT))
        tw.create_study("s", self.path, sampler="random", seed=1)
        command = [sys.executable, str(script), str(self.path), kind, str(seconds)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        for _ in range(1 if kind == "one" else 2):
            assert self.process.stdout.readline().startswith("began")

    def press(self):
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, seconds):
        start = time.monotonic()
        out, err = self.process.communicate(timeout=30)
        assert out.splitlines()[-1] == "interrupted", err
        assert time.monotonic() - start < seconds
        return err, [trial.state.name for trial in tw.load_study("s", self.path).trials]


@pytest.mark.parametrize("kind", ["one", "threads", "processes"])
def test_once_finishes_cleanly(kind, tmp_path):
    run = Run(tmp_path, kind, 1)
    run.press()
    err, states = run.end(20)
    assert states == ["COMPLETE"] * (1 if kind == "one" else 2)
    assert "Once more" in err


@pytest.mark.parametrize("kind", ["one", "threads", "processes"])
def test_twice_ends_at_once_and_gives_the_trials_back(kind, tmp_path):
    run = Run(tmp_path, kind, 100)
    run.press()
    time.sleep(0.3)
    run.press()
    _, states = run.end(10)
    assert states == ["QUEUED"] * (1 if kind == "one" else 2)
    study = tw.load_study("s", run.path)
    params = [trial.params for trial in study.trials]
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), len(states))
    assert [trial.params for trial in study.trials] == params
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * len(states)


def test_it_leaves_the_handlers_of_others_alone():
    mine = lambda number, frame: None  # noqa: E731
    before = signal.signal(signal.SIGINT, mine)
    try:
        with first_finishes(threading.Event()):
            assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_usual_handler_is_back_afterwards():
    stopped = threading.Event()
    with pytest.raises(KeyboardInterrupt), first_finishes(stopped):
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped.wait(5)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.fixture
def asked_to_end():
    """SIGTERM asks this process to end as it does a process of `Processes`."""
    before = signal.signal(signal.SIGTERM, _leave)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_request_to_end_leaves_no_trial_running_whenever_it_comes(n, tmp_path, monkeypatch, asked_to_end):
    tw.logging.set_verbosity(60)
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1)
    append, count = study.storage.append, iter(range(1, 100))

    def append_and_be_asked(*args, **settings):
        """The n-th append is done, but nobody in this process knows it yet."""
        end = append(*args, **settings)
        if next(count) == n:
            os.kill(os.getpid(), signal.SIGTERM)
        return end

    def train(trial):
        trial.report(trial.suggest_float("x", 0, 1), 0)
        return 1.0

    monkeypatch.setattr(study.storage, "append", append_and_be_asked)
    with pytest.raises(SystemExit):
        study.optimize(train, 2)
    states = [trial.state.name for trial in tw.load_study("s", tmp_path / "s.db").trials]
    assert states == {1: ["QUEUED"], 2: ["QUEUED"], 3: ["COMPLETE"], 4: ["COMPLETE", "QUEUED"]}[n]


def test_a_request_waits_for_the_end_of_an_unbroken_step():
    done = []
    with pytest.raises(SystemExit), Unbroken():
        raise_in_main(SystemExit())
        done.append("step")
    assert done == ["step"]
    with pytest.raises(SystemExit):
        raise_in_main(SystemExit())


def test_a_thread_is_interrupted_after_its_unbroken_step():
    begun, go, done = threading.Event(), threading.Event(), []

    def work():
        with Unbroken():
            begun.set()
            go.wait(5)
            done.append("step")
        done.append("more")

    threads = Threads()
    future = threads.submit(work)
    assert begun.wait(5)
    threading.Timer(0.1, go.set).start()
    threads.interrupt()
    with pytest.raises(KeyboardInterrupt):
        future.result(5)
    assert done == ["step"]
