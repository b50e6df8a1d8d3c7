"""Threads give what their calls give, and can be asked to end."""

import threading
import time

import pytest

from tunewise.run.threads import Threads


def test_results_and_errors_come_back():
    threads = Threads()
    assert threads.submit(lambda: 7).result(5) == 7
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 / 0).result(5)


def test_what_runs_is_interrupted():
    begun = threading.Event()

    def work():
        begun.set()
        while True:
            time.sleep(0.01)

    threads = Threads()
    future = threads.submit(work)
    begun.wait(5)
    threads.interrupt()
    with pytest.raises(KeyboardInterrupt):
        future.result(5)
