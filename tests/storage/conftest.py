"""Stores of every kind; real servers, started when first needed and ended with the test process."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tunewise.storage import MemoryLog, open_log
from tunewise.storage.http_run import listen
from tunewise.storage.http_server import make_app
from tunewise.storage.sqlite import SqliteLog

_TOOL = Path(__file__).resolve().parents[2] / "tools" / "servers.py"
_spec = importlib.util.spec_from_file_location("tunewise_servers", _TOOL)
servers = importlib.util.module_from_spec(_spec)
__import__("sys").modules["tunewise_servers"] = servers
_spec.loader.exec_module(servers)

SERVERS = ("postgresql", "mariadb", "redis")
KINDS = ("memory", "sqlite", "directory", *SERVERS, "http")
TOKEN = "a-token-for-tests"


@pytest.fixture(scope="session")
def server_of():
    """``server_of("redis")``: the server of that kind."""
    running = {}

    def find(kind):
        if kind not in running:
            if not servers.is_installed(kind):
                pytest.skip(f"{kind} is not installed (tools/install_servers.sh installs it)")
            running[kind] = servers.start(kind)
        return running[kind]

    yield find
    for server in running.values():
        server.stop()


class HttpServer:
    """`tunewise serve` in a thread of this process."""

    def __init__(self, log, token=TOKEN, port=0):
        import uvicorn

        self.socket = listen("127.0.0.1", port)
        self.port = self.socket.getsockname()[1]
        config = uvicorn.Config(
            make_app(log, token), log_level="error", lifespan="off", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.005)
        self.base = f"http://127.0.0.1:{self.port}"
        self.url = f"http://{token}@127.0.0.1:{self.port}" if token else self.base

    def stop(self):
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()


@pytest.fixture
def serve():
    """``serve(log)``: an HTTP server for the test."""
    started = []

    def start(log, **settings):
        started.append(HttpServer(log, **settings))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def start_command():
    """``start_command("runs.db", "--port", "0")``: `tunewise serve` as a process of the test: (process, URL, token)."""
    processes = []

    def start(*arguments, **environment):
        command = [Path(sys.executable).with_name("tunewise"), "serve", *arguments]
        environment = {**os.environ, "TUNEWISE_STATE": str(Path.cwd() / "state"), **environment}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        processes.append(process)
        url = process.stdout.readline().rpartition(" at ")[2].strip()
        token = "" if "--no-token" in arguments else process.stdout.readline().rpartition("=")[2].strip()
        process.stdout.close()
        return process, url, token

    yield start
    for process in processes:
        process.kill()
        process.wait(10)


@pytest.fixture
def url_of(server_of, serve, tmp_path):
    """``url_of("mariadb")``: the URL of a store of that kind which holds no study."""

    def find(kind):
        if kind in SERVERS:
            url = server_of(kind).url
            log = open_log(url)
            for study in log.studies():
                log.delete(study)
            log.close()
            return url
        if kind == "http":
            return serve(SqliteLog(tmp_path / "served.db")).url
        return {"sqlite": f"sqlite:///{tmp_path}/s.db", "directory": f"dir:{tmp_path}/runs"}[kind]

    return find


@pytest.fixture
def opener(url_of):
    """``opener("sqlite")``: what opens one and the same new store again and again."""
    opened = []

    def find(kind):
        if kind == "memory":
            memory = MemoryLog()
            return lambda: memory
        url = url_of(kind)

        def open_it():
            opened.append(open_log(url))
            return opened[-1]

        return open_it

    yield find
    for log in opened:
        log.close()
