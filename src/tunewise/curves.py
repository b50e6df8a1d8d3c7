"""Reported metrics: append-only columns, and ragged (step, value) curves sorted by trial and step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tunewise.types import FloatArray, IntArray


class Curves(NamedTuple):
    """One metric's reports of all trials, (r,) each, sorted by trial, then step; one value a step.

    NaN and inf are kept: a diverged report is information.
    """

    trial: IntArray
    step: IntArray
    value: FloatArray

    def of(self, number: int) -> tuple[IntArray, FloatArray]:
        """One trial's steps (ascending) and values; empty arrays where it reported nothing. O(log r)."""
        start, stop = np.searchsorted(self.trial, (number, number + 1))
        return self.step[start:stop], self.value[start:stop]

    def last(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Each reporting trial's number, last step and the value there. O(r)."""
        if not len(self.trial):
            return self.trial, self.step, self.value
        ends = np.append(np.flatnonzero(np.diff(self.trial)), len(self.trial) - 1)
        return self.trial[ends], self.step[ends], self.value[ends]


class CurveColumns:
    """The reports of one metric in the order of the log; `sorted` makes the curves, once for each new length."""

    __slots__ = ("_curves", "_places", "_step", "_trial", "_value", "n")

    def __init__(self) -> None:
        self.n = 0
        self._trial = np.empty(64, dtype=np.int64)
        self._step = np.empty(64, dtype=np.int64)
        self._value = np.empty(64, dtype=np.float64)
        self._places: dict[int, list[int]] = {}
        self._curves: tuple[int, Curves] | None = None

    def append(self, trial: int, step: int, value: float) -> None:
        """Add one report; amortised O(1)."""
        n = self.n
        if n == len(self._trial):
            self._trial = np.concatenate([self._trial, np.empty_like(self._trial)])
            self._step = np.concatenate([self._step, np.empty_like(self._step)])
            self._value = np.concatenate([self._value, np.empty_like(self._value)])
        self._trial[n] = trial
        self._step[n] = step
        self._value[n] = value
        self.n = n + 1
        places = self._places.get(trial)
        if places is None:
            self._places[trial] = [n]
        else:
            places.append(n)

    def of(self, trial: int) -> dict[int, float]:
        """One trial's values by step, ascending; O(k log k) in its k reports, whatever the others reported."""
        curve: dict[int, float] = {}
        for place in self._places.get(trial, ()):
            curve.setdefault(int(self._step[place]), float(self._value[place]))
        return dict(sorted(curve.items()))

    def sorted(self) -> Curves:
        """The curves so far, read-only; the first report of a step counts. O(r log r) after new reports, else O(1)."""
        if self._curves is None or self._curves[0] != self.n:
            self._curves = (self.n, self._sort())
        return self._curves[1]

    def _sort(self) -> Curves:
        trial, step, value = self._trial[: self.n], self._step[: self.n], self._value[: self.n]
        order = np.lexsort((step, trial))
        trial, step, value = trial[order], step[order], value[order]
        if self.n > 1:
            first = np.append(True, (np.diff(trial) != 0) | (np.diff(step) != 0))
            trial, step, value = trial[first], step[first], value[first]
        for column in (trial, step, value):
            column.flags.writeable = False
        return Curves(trial, step, value)
