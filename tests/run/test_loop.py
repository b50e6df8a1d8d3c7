"""The loop runs as many trials as it was told, in as many threads, and always ends with nothing running."""

import logging
import math
import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise.errors import SearchExhausted, SettingError
from tunewise.records import FrozenTrial, TrialState
from tunewise.run.loop import run_trials


class Runner:
    """Counts what runs, and how much of it at once."""

    def __init__(self, seconds=0.0, fails_at=None, error=None):
        self.seconds, self.fails_at, self.error = seconds, fails_at, error
        self.begun = self.ended = self.now = self.most = 0
        self.seen = []
        self.lock = threading.Lock()

    def __call__(self):
        with self.lock:
            number = self.begun
            self.begun += 1
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            time.sleep(self.seconds)
            if number == self.fails_at:
                raise self.error
            return FrozenTrial(number, TrialState.COMPLETE, values=(0.0,))
        finally:
            with self.lock:
                self.now -= 1
                self.ended += 1

    def run(self, n_trials=None, n_threads=1, seconds=None, callbacks=(), stopped=None):
        run_trials(
            self,
            callbacks=[self.note, *callbacks],
            n_trials=n_trials,
            seconds=seconds,
            n_threads=n_threads,
            stopped=stopped or threading.Event(),
            progress=False,
            describe=str,
            count=int,
        )

    def note(self, record):
        with self.lock:
            self.seen.append(record.number)


@given(st.integers(0, 12), st.integers(1, 5))
@settings(max_examples=30)
def test_it_runs_as_many_as_it_was_told_and_calls_back_once_each(n_trials, n_threads):
    runner = Runner()
    runner.run(n_trials, n_threads)
    assert runner.begun == runner.ended == n_trials
    assert sorted(runner.seen) == list(range(n_trials))
    assert runner.most <= n_threads


@pytest.mark.parametrize("n_threads", [1, 3])
def test_so_many_threads_work_at_once(n_threads):
    runner = Runner(seconds=0.02)
    runner.run(9, n_threads)
    assert runner.most == n_threads


def test_one_thread_is_the_callers_own():
    names = []
    Runner().run(2, callbacks=[lambda record: names.append(threading.current_thread())])
    assert names == [threading.main_thread()] * 2


def test_minus_one_is_a_thread_a_core(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    runner = Runner(seconds=0.02)
    runner.run(9, -1)
    assert runner.most == 3


@pytest.mark.parametrize("n_threads", [1, 4])
def test_a_finite_search_ends_by_itself(n_threads):
    runner = Runner(0.01, fails_at=7, error=SearchExhausted("All 7 points have been visited."))
    runner.run(None, n_threads)
    assert (
        8 <= runner.begun <= 7 + 3 * n_threads
    )  # a busy machine may let the others begin another one meanwhile
    assert runner.ended == runner.begun
    assert set(range(7)) <= set(runner.seen)


@pytest.mark.parametrize("n_threads", [1, 4])
@pytest.mark.parametrize("error", [ZeroDivisionError("x"), KeyboardInterrupt()])
def test_an_error_ends_it_after_what_is_running(n_threads, error):
    runner = Runner(seconds=0.005, fails_at=5, error=error)
    with pytest.raises(type(error)):
        runner.run(100, n_threads)
    assert 6 <= runner.begun <= 5 + 2 * n_threads
    assert runner.ended == runner.begun


@pytest.mark.parametrize("n_threads", [1, 4])
def test_an_error_in_a_callback_ends_it_too(n_threads):
    def complain(record):
        raise LookupError

    runner = Runner(seconds=0.005)
    with pytest.raises(LookupError):
        runner.run(100, n_threads, callbacks=[complain])
    assert runner.begun <= 2 * n_threads


@pytest.mark.parametrize("n_threads", [1, 4])
def test_somebody_may_stop_it(n_threads):
    stopped = threading.Event()
    runner = Runner()
    runner.run(
        None, n_threads, callbacks=[lambda record: record.number >= 9 and stopped.set()], stopped=stopped
    )
    assert 10 <= runner.begun <= 10 + 2 * n_threads
    assert len(runner.seen) == runner.begun


@pytest.mark.parametrize("n_threads", [1, 4])
def test_time_runs_out_for_new_trials_only(n_threads):
    runner = Runner(seconds=0.02)
    start = time.monotonic()
    runner.run(None, n_threads, seconds=0.1)
    assert runner.begun == runner.ended >= n_threads
    assert time.monotonic() - start >= 0.1
    assert runner.begun <= 6 * n_threads


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_trials": -1}, "n_trials is -1; it must be a whole number >= 0, or None"),
        ({"n_trials": 1.5}, "n_trials is 1.5"),
        ({"n_trials": True}, "n_trials is True"),
        ({"n_trials": "5"}, "n_trials is '5'"),
        ({"n_trials": "many"}, "n_trials is 'many'"),
        ({"n_trials": math.inf}, "n_trials is inf"),
        ({"n_trials": math.nan}, "n_trials is nan"),
        ({"seconds": 0}, "timeout is 0; it must be seconds above 0, or None"),
        ({"seconds": math.nan}, "timeout is nan"),
        ({"seconds": "1h"}, "timeout is '1h'"),
        ({"n_threads": 0}, "n_jobs is 0; it must be a whole number >= 1, or -1 for one a core"),
        ({"n_threads": -2}, "n_jobs is -2"),
        ({"n_threads": None}, "n_jobs is None"),
        ({"n_threads": 2.5}, "n_jobs is 2.5"),
    ],
)
def test_impossible_counts_are_errors_before_anything_runs(wrong, message):
    runner = Runner()
    with pytest.raises(SettingError, match=message):
        runner.run(**{"n_trials": 3, **wrong})
    assert runner.begun == 0


def test_counts_may_come_from_numpy():
    runner = Runner()
    runner.run(np.int64(3), np.int32(2), seconds=np.float32(100))
    runner.run(2.0)
    assert runner.begun == 5


def test_nothing_is_logged_by_the_loop_itself(caplog):
    with caplog.at_level(logging.DEBUG):
        Runner().run(3, 2)
    assert caplog.records == []
