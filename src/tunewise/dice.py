"""Random numbers by address: the same (key, address) always gives the same stream, in any order of asking.

Philox is a counter-based generator (Salmon et al., SC 2011): setting its counter costs a microsecond, where making a
new generator costs ten.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np


class Dice:
    """The streams of one key. Not safe for two threads at once; the stream ends when the next one is asked for."""

    def __init__(self, key: int) -> None:
        self._bits = np.random.Philox(key=key)
        self._generator = np.random.Generator(self._bits)
        self._state: Any = self._bits.state
        self._counter = self._state["state"]["counter"]

    def stream(self, number: int, code: int = 0) -> np.random.Generator:
        """The stream at address (number, code), each in 0..2**64-1."""
        self._counter[2] = number
        self._counter[3] = code
        self._bits.state = self._state
        return self._generator


def code_of(names: Sequence[str]) -> int:
    """A 32-bit code of a set of names, whatever their order."""
    return zlib.crc32("\x1f".join(sorted(names)).encode(errors="surrogatepass"))
