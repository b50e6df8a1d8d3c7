"""Which batch sizes pay: step times by batch size, their doubling ratios, saturation, and waiting for input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tunewise.types import FloatArray


class Timing(NamedTuple):
    """The median of step times (seconds) with a 95 % interval."""

    seconds: float
    low: float
    high: float

    @property
    def is_sharp(self) -> bool:
        """Whether half of the interval is below 3 % of the median."""
        return self.high - self.low < 0.06 * self.seconds


def timing(seconds: FloatArray) -> Timing:
    """The median of step times (n,), n >= 6, with its order-statistic interval (95 %)."""
    ordered = np.sort(seconds)
    n = len(ordered)
    reach = int(np.ceil(0.98 * np.sqrt(n)))
    low, high = max(0, n // 2 - reach), min(n - 1, (n - 1) // 2 + reach)
    return Timing(float(np.median(ordered)), float(ordered[low]), float(ordered[high]))


class Doubling(NamedTuple):
    """From one batch size to its double: the ratio of throughputs with its interval, and a word for it."""

    batch_size: int
    ratio: float
    low: float
    high: float
    word: str


def doublings(times: Mapping[int, Timing]) -> list[Doubling]:
    """What each doubling of the batch size buys: "near-linear" (interval above 1.8), "flat" (below 1.1), "sub-linear"."""
    out = []
    for size in sorted(times):
        if 2 * size not in times:
            continue
        one, two = times[size], times[2 * size]
        ratio, low, high = 2 * one.seconds / two.seconds, 2 * one.low / two.high, 2 * one.high / two.low
        word = "near-linear" if low >= 1.8 else "flat" if ratio < 1.1 else "sub-linear"
        out.append(Doubling(size, ratio, low, high, word))
    return out


def saturation(times: Mapping[int, Timing], share: float = 0.95) -> int:
    """The smallest batch size whose throughput reaches ``share`` of the greatest."""
    rate = {size: size / t.seconds for size, t in times.items()}
    most = max(rate.values())
    return min(size for size, each in rate.items() if each >= share * most)


class Waiting(NamedTuple):
    """Step time with the real input over step time with one cached batch, with a 90 % bootstrap interval."""

    ratio: float
    low: float
    high: float


def waiting(real: FloatArray, cached: FloatArray, rng: np.random.Generator) -> Waiting:
    """How much longer a step takes with real input (n,) than with a cached batch (m,), by the mean step time.

    The mean counts: a loader stalls now and then, and its stalls are time too.
    """
    draws = [rng.choice(real, len(real)).mean() / rng.choice(cached, len(cached)).mean() for _ in range(1000)]
    low, high = np.quantile(draws, [0.05, 0.95])
    return Waiting(float(real.mean() / cached.mean()), float(low), float(high))
