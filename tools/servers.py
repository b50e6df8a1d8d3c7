"""Private PostgreSQL, MariaDB and Redis servers on loopback, for tests and benchmarks.

As a program, ``python tools/servers.py postgresql redis`` starts some, prints their URLs as JSON, and stops them when its
standard input ends (or on Ctrl-C). As a module, `start` gives a `Server`. A server ends with the process that started it.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# PR_SET_PDEATHSIG follows the thread that forked, not its process: started by a thread that ends, a server would end with it.
_nursery = ThreadPoolExecutor(1)


@dataclass
class Server:
    """A running server: its URL, its address, its process, its folder."""

    url: str
    host: str
    port: int
    command: list[str]
    user: str | None
    folder: Path
    process: subprocess.Popen[bytes]
    end_signal: signal.Signals

    def stop(self, how: signal.Signals | None = None, keep: bool = False) -> None:
        """End it (``how=SIGKILL``: as a crash does), and with ``keep=False`` remove its data."""
        if self.process.poll() is None:
            self.process.send_signal(how or self.end_signal)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def again(self, seconds: float = 60.0) -> None:
        """Start it again on the same data and port, trying on while what a crash left behind still holds them."""
        deadline = time.monotonic() + seconds
        while True:
            self.process = _spawn(self.command, self.user, self.folder / "log")
            try:
                return _wait_for(self.host, self.port, self.process, self.folder / "log")
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)


def start(kind: str, port: int = 0, host: str = "127.0.0.1", **settings: str) -> Server:
    """Start a server of a kind ("postgresql", "mariadb", "redis") at an address, with additional settings."""
    makers = {"postgresql": _postgresql, "mariadb": _mariadb, "redis": _redis}
    return makers[kind](host, port or _free_port(host), settings)


def is_installed(kind: str) -> bool:
    """Whether the programs of a server are here, and a user under whom root may run them."""
    if kind == "postgresql":
        found = shutil.which("postgres") or any(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        return bool(found) and _may_run_as("postgres")
    if kind == "mariadb":
        found = shutil.which("mariadbd") or Path("/usr/sbin/mariadbd").exists()
        return bool(found and shutil.which("mariadb-install-db")) and _may_run_as("mysql")
    return shutil.which("redis-server") is not None


def _may_run_as(user: str) -> bool:
    try:
        return os.getuid() != 0 or bool(pwd.getpwnam(user))
    except KeyError:
        return False


def _postgresql(host: str, port: int, settings: dict[str, str]) -> Server:
    folder, user = _folder("postgresql", "postgres")
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    home = binaries or Path(shutil.which("postgres") or "/usr/bin/postgres").parent
    data = folder / "data"
    make = [
        str(home / "initdb"),
        "-D",
        str(data),
        "-U",
        "tunewise",
        "--auth=trust",
        "-N",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    _run(make, user)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all samenet trust\n")
    command = [str(home / "postgres"), "-D", str(data), "-p", str(port), "-h", host, "-k", str(folder)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    url = f"postgresql://tunewise@{host}:{port}/postgres"
    return _serve(url, host, port, command, user, folder, signal.SIGINT)


def _mariadb(host: str, port: int, settings: dict[str, str]) -> Server:
    folder, user = _folder("mariadb", "mysql")
    data = folder / "data"
    make = [
        shutil.which("mariadb-install-db") or "mariadb-install-db", "--no-defaults", f"--datadir={data}",
        "--auth-root-authentication-method=normal", "--skip-test-db",
    ]  # fmt: skip
    _run(make, user)
    (folder / "init.sql").write_text(
        "CREATE DATABASE IF NOT EXISTS tunewise;\nCREATE USER IF NOT EXISTS tunewise@'%';\n"
        "GRANT ALL ON *.* TO tunewise@'%';\n"
    )
    (folder / "init.sql").chmod(0o644)
    command = [
        shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--port={port}",
        f"--bind-address={host}", f"--socket={folder}/socket", f"--pid-file={folder}/pid", "--skip-name-resolve",
        f"--init-file={folder}/init.sql", "--innodb-buffer-pool-size=64M", f"--tmpdir={folder}",
    ]  # fmt: skip
    command += [f"--{name}={value}" for name, value in settings.items()]
    url = f"mariadb://tunewise@{host}:{port}/tunewise"
    return _serve(url, host, port, command, user, folder, signal.SIGTERM)


def _redis(host: str, port: int, settings: dict[str, str]) -> Server:
    folder, user = _folder("redis", None)
    command = [
        shutil.which("redis-server") or "redis-server", "--port", str(port), "--bind", host, "--dir", str(folder),
        "--appendonly", "yes", "--save", "", "--protected-mode", "no",
    ]  # fmt: skip
    for name, value in settings.items():
        command += [f"--{name}", value]
    return _serve(f"redis://{host}:{port}/0", host, port, command, user, folder, signal.SIGTERM)


def _serve(
    url: str,
    host: str,
    port: int,
    command: list[str],
    user: str | None,
    folder: Path,
    end_signal: signal.Signals,
) -> Server:
    process = _spawn(command, user, folder / "log")
    _wait_for(host, port, process, folder / "log")
    return Server(url, host, port, command, user, folder, process, end_signal)


def _folder(kind: str, user: str | None) -> tuple[Path, str | None]:
    """A new folder, and the user who owns it where root must not run the server."""
    folder = Path(tempfile.mkdtemp(prefix=f"tunewise-{kind}-"))
    if user is None or os.getuid() != 0:
        return folder, None
    shutil.chown(folder, user, user)
    return folder, user


def _spawn(command: list[str], user: str | None, log: Path) -> subprocess.Popen[bytes]:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    parent = os.getpid()

    def prepare() -> None:
        os.setsid()
        if user is not None:
            entry = pwd.getpwnam(user)
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
        ctypes.CDLL(None).prctl(
            1, signal.SIGQUIT
        )  # PR_SET_PDEATHSIG: ends with its parent, whatever ends that
        if os.getppid() != parent:
            os._exit(1)

    streams: Any = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": out}
    try:
        return _nursery.submit(subprocess.Popen, command, preexec_fn=prepare, cwd="/", **streams).result()
    finally:
        os.close(out)


def _run(command: list[str], user: str | None) -> None:
    done = subprocess.run(command, user=user, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _wait_for(
    host: str, port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 60.0
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _free_port(host: str) -> int:
    with socket.socket() as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])


def main() -> None:
    """Start servers, print their URLs, wait for the end of the input."""
    servers = {kind: start(kind) for kind in sys.argv[1:]}
    try:
        print(json.dumps({kind: server.url for kind, server in servers.items()}), flush=True)
        sys.stdin.read()
    except KeyboardInterrupt:
        pass
    finally:
        for server in servers.values():
            server.stop()


if __name__ == "__main__":
    main()
