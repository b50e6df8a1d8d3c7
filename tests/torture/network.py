"""A network namespace behind a cable that loses packets, holds them up, or goes silent; and the worker that lives there.

``python tests/torture/network.py URL DIARY`` is that worker.
"""

import fcntl
import heapq
import json
import os
import random
import select
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

_TUNSETIFF, _TUN_WITHOUT_HEADER = 0x400454CA, 0x1001


class Cable:
    """Joins this network to a new namespace by two TUN devices and a thread between them.

    Attributes:
        here, there: the addresses of the two ends.
        is_cut: whether every packet is lost; nobody is told.
        loss: the share of packets that are lost.
        delay: seconds that a packet takes.

    Raises:
        OSError: this machine makes no namespaces or devices, or not for this user.
    """

    def __init__(self):
        self.is_cut, self.loss, self.delay = False, 0.0, 0.0
        number = os.getpid() % 250
        self.here, self.there = f"10.213.{number}.1", f"10.213.{number}.2"
        self.name = f"tunewise{os.getpid()}"
        near, far = f"tw{os.getpid()}a", f"tw{os.getpid()}b"
        self._ip("netns", "add", self.name)
        self._ends, self._stop = [], os.pipe()
        try:
            self._ends = [_tun(near), _tun(far)]
            self._ip("link", "set", far, "netns", self.name)
            self._up(near, self.here)
            self._up(far, self.there, "-n", self.name)
        except OSError:
            self._ip("netns", "del", self.name)
            raise
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def start(self, *command):
        """A process behind the cable."""
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command])

    def close(self):
        """Remove it all."""
        os.close(self._stop[1])
        self._thread.join()
        for end in (*self._ends, self._stop[0]):
            os.close(end)
        self._ip("netns", "del", self.name)

    def _up(self, device, address, *where):
        self._ip(*where, "addr", "add", f"{address}/24", "dev", device)
        self._ip(*where, "link", "set", device, "up")

    def _ip(self, *arguments):
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")

    def _carry(self):
        dice, under_way, count = random.Random(1), [], 0
        other = dict(zip(self._ends, reversed(self._ends), strict=True))
        while True:
            wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
            ready, _, _ = select.select([*self._ends, self._stop[0]], [], [], wait)
            if self._stop[0] in ready:
                return
            for end in ready:
                packet = os.read(end, 65536)
                if not self.is_cut and dice.random() >= self.loss:
                    count += 1
                    heapq.heappush(under_way, (time.monotonic() + self.delay, count, other[end], packet))
            while under_way and under_way[0][0] <= time.monotonic():
                _, _, end, packet = heapq.heappop(under_way)
                if not self.is_cut:
                    os.write(end, packet)


def _tun(name):
    end = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH", name.encode(), _TUN_WITHOUT_HEADER))
    except OSError:
        os.close(end)
        raise
    return end


def main():
    """Trials of about 30 ms until there is a file DIARY.stop; every result that was acknowledged is written into the diary."""
    import tunewise as tw

    url, diary = sys.argv[1], Path(sys.argv[2])
    tw.logging.set_verbosity(60)
    study = tw.load_study("s", url)

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        for step in range(3):
            trial.report(x, step)
            time.sleep(0.01)
        return x

    def note(study, row):
        with diary.open("a") as out:
            out.write(json.dumps([row.number, row.values[0], time.time()]) + "\n")
        if Path(f"{diary}.stop").exists():
            study.stop()

    study.optimize(objective, callbacks=[note])
    study.detach()


if __name__ == "__main__":
    main()
