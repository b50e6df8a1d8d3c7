"""The order of merit: results by loss, then the pruned by how long they ran, then those outside the constraints."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.events import Constrained, Reported, StudyCreated, TrialFinished, TrialStarted
from tunewise.records import Goal, TrialState
from tunewise.samplers._order import best_to_worst
from tunewise.stats.pareto import volume_first
from tunewise.trials import Trials

values = st.integers(-3, 3).map(float)
curves = st.dictionaries(st.integers(0, 3), values | st.sampled_from([math.nan, math.inf]), max_size=3)
rows = st.tuples(
    st.sampled_from(list(TrialState)[1:]), values, st.sampled_from([-1.0, -1.0, 0.5, 2.0]), curves
)


def table(drawn, direction="minimize"):
    trials = Trials()
    trials.apply(StudyCreated((Goal("value", direction),), 0, 0.0))
    for number, (state, value, constraint, curve) in enumerate(drawn):
        trials.apply(TrialStarted(number, "", "", 0.0))
        trials.apply(Constrained(number, {"c": constraint}))
        for step, each in curve.items():
            trials.apply(Reported(number, step, {"value": each}, 0.0))
        if state != TrialState.RUNNING:
            told = (value,) if state == TrialState.COMPLETE else None
            trials.apply(TrialFinished(number, state, told, None, 0.0))
    return trials


def merit(number, state, value, constraint, curve, sign=1):
    """What a trial is sorted by, smallest first."""
    if constraint > 0:
        return (2, constraint, number)
    if state == TrialState.COMPLETE:
        return (0, sign * value, number)
    last = max(curve, default=-1)
    loss = sign * curve[last] if curve else math.inf
    return (1, -last, math.isnan(loss), 0.0 if math.isnan(loss) else loss, number)


@given(st.lists(rows, max_size=12), st.sampled_from(["minimize", "maximize"]))
def test_it_is_the_order_that_the_docstring_says(drawn, direction):
    sign = 1 if direction == "minimize" else -1
    ended = [n for n, row in enumerate(drawn) if row[0] in (TrialState.COMPLETE, TrialState.PRUNED)]
    wanted = sorted(ended, key=lambda n: merit(n, *drawn[n], sign))
    assert best_to_worst(table(drawn, direction)).tolist() == wanted


def test_it_is_remembered_until_another_trial_finishes():
    trials = table([(TrialState.COMPLETE, 2.0, -1.0, {}), (TrialState.RUNNING, 0.0, -1.0, {})])
    first = best_to_worst(trials)
    assert best_to_worst(trials) is first
    trials.apply(TrialFinished(1, TrialState.COMPLETE, (1.0,), None, 0.0))
    assert best_to_worst(trials).tolist() == [1, 0]


def test_several_goals_go_by_the_volume_that_they_dominate():
    losses = np.random.default_rng(0).random((40, 2))
    trials = Trials()
    trials.apply(StudyCreated((Goal("a"), Goal("b", "maximize")), 0, 0.0))
    for number, (a, b) in enumerate(losses.tolist()):
        trials.apply(TrialStarted(number, "", "", 0.0))
        trials.apply(TrialFinished(number, TrialState.COMPLETE, (a, b), None, 0.0))
    assert best_to_worst(trials).tolist() == volume_first(losses * [1, -1], 25).tolist()


@pytest.mark.parametrize("drawn", [[], [(TrialState.INFEASIBLE, 0.0, -1.0, {0: 1.0})]])
def test_where_nothing_has_merit_it_is_empty(drawn):
    assert best_to_worst(table(drawn)).shape == (0,)
