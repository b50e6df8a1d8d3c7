"""Plain records: states in their order, directions as signs, and trials that are equal where their content is."""

import copy
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.records import FrozenTrial, Goal, TrialState

tw.logging.set_verbosity(50)


@pytest.mark.parametrize("state", TrialState)
def test_a_trial_has_finished_unless_it_waits_or_runs(state):
    assert state.is_finished == (state.name not in ("QUEUED", "RUNNING"))


def test_states_keep_the_numbers_that_are_in_stored_studies():
    names = ["QUEUED", "RUNNING", "COMPLETE", "PRUNED", "FAILED", "INFEASIBLE"]
    assert {state.name: int(state) for state in TrialState} == {name: i for i, name in enumerate(names)}


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_the_better_value_has_the_smaller_loss(x, y):
    up, down = Goal("a", "maximize"), Goal("a")
    assert (x > y) == (up.sign * x < up.sign * y)
    assert (x < y) == (down.sign * x < down.sign * y)


@pytest.mark.parametrize("direction", ["min", "MINIMIZE", "", None])
def test_an_unknown_direction_is_an_error(direction):
    with pytest.raises(SettingError, match=f"The direction is {direction!r}; it must"):
        Goal("a", direction)


def test_the_value_is_that_of_the_only_goal():
    assert FrozenTrial(0, TrialState.FAILED).value is None
    assert FrozenTrial(0, TrialState.COMPLETE, values=(0.5,)).value == 0.5
    with pytest.raises(SettingError, match="2 goals; ask for `values`"):
        _ = FrozenTrial(0, TrialState.COMPLETE, values=(0.5, 1.0)).value


def test_the_duration_is_known_once_it_is_over():
    assert FrozenTrial(0, TrialState.RUNNING, started_at=5.0).duration is None
    assert FrozenTrial(0, TrialState.QUEUED).duration is None
    assert FrozenTrial(0, TrialState.COMPLETE, started_at=5.0, finished_at=7.5).duration == 2.5


@given(st.dictionaries(st.text(max_size=2), st.floats(allow_nan=False)))
def test_the_violation_is_the_sum_of_what_is_above_zero(constraints):
    record = FrozenTrial(0, TrialState.COMPLETE, constraints=constraints)
    assert record.violation == sum(c for c in constraints.values() if c > 0)
    assert (record.violation == 0) == all(c <= 0 for c in constraints.values())
    assert record._replace(constraints={**constraints, "lost": math.nan}).violation == math.inf


def trials():
    """A running trial, one that reported NaN, and one that completed."""
    study = tw.create_study("s", sampler="random", seed=0)
    study.tell(study.ask(), 1.0)
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    trial.report(math.nan, 0)
    study.tell(trial, math.nan)
    study.ask().suggest_categorical("k", ["a", None])
    return study.trials


def test_a_record_equals_another_of_the_same_content():
    table = trials()
    for copied in (lambda row: row, copy.deepcopy, lambda row: pickle.loads(pickle.dumps(row))):
        for number in range(3):
            one, other = table[number], copied(table[number])
            assert one == other
            assert (one != other) is False
    assert len({repr(row) for row in table}) == 3
    assert table[0] != table[1]
    assert table[1]._replace(reason="another") != table[1]
    assert table[0] != tuple(table[0])[:3]


def test_a_default_cannot_be_changed():
    with pytest.raises(TypeError):
        FrozenTrial(0, TrialState.FAILED).params["x"] = 1
    assert FrozenTrial(1, TrialState.FAILED).params == {}
