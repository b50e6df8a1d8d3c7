"""How soon it is noticed that the other end of a connection is gone without a word: a cable, a machine, a router's memory.

By itself TCP sends again for a quarter of an hour, with pauses that double, and waits for an answer for ever.
"""

from __future__ import annotations

import socket
from contextlib import suppress

CONNECT_SECONDS = 5
IDLE_SECONDS, INTERVAL_SECONDS, PROBES = 5, 2, 3
SILENT_SECONDS = 10

_WANTED = {
    "TCP_KEEPIDLE": IDLE_SECONDS,
    "TCP_KEEPINTVL": INTERVAL_SECONDS,
    "TCP_KEEPCNT": PROBES,
    "TCP_USER_TIMEOUT": 1000 * SILENT_SECONDS,  # of what was sent and not confirmed
}

OPTIONS = {getattr(socket, name): value for name, value in _WANTED.items() if hasattr(socket, name)}
"""Those of TCP's options that this system has."""


def notice_silence(sock: socket.socket) -> None:
    """Have a TCP connection end where the other end is silent for about ten seconds; on other sockets does nothing."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in OPTIONS.items():
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
