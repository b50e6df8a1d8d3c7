"""Trying again for a bounded time, with pauses that grow and differ, so that many workers do not come back at once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0

chance = random.SystemRandom().random
"""A number in [0, 1) that no seed decides. The module's own `random.random` belongs to the user: a thread that drew from it would
change what a seeded training does."""


def attempts(seconds: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[bool]:
    """Yields before every attempt whether it is the last; sleeps in between. About ``seconds`` in all."""
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE
    while True:
        is_last = time.monotonic() + pause > deadline
        yield is_last
        if is_last:
            return
        sleep(pause * (0.5 + chance()))
        pause = min(2 * pause, LONGEST_PAUSE)
