"""Stores for the torture tests: real ones, in a temporary folder or in a private server on loopback."""

import importlib.util
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

_TOOL = Path(__file__).resolve().parents[2] / "tools" / "servers.py"
_spec = importlib.util.spec_from_file_location("tunewise_servers", _TOOL)
servers = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("tunewise_servers", servers)
_spec.loader.exec_module(servers)

IS_FULL = os.environ.get("TUNEWISE_TORTURE") == "full"
"""`make torture` sets this; without, every test runs in a reduced form."""


@contextmanager
def store(kind, folder):
    """The URL of an empty store: "sqlite", "directory", "http" (on SQLite), "postgresql", "mariadb" or "redis"."""
    with ExitStack() as stack:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/s.db"
        elif kind == "directory":
            yield f"dir:{folder}/runs"
        elif kind == "http":
            yield stack.enter_context(HttpServer(f"sqlite:///{folder}/s.db")).url
        else:
            if not servers.is_installed(kind):
                pytest.skip(f"{kind} is not installed (tools/install_servers.sh installs it)")
            server = servers.start(kind)
            stack.callback(server.stop)
            yield server.url


class HttpServer:
    """`tunewise serve` in a process of its own; `kill` and `start` make it go and come back at the same port."""

    def __init__(self, place, host="127.0.0.1"):
        self.place, self.host, self.port = place, host, 0

    def __enter__(self):
        self.start()
        self.url = f"http://a-token-for-tests@{self.host}:{self.port}"
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        command = [
            sys.executable,
            "-c",
            "from tunewise.cli import main; main()",
            "serve",
            self.place,
            "--host",
            self.host,
            "--port",
            str(self.port),
        ]
        environment = {**os.environ, "TUNEWISE_TOKEN": "a-token-for-tests", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
