"""Reported metrics: append-only columns, and ragged (step, value) curves sorted by trial and step."""

from __future__ import annotations

from array import array
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

    __slots__ = ("_curves", "_n_placed", "_places", "_step", "_trial", "_value")

    def __init__(
        self,
        trial: array[int] | None = None,
        step: array[int] | None = None,
        value: array[float] | None = None,
    ) -> None:
        self._trial = array("q") if trial is None else trial
        self._step = array("q") if step is None else step
        self._value = array("d") if value is None else value
        self._places: dict[int, list[int]] = {}
        self._n_placed = 0
        self._curves: tuple[int, Curves] | None = None

    def append(self, trial: int, step: int, value: float) -> None:
        """Add one report; amortised O(1). Raises TypeError for what is no number, and adds nothing then."""
        self._value.append(value)
        try:
            self._step.append(step)
        except (TypeError, OverflowError):
            self._value.pop()
            raise
        self._trial.append(trial)

    def columns(self) -> tuple[array[int], array[int], array[float]]:
        """Trial, step and value of each report, in the order of the log."""
        return self._trial, self._step, self._value

    def drop(self, trial: int) -> None:
        """Forget what a trial reported. O(r)."""
        keep = [place for place, each in enumerate(self._trial) if each != trial]
        self._trial = array("q", [self._trial[place] for place in keep])
        self._step = array("q", [self._step[place] for place in keep])
        self._value = array("d", [self._value[place] for place in keep])
        self._places, self._n_placed, self._curves = {}, 0, None

    def of(self, trial: int) -> dict[int, float]:
        """One trial's values by step, ascending; O(k log k) in its k reports, and O(new reports of all trials)."""
        for place in range(self._n_placed, len(self._trial)):
            self._places.setdefault(self._trial[place], []).append(place)
        self._n_placed = len(self._trial)
        curve: dict[int, float] = {}
        for place in self._places.get(trial, ()):
            curve.setdefault(self._step[place], self._value[place])
        return dict(sorted(curve.items()))

    def sorted(self) -> Curves:
        """The curves so far, read-only; the first report of a step counts. O(r log r) after new reports, else O(1)."""
        n = len(self._trial)
        if self._curves is None or self._curves[0] != n:
            self._curves = (n, self._sort())
        return self._curves[1]

    def _sort(self) -> Curves:
        trial, step = np.array(self._trial, dtype=np.int64), np.array(self._step, dtype=np.int64)
        order = np.lexsort((step, trial))
        trial, step, value = trial[order], step[order], np.array(self._value, dtype=np.float64)[order]
        if len(trial) > 1:
            first = np.append(True, (np.diff(trial) != 0) | (np.diff(step) != 0))
            trial, step, value = trial[first], step[first], value[first]
        for column in (trial, step, value):
            column.flags.writeable = False
        return Curves(trial, step, value)
