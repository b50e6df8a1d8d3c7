"""A worker whose network is cut, loses packets, or leads to a server that is silent: it waits, and nothing is lost or twice."""

import json
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from network import Cable
from stores import IS_FULL, HttpServer, servers

import tunewise as tw

SECONDS = 30.0 if IS_FULL else 1.5
KINDS = ["http", "postgresql", "mariadb", "redis"] if IS_FULL else ["http", "postgresql"]
HEALED_WITHIN = 5.0
NOT_HELD_UP = 1.5
"""Seconds for which others may be without a result, on a machine that has other things to do."""


@pytest.fixture(scope="module")
def cable():
    try:
        made = Cable()
    except OSError as error:
        pytest.skip(f"this machine makes no network namespaces with devices ({error})")
    yield made
    made.close()


class Server:
    """A server of a kind at this end of the cable."""

    def __init__(self, kind, host, folder):
        if kind == "http":
            self.server = HttpServer(f"sqlite:///{folder}/s.db", host).__enter__()
            self.crash, self.again, self.stop = self.server.kill, self.server.start, self.server.kill
        else:
            self.server = servers.start(
                kind, host=host, **({"appendfsync": "always"} if kind == "redis" else {})
            )
            self.crash = lambda: self.server.stop(signal.SIGKILL, keep=True)
            self.again, self.stop = self.server.again, self.server.stop
        self.url = self.server.url

    def signal(self, number):
        """To its process, and those that it has started."""
        pid = self.server.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            os.kill(each, number)


@pytest.fixture(scope="module", params=KINDS)
def server(request, cable, tmp_path_factory):
    kind = request.param
    if kind != "http" and not servers.is_installed(kind):
        pytest.skip(f"{kind} is not installed (tools/install_servers.sh installs it)")
    made = Server(kind, cable.here, tmp_path_factory.mktemp(kind))
    made.kind = kind
    yield made
    made.stop()


def cut(cable, server):
    cable.is_cut = True
    time.sleep(SECONDS)
    cable.is_cut = False


def lose_packets(cable, server):
    cable.loss, cable.delay = 0.3, 0.02
    time.sleep(SECONDS)
    cable.loss, cable.delay = 0.0, 0.0


def slow_down(cable, server):
    cable.delay = 2.0 if IS_FULL else 0.3
    time.sleep(SECONDS)
    cable.delay = 0.0


def freeze(cable, server):
    server.signal(signal.SIGSTOP)
    time.sleep(SECONDS)
    server.signal(signal.SIGCONT)


def restart_unseen(cable, server):
    """The worker's connection ends without a word, and the new server knows nothing of it."""
    cable.is_cut = True
    server.crash()
    time.sleep(SECONDS)
    server.again()
    cable.is_cut = False


class Beside:
    """A worker at this end of the cable, in a thread."""

    def __init__(self, url):
        self.study, self.times = tw.load_study("s", url), []
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        def objective(trial):
            time.sleep(0.05)
            return trial.suggest_float("x", 0, 1)

        self.study.optimize(objective, callbacks=[lambda *_: self.times.append(time.monotonic())])

    def end(self):
        self.study.stop()
        self.thread.join()
        self.study.detach()


def wait_for(condition, seconds, what):
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + seconds, f"{what}: not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - start


TROUBLES = [cut, lose_packets, slow_down, freeze, restart_unseen] if IS_FULL else [cut, restart_unseen]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_worker_at_the_far_end(trouble, server, cable, tmp_path):
    diary = tmp_path / "diary"
    study = tw.create_study("s", server.url, sampler="random", seed=1)

    def n_far():
        return sum(row.state.name == "COMPLETE" and row.worker != beside.study.worker for row in study.trials)

    with ExitStack() as stack:
        beside = Beside(server.url)
        stack.callback(beside.end)
        worker = cable.start(
            sys.executable, str(Path(__file__).with_name("network.py")), server.url, str(diary)
        )
        stack.callback(worker.kill)
        wait_for(lambda: n_far() >= 5, 30, "the first trials")
        start = time.monotonic()
        trouble(cable, server)
        healed, known = time.monotonic(), n_far()
        after = wait_for(lambda: n_far() > known, 60, f"a result after {trouble.__name__}")
        Path(f"{diary}.stop").touch()
        assert worker.wait(60) == 0
    stalls = [b - a for a, b in pairwise(beside.times) if b > start and a < healed]
    trials = tw.load_study("s", server.url).trials
    told = [json.loads(line) for line in diary.read_text().splitlines()]
    print(
        f"\n{server.kind}, {trouble.__name__} for {SECONDS:g} s: a result {after:.1f} s after the end, {len(trials)} trials, "
        f"longest stall beside it {max(stalls):.2f} s"
    )
    tw.delete_study("s", server.url)
    assert [row.state.name for row in trials] == ["COMPLETE"] * len(trials)
    assert [row.number for row in trials] == list(range(len(trials)))
    assert len(told) == len({number for number, _, _ in told}) >= known
    assert all(trials[number].values == (value,) for number, value, _ in told)
    in_one_trip = (
        server.kind != "mariadb"
    )  # an append on MariaDB takes several, and the others wait for the last
    assert after <= HEALED_WITHIN or (trouble is slow_down and not in_one_trip)
    if trouble is cut or (trouble in (lose_packets, slow_down) and in_one_trip):
        assert max(stalls) <= NOT_HELD_UP
