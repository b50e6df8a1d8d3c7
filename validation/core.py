"""What a validation is: a function of a size that returns figures, each with its bound."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One figure: what it is, what is wanted, what was reached, in how many runs, and whether that is within the bound."""

    what: str
    wanted: str
    reached: str
    runs: int
    ok: bool


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
    x = np.asarray(hits, dtype=float)
    if not len(x):
        return Figure(what, f"<= {bound:.3g}", "never happened", 0, True)
    return Figure(
        what, f"<= {bound:.3g}", f"{x.mean():.3f}", len(x), bool(x.mean() <= bound + _error(bound, len(x)))
    )


def at_least(what: str, hits: Sequence[float] | np.ndarray, bound: float) -> Figure:
    """A rate that must reach a bound, three Monte-Carlo errors of a rate at the bound allowed."""
    x = np.asarray(hits, dtype=float)
    if not len(x):
        return Figure(what, f">= {bound:.3g}", "never happened", 0, True)
    return Figure(
        what, f">= {bound:.3g}", f"{x.mean():.3f}", len(x), bool(x.mean() >= bound - _error(bound, len(x)))
    )


def within(what: str, hits: Sequence[float] | np.ndarray, low: float, high: float) -> Figure:
    """A rate that must lie between two bounds, three Monte-Carlo errors allowed."""
    x = np.asarray(hits, dtype=float)
    slack = [_error(bound, len(x)) for bound in (low, high)]
    ok = bool(low - slack[0] <= x.mean() <= high + slack[1])
    return Figure(what, f"{low:.3g} to {high:.3g}", f"{x.mean():.3f}", len(x), ok)


def number(
    what: str, value: float, low: float, high: float, runs: int, error: float = 0.0, form: str = ".3f"
) -> Figure:
    """A number that must lie between two bounds, three of its Monte-Carlo errors allowed."""
    ok = bool(low - 3 * error <= value <= high + 3 * error)
    if low == -math.inf:
        wanted = f"<= {high:.4g}"
    else:
        wanted = f">= {low:.4g}" if high == math.inf else f"{low:.4g} to {high:.4g}"
    return Figure(what, wanted, format(value, form), runs, ok)


def shown(what: str, text: str, runs: int) -> Figure:
    """Something to know that has no bound."""
    return Figure(what, "reported", text, runs, True)


def _error(p: float, n: int) -> float:
    p = min(max(p, 1.0 / max(n, 1)), 1 - 1.0 / max(n, 1)) if n > 1 else 0.5
    return 3 * math.sqrt(p * (1 - p) / max(n, 1))


def run_row(code: str, size: Size) -> tuple[list[Figure], float]:
    """The figures of a row, and the CPU seconds they took."""
    start = time.process_time()
    return ROWS[code].run(size), time.process_time() - start
