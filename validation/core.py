"""What a validation is: a function of a size that returns figures, each with its bound."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One figure: what it is, what is wanted, what was reached, in how many runs, and whether that is within the bound.

    ``by_error`` says that it lies beyond the bound, but by no more than its Monte-Carlo error.
    """

    what: str
    wanted: str
    reached: str
    runs: int
    ok: bool
    by_error: bool = False


@dataclass(frozen=True)
class Row:
    """One row of the plan: its code, its title, and the function that runs it."""

    code: str
    title: str
    run: Callable[[Size], list[Figure]]


@dataclass(frozen=True)
class Size:
    """How many runs: ``n(1000)`` is 1,000 at full size, a small part of it in the reduced form."""

    reduced: bool = False

    def n(self, full: int, reduced: int | None = None) -> int:
        """The number of runs; by default a 20th of the full number, 20 at least."""
        if not self.reduced:
            return full
        return reduced if reduced is not None else max(20, full // 20)


ROWS: dict[str, Row] = {}


def row(code: str, title: str) -> Callable[[Callable[[Size], list[Figure]]], Callable[[Size], list[Figure]]]:
    """Enter a function into the table."""

    def enter(run: Callable[[Size], list[Figure]]) -> Callable[[Size], list[Figure]]:
        ROWS[code] = Row(code, title, run)
        return run

    return enter


def at_most(what: str, hits: Sequence[float] | np.ndarray, bound: float) -> Figure:
    """A rate that must not exceed a bound, three Monte-Carlo errors of a rate at the bound allowed."""
    return _rate(what, hits, -math.inf, bound)


def at_least(what: str, hits: Sequence[float] | np.ndarray, bound: float) -> Figure:
    """A rate that must reach a bound, three Monte-Carlo errors of a rate at the bound allowed."""
    return _rate(what, hits, bound, math.inf)


def within(what: str, hits: Sequence[float] | np.ndarray, low: float, high: float) -> Figure:
    """A rate that must lie between two bounds, three Monte-Carlo errors allowed."""
    return _rate(what, hits, low, high)


def number(
    what: str, value: float, low: float, high: float, runs: int, error: float = 0.0, form: str = ".3f"
) -> Figure:
    """A number that must lie between two bounds, three of its Monte-Carlo errors allowed."""
    inside = low <= value <= high
    ok = low - 3 * error <= value <= high + 3 * error
    return Figure(what, _wanted(low, high, 4), format(value, form), runs, bool(ok), bool(ok and not inside))


def shown(what: str, text: str, runs: int) -> Figure:
    """Something to know that has no bound."""
    return Figure(what, "reported", text, runs, True)


def _rate(what: str, hits: Sequence[float] | np.ndarray, low: float, high: float) -> Figure:
    x = np.asarray(hits, dtype=float)
    wanted = _wanted(low, high, 3)
    if not len(x):
        return Figure(what, wanted, "never happened", 0, True)
    rate, least, most = float(x.mean()), low - _error(low, len(x)), high + _error(high, len(x))
    ok, inside = least <= rate <= most, low <= rate <= high
    return Figure(what, wanted, f"{rate:.3f}", len(x), ok, ok and not inside)


def _wanted(low: float, high: float, digits: int) -> str:
    if low == -math.inf:
        return f"<= {high:.{digits}g}"
    return f">= {low:.{digits}g}" if high == math.inf else f"{low:.{digits}g} to {high:.{digits}g}"


def _error(p: float, n: int) -> float:
    """Three standard errors of a rate of n runs where the true one is p."""
    p = min(max(p, 1.0 / n), 1 - 1.0 / n) if n > 1 else 0.5
    return 3 * math.sqrt(p * (1 - p) / n)


def run_row(code: str, size: Size) -> tuple[list[Figure], float]:
    """The figures of a row, and the CPU seconds they took."""
    start = time.process_time()
    return ROWS[code].run(size), time.process_time() - start
