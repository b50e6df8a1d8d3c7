"""Who is alive, without comparing clocks.

Every worker renews a stamp `BEATS` times in a lease, and looks at the stamps of the others as often; of more than `CROWD`
workers about so many do, another few each time. A worker whose stamp was the same while a looker renewed its own `LOOKS`
times is lost. Beats that fail (the storage is away, the looker is suspended) do not count, so neither an outage nor a clock
that is set declares anybody dead. On one machine there is no need to wait: a stamp says which process wrote it, and a process
that is gone is lost at once.
"""

from __future__ import annotations

import functools
import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue

from tunewise.storage.retry import chance

BEATS = 6
LOOKS = 4
CROWD = 16


def new_worker(mark: str | None = None) -> str:
    """A name that no other worker has: host, process, and a mark by which others know it, by default random digits."""
    return f"{socket.gethostname()}-{os.getpid()}-{mark or uuid.uuid4().hex[:8]}"


def whereabouts(pid: int | None = None) -> str:
    """What tells a process from every other: boot, process namespace, number, start. "" where that is not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
        mine = os.getpid() if pid is None else pid
        return f"{boot}/{namespace}/{mine}/{_started(mine)}"
    except OSError:
        return ""


def is_gone(where: str) -> bool:
    """Whether a process is known to be gone: it ran under this very kernel and namespace, and is not there now."""
    home, _, rest = where.rpartition("/pid:")
    namespace, _, who = rest.partition("/")
    pid, _, started = who.partition("/")
    if not (home and pid.isdigit() and _home() == f"{home}/pid:{namespace}"):
        return False
    try:
        return _started(int(pid)) != started
    except FileNotFoundError:
        return True
    except OSError:
        return False


class Stamps:
    """The stamps of one worker, each different from the last."""

    def __init__(self) -> None:
        self._where = whereabouts()
        self._count = 0

    def next(self) -> str:
        """A new stamp."""
        self._count += 1
        return f"{self._count} {self._where}"


class Watch:
    """What one worker has seen of the others' stamps, and at which of its beats it had seen each first."""

    def __init__(self) -> None:
        self._n_beats = 0
        self._seen: dict[str, tuple[str, int]] = {}

    def is_due(self) -> bool:
        """Whether to look at the next beat: a thousand workers that all look at all would be all that a server does."""
        return chance() * len(self._seen) < CROWD

    def pass_by(self) -> None:
        """Note a beat without a look."""
        self._n_beats += 1

    def lost(self, stamps: Mapping[str, str]) -> list[str]:
        """Note a beat with a look; the workers that are lost by now. O(workers)."""
        self._n_beats += 1
        before, self._seen = self._seen, {}
        found = []
        for worker, stamp in stamps.items():
            known, since = before.get(worker, (stamp, self._n_beats))
            if stamp != known:  # it lives
                self._seen[worker] = stamp, self._n_beats
                continue
            self._seen[worker] = stamp, since
            if self._n_beats - since >= LOOKS or is_gone(stamp.partition(" ")[2]):
                found.append(worker)
        return found


class Pulse:
    """A thread that calls ``beat`` `BEATS` times in ``seconds``, until it is stopped or ``beat`` returns False.

    It may be stopped by the garbage collector, in whatever thread that runs: a `SimpleQueue` takes a word without waiting for a
    lock that the same thread may hold.
    """

    def __init__(self, beat: Callable[[], bool], seconds: float) -> None:
        self._beat = beat
        self._pause = seconds / BEATS
        self._over: SimpleQueue[None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="tunewise-pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the beat that is under way."""
        self._over.put(None)

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            try:
                self._over.get(timeout=self._pause)
                return
            except Empty:
                goes_on = self._beat()


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot. Raises FileNotFoundError where there is none."""
    stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    state, *fields = stat.rpartition(")")[2].split()
    if state in "ZX":  # killed, and only waiting for its parent to notice
        raise FileNotFoundError(pid)
    return fields[18]


@functools.lru_cache(maxsize=1)
def _home() -> str:
    where = whereabouts()
    return where.rsplit("/", 2)[0] if where else ""
