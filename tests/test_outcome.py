"""From what an objective returned to how its trial ended: anything ends it, and no number is invented."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.errors import SettingError
from tunewise.events import Reported, StudyCreated, TrialStarted
from tunewise.outcome import Outcome, as_values, outcome_of
from tunewise.records import Goal, TrialState
from tunewise.trials import Trials

COMPLETE, PRUNED, FAILED, INFEASIBLE = list(TrialState)[2:]
ONE, TWO = (Goal("a"),), (Goal("a"), Goal("b", "maximize"))
numbers = st.floats() | st.integers() | st.booleans() | st.fractions() | st.decimals(allow_nan=False)
anything = st.recursive(
    st.none() | st.text(max_size=3) | st.binary(max_size=2) | st.complex_numbers() | numbers,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.sampled_from("abc"), inner)
    ),
    max_leaves=5,
)


def table(goals=ONE, reports=()):
    trials = Trials()
    trials.apply_all([StudyCreated(goals, 0, 0.0), TrialStarted(0, "", "", 0.0)])
    trials.apply_all([Reported(0, step, metrics, 0.0) for step, metrics in reports])
    return trials


def outcome(values, state=None, reason=None, goals=ONE, reports=()):
    return outcome_of(values, state, reason, table(goals, reports), 0)


@given(anything, st.sampled_from([ONE, TWO]))
def test_whatever_is_returned_ends_the_trial(values, goals):
    state, told, reason = outcome(values, goals=goals)
    assert state in (COMPLETE, FAILED, INFEASIBLE)
    assert (told is not None) == (state == COMPLETE) == (reason is None)
    if told is not None:
        assert all(type(x) is float and math.isfinite(x) for x in told)
        assert len(told) == len(goals)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_finite_number_arrives_as_it_is_however_it_is_wrapped(x):
    for values in (
        x,
        [x],
        (x,),
        np.float64(x),
        np.array(x),
        np.array([x]),
        {"a": x, "more": "z"},
        Decimal(x),
        Fraction(x),
    ):
        assert outcome(values) == Outcome(COMPLETE, (x,), None)
    assert outcome({"b": 1, "a": x}, goals=TWO).values == (x, 1.0)
    assert outcome(np.array([1.0, x]), goals=TWO).values == (1.0, x)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (10**400, "inf"), (-(10**400), "-inf")],
)
def test_what_is_not_finite_diverged_and_says_which_goal(value, shown):
    assert outcome(value) == Outcome(INFEASIBLE, None, f"a is {shown}")
    assert outcome((1.0, value), goals=TWO) == Outcome(INFEASIBLE, None, f"b is {shown}")
    assert outcome(value, reason="the loss blew up").reason == "the loss blew up"


@pytest.mark.parametrize(
    ("values", "goals", "reason"),
    [
        ("0.5", ONE, r"The result '0.5' \(str\) is no number; return a float\."),
        (b"1", ONE, "is no number"),
        (1j, ONE, "is no number"),
        (object, ONE, r"\(type\) is no number"),
        ((1.0, 2.0), ONE, "has 2 values; this study has 1 goals"),
        (1.0, TWO, "is one value; this study has 2 goals"),
        ({"a": 1.0}, TWO, r"lacks \['b'\]; return every goal"),
        ([[1.0, 2.0]], ONE, "is no number"),
    ],
)
def test_what_is_no_result_failed_with_the_reason(values, goals, reason):
    with pytest.raises(SettingError, match=reason):
        as_values(values, goals)
    state, told, said = outcome(values, goals=goals)
    assert (state, told) == (FAILED, None)
    with pytest.raises(SettingError) as error:
        as_values(values, goals)
    assert said == str(error.value)


def test_without_a_result_the_last_reports_count():
    reports = [(5, {"a": 1.0, "b": 3.0}), (2, {"a": 9.0}), (7, {"b": 4.0})]
    assert outcome(None, goals=TWO, reports=reports) == Outcome(COMPLETE, (1.0, 4.0), None)
    assert outcome(None, reports=[(1, {"a": math.nan})]) == Outcome(INFEASIBLE, None, "a is nan")
    for goals, some in ((ONE, []), (TWO, [(0, {"a": 1.0})]), (ONE, [(0, {"other": 1.0})])):
        state, _, reason = outcome(None, goals=goals, reports=some)
        assert (state, reason) == (FAILED, "the objective returned None and reported no value")


@given(st.sampled_from([PRUNED, FAILED, INFEASIBLE]), anything, st.booleans())
def test_a_state_that_was_told_makes_values_irrelevant(state, values, by_name):
    assert outcome(values, state.name.title() if by_name else state, "why") == Outcome(state, None, "why")


def test_told_complete_it_still_needs_a_result():
    assert outcome(0.5, "complete").state == COMPLETE
    assert outcome(math.nan, COMPLETE).state == INFEASIBLE
    assert outcome("abc", COMPLETE).state == FAILED


@pytest.mark.parametrize("state", ["done", "running", TrialState.QUEUED, TrialState.RUNNING, 2])
def test_what_is_no_end_is_an_error(state):
    with pytest.raises(SettingError, match=r"complete, pruned, failed"):
        outcome(1.0, state)
