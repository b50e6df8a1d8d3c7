"""The axis of a metric: wide enough for what matters, not for the worst of a thousand trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tunewise.types import FloatArray, IntArray

MOST_DOTS = 1000  # in one picture: more cannot be told apart, and a page with more is slow
_WIDE, _WIDEST = 30.0, 1e100


class Scale(NamedTuple):
    """A linear or logarithmic axis from low to high; what lies beyond is drawn at its end."""

    low: float
    high: float
    log: bool = False

    def place(self, values: FloatArray) -> FloatArray:
        """Where values lie, clipped to [0, 1]; NaN stays NaN."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        with np.errstate(divide="ignore", invalid="ignore"):
            v = np.log(values) if self.log else np.asarray(values, dtype=np.float64)
        return np.clip((v - low) / (high - low), 0.0, 1.0)

    def with_rail(self, sign: float) -> tuple[Scale, float]:
        """The axis with room at its worse end, and the place there for what has no value."""
        ends = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        room = 0.08 * (ends[1] - ends[0])
        low, high = (ends[0], ends[1] + room) if sign > 0 else (ends[0] - room, ends[1])
        rail = high - room / 4 if sign > 0 else low + room / 4
        if self.log:
            return Scale(math.exp(low), math.exp(high), True), math.exp(rail)
        return Scale(low, high), rail

    def clip(self, value: float) -> float:
        """The value, or the end of the axis beyond which it lies."""
        return min(max(value, self.low), self.high)


def value_scale(values: Sequence[float], sign: float = 1.0, room: float = 0.06) -> Scale:
    """An axis that holds the better half of some values in full and the worse half up to outliers.

    The worse end is at most three times as far from the best as the third quartile is. Logarithmic where the values that
    are shown are positive and span more than a factor of 30.

    Args:
        values: as the user sees them; those that are not finite are left out.
        sign: +1 where smaller is better, -1 where larger is.
        room: free space at both ends, in parts of the range.
    """
    finite = np.array([v for v in values if math.isfinite(v)], dtype=np.float64)
    if not len(finite):
        return Scale(0.0, 1.0)
    loss = sign * finite
    best, third, worst = float(loss.min()), float(np.quantile(loss, 0.75)), float(loss.max())
    shown = min(worst, best + 3 * (third - best)) if third > best else worst
    low, high = sorted((sign * best, sign * shown))
    if low > 0 and low * _WIDE < high < low * _WIDEST:
        stretch = (high / low) ** room
        return Scale(low / stretch, high * stretch, True)
    pad = room * (high - low) or 0.05 * abs(high) or 1.0
    return Scale(low - pad, high + pad)


def thinned(numbers: IntArray, ranked: IntArray, most: int = MOST_DOTS) -> IntArray:
    """At most ``most`` of some trials, ascending: the best third as ranked, and an even sample of the others."""
    if len(numbers) <= most:
        return numbers
    best = ranked[: most // 3]
    others = np.setdiff1d(numbers, best)
    even = others[np.linspace(0, len(others) - 1, most - len(best)).astype(np.int64)]
    return np.union1d(best, even)
