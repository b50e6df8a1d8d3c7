"""A table made of curves, through the events that a study would have written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from tunewise.events import Reported, StudyCreated, TrialFinished, TrialStarted
from tunewise.records import Goal, TrialState
from tunewise.trials import Trials

Table = Callable[..., Trials]


def make_table(
    finished: Sequence[Mapping[int, float]],
    running: Sequence[Mapping[int, float]] = (),
    direction: str = "minimize",
    seed: int = 0,
    state: TrialState = TrialState.COMPLETE,
) -> Trials:
    """Trials with these {step: value} curves: first the finished ones (in ``state``), then the running ones."""
    trials = Trials()
    trials.apply(StudyCreated((Goal("value", direction),), seed, 0.0))
    for number, curve in enumerate([*finished, *running]):
        trials.apply(TrialStarted(number, "random", "", 0.0))
        for step, value in curve.items():
            trials.apply(Reported(number, step, {"value": value}, 0.0))
        if number < len(finished):
            values = (curve[max(curve)],) if state == TrialState.COMPLETE and curve else None
            trials.apply(TrialFinished(number, state, values, None, 1.0))
    return trials


@pytest.fixture(scope="session")
def table() -> Table:
    return make_table
