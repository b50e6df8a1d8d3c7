"""What happens to disks, clocks and connections in the middle of a study: nothing is lost, and the message says what it was."""

import dataclasses
import multiprocessing
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress

import pytest
from stores import IS_FULL, HttpServer, servers

import tunewise as tw
from tunewise.errors import StorageError, StorageUnreachable
from tunewise.events import StudyNoted
from tunewise.storage import open_log, sql

MEGABYTE = 2**20


def objective(trial):
    time.sleep(0.01)
    return trial.suggest_float("x", 0, 1)


def fill(folder):
    """Leave no room on a disk."""
    filler = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    with suppress(OSError):
        while True:
            os.write(filler, b"x" * 4096)
    os.close(filler)


@pytest.fixture
def disk(tmp_path):
    """A disk of 1 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(params=["sqlite", "directory"])
def study(request, disk):
    place = {"sqlite": f"sqlite:///{disk}/s.db", "directory": f"dir:{disk}/runs"}[request.param]
    made = tw.create_study("s", place, sampler="random", seed=1)
    made.place = place
    return made


def test_a_full_disk(study, disk):
    study.optimize(objective, 3)
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    fill(disk)
    with pytest.raises(StorageUnreachable, match="disk is not full"):
        for i in range(1000):
            study.set_user_attr("long", "y" * 10_000 + str(i))
    trial.report(0.5, 1)  # a running trial goes on
    try:
        study.tell(trial, 0.5)
    except StorageUnreachable as kept:
        assert "is kept in" in str(kept)
    (disk / "filler").unlink()
    study.optimize(objective, 3)
    trials = tw.load_study("s", study.place).trials
    assert [row.state.name for row in trials] == ["COMPLETE"] * 7
    assert trials[3].curves == {"value": {1: 0.5}}


def test_optimize_goes_on_when_a_full_disk_has_room_again(study, disk):
    def crowded(trial):
        value = objective(trial)
        if trial.number == 1:
            fill(disk)
            threading.Timer(1.0, (disk / "filler").unlink).start()
        return value

    study.optimize(crowded, 6)
    assert [row.state.name for row in tw.load_study("s", study.place).trials] == ["COMPLETE"] * 6


def test_a_disk_that_is_read_only_for_a_while(study, disk):
    study.optimize(objective, 3)
    study.storage.close()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(StorageError, match=r"read-only|readonly|Read-only|unable to open"):
        study.ask()
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    study.optimize(objective, 3)
    assert [row.state.name for row in tw.load_study("s", study.place).trials] == ["COMPLETE"] * 6


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_clock_that_is_set(step, tmp_path, monkeypatch):
    """Nobody is declared dead, and the order of facts does not depend on it."""
    now = time.time
    place = tmp_path / "s.db"
    study = tw.create_study("s", place, sampler="random", seed=1, lease=0.6)
    other = tw.load_study("s", place)
    running = other.ask()
    study.optimize(objective, 3)
    monkeypatch.setattr(time, "time", lambda: now() + step)
    study.optimize(objective, 3)
    time.sleep(1.0)
    assert study.trials[running.number].state.name == "RUNNING"
    other.tell(running, 1.0)
    trials = tw.load_study("s", place).trials
    assert [row.state.name for row in trials] == ["COMPLETE"] * 7


class Cable:
    """A connection to a server that can be cut: what is sent is held back, and nothing is answered."""

    def __init__(self, port):
        self.target, self.open = port, threading.Event()
        self.open.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                self.open.wait()
                sink.sendall(data)
        except OSError:
            pass
        finally:
            source.close()
            sink.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["http", "postgresql", "redis"])
def test_a_connection_that_is_cut_for_a_while(kind, tmp_path):
    cut = 30.0 if IS_FULL else 1.5
    if kind == "http":
        server = HttpServer(f"sqlite:///{tmp_path}/s.db").__enter__()
    elif servers.is_installed(kind):
        server = servers.start(kind)
    else:
        pytest.skip(f"{kind} is not installed")
    cable = Cable(server.port)
    url = server.url.replace(f":{server.port}", f":{cable.port}")
    study = tw.create_study("s", url, sampler="random", seed=1)
    threading.Timer(0.3, cable.open.clear).start()
    threading.Timer(0.3 + cut, cable.open.set).start()
    start = time.monotonic()
    study.optimize(objective, 100, n_jobs=2)
    took = time.monotonic() - start
    study.detach()
    trials = tw.load_study("s", server.url).trials
    print(f"{kind}: cut for {cut} s, 100 trials in {took:.1f} s")
    assert [row.state.name for row in trials] == ["COMPLETE"] * 100
    assert took > cut
    cable.listener.close()
    server.kill() if kind == "http" else server.stop()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["http", "postgresql", "mariadb", "redis"])
def test_a_server_that_crashes_and_comes_back(kind, tmp_path):
    if kind == "http":
        server = HttpServer(f"sqlite:///{tmp_path}/s.db").__enter__()
        crash, back = server.kill, server.start
    elif servers.is_installed(kind):
        server = servers.start(kind, **({"appendfsync": "always"} if kind == "redis" else {}))
        crash, back = lambda: server.stop(signal.SIGKILL, keep=True), server.again
    else:
        pytest.skip(f"{kind} is not installed")
    study = tw.create_study("s", server.url, sampler="random", seed=1)

    def restart():
        time.sleep(0.3)
        crash()
        time.sleep(1.0)
        try:
            back()
        except Exception:
            study.stop()  # nobody waits for a server that does not come back
            raise

    thread = threading.Thread(target=restart)
    thread.start()
    told = {}
    n_trials = 150 if IS_FULL else 80
    study.optimize(
        objective, n_trials, n_jobs=2, callbacks=[lambda s, row: told.update({row.number: row.values})]
    )
    thread.join()
    study._delivery.catch_up()
    trials = tw.load_study("s", server.url).trials
    assert [row.number for row in trials] == list(range(len(trials)))
    assert all(trials[number].values == values for number, values in told.items())
    assert [row.state.name for row in trials] == ["COMPLETE"] * n_trials
    study.detach()
    server.kill() if kind == "http" else server.stop()


def stops_in_the_middle(url, begin):
    """A worker whose machine is suspended between the statements of one append."""
    sql.DIALECTS["mariadb"] = dataclasses.replace(sql.DIALECTS["mariadb"], begin=begin)
    log = open_log(url)
    after_the_first = log._several

    def several(connection, statements, values):
        log._execute(connection, statements[0], **values)
        os.kill(os.getpid(), signal.SIGSTOP)
        return after_the_first(connection, statements, values)

    log._several = several
    log.append("s", [StudyNoted({"by": "stopped"})])


@pytest.mark.timeout(120)
def test_a_worker_that_is_stopped_in_mid_transaction_holds_nobody_up_for_long():
    """MariaDB takes several statements for an append; it ends the transaction of one that says nothing more."""
    if not servers.is_installed("mariadb"):
        pytest.skip("mariadb is not installed")
    server = servers.start("mariadb")
    tw.create_study("s", server.url).detach()
    begin, seconds = sql.DIALECTS["mariadb"].begin, 20
    assert begin.endswith(f" {seconds}")
    if not IS_FULL:
        begin, seconds = f"{begin.removesuffix(str(seconds))}2", 2
    worker = multiprocessing.get_context("spawn").Process(
        target=stops_in_the_middle, args=(server.url, begin)
    )
    worker.start()
    while os.waitid(os.P_PID, worker.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.02)
    start = time.monotonic()
    other = open_log(server.url)
    other.append("s", [StudyNoted({"by": "other"})])
    took = time.monotonic() - start
    print(f"held up for {took:.1f} s")
    assert seconds / 2 < took < seconds + 5
    worker.kill()
    worker.join()
    server.stop()
