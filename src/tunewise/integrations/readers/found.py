"""What a reader finds in somebody else's results, and how the user wants it read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tunewise.errors import SettingError
from tunewise.records import FrozenTrial, Goal
from tunewise.space import Space
from tunewise.types import FloatArray, IntArray, Json


class Reports(NamedTuple):
    """One metric's reports, (r,) each; ``trial`` is the index of the trial in `Found.trials`."""

    trial: IntArray
    step: IntArray
    value: FloatArray


@dataclass
class Found:
    """A study as it stands in its source: ``trials`` without curves, which are in ``reports`` by metric.

    ``ranges_known`` says whether the domains are those that were searched, or only what was seen of them.
    """

    name: str
    source: str
    goals: tuple[Goal, ...]
    trials: list[FrozenTrial]
    reports: dict[str, Reports] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    user_attrs: dict[str, Json] = field(default_factory=dict)
    ranges_known: bool = True


@dataclass(frozen=True)
class Reading:
    """How to read a study that does not say everything itself.

    Args:
        metric: the goal among several, or the column that holds it.
        direction: "minimize" or "maximize", where the source does not say.
        params: names or patterns ("opt.*") of the columns that are hyperparameters.
        space: the ranges that were searched; by default what the source records, else what was seen.
        curves: where the training curves are, when they are in a file or table of their own.
        sampler: how the trials were chosen: "random", "qmc", "grid", or the name of an adaptive sampler.
        diverged: values at least this bad mean that the trial diverged.
        failed: "crashed", or "diverged" where failed trials without a reason diverged.
        rename: other names for parameters, old to new.
        trial: the column that names the trial.
        value: which report is a trial's value where only curves are there: "last" or "best".
    """

    metric: str | None = None
    direction: str | None = None
    params: tuple[str, ...] = ()
    space: Space | None = None
    curves: Any = None
    sampler: str | None = None
    diverged: float | None = None
    failed: str = "crashed"
    rename: Mapping[str, str] = field(default_factory=dict)
    trial: str | None = None
    value: str = "last"

    def __post_init__(self) -> None:
        _one_of("direction", self.direction, (None, "minimize", "maximize"))
        _one_of("failed", self.failed, ("crashed", "diverged"))
        _one_of("value", self.value, ("last", "best"))
        if self.diverged is not None and not math.isfinite(self.diverged):
            raise SettingError(f"diverged is {self.diverged}; give a finite value, such as 1e6.")


def _one_of(name: str, value: object, legal: tuple[object, ...]) -> None:
    if value not in legal:
        wanted = " or ".join(repr(each) for each in legal if each is not None)
        raise SettingError(f"{name} is {value!r}; it must be {wanted}.")
