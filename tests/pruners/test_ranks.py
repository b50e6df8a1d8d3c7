import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.curves import Curves
from tunewise.pruners._ranks import as_loss, carried_to, is_due, on_reaching, percentile_loss, select

CURVES = Curves(
    np.array([0, 0, 0, 2, 2, 3]),
    np.array([0, 2, 4, 1, 3, 5]),
    np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0]),
)
EMPTY = Curves(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def test_the_last_report_up_to_a_step_is_carried():
    assert carried_to(CURVES, 2).tolist() == [8.0, 6.0]
    assert carried_to(CURVES, 9).tolist() == [7.0, 5.0, 4.0]
    assert carried_to(EMPTY, 3).tolist() == []


def test_the_first_report_from_a_step_on_counts_on_a_rung():
    assert on_reaching(CURVES, 0).tolist() == [9.0, 6.0, 4.0]
    assert on_reaching(CURVES, 3).tolist() == [7.0, 5.0, 4.0]
    assert on_reaching(CURVES, 6).tolist() == []


def test_select_keeps_whole_trials():
    kept = select(CURVES, np.array([False, True, True, False]))
    assert kept.step.tolist() == [1, 3]


def test_what_is_not_finite_is_the_worst_loss_in_both_directions():
    value = np.array([1.0, np.nan, np.inf, -np.inf])
    assert as_loss(value, 1.0).tolist() == [1.0, np.inf, np.inf, np.inf]
    assert as_loss(value, -1.0).tolist() == [-1.0, np.inf, np.inf, np.inf]


@given(
    st.lists(st.floats(-10, 10), min_size=1, max_size=30),
    st.sampled_from([0.0, 10.0, 25.0, 50.0, 75.0, 100.0]),
)
def test_percentile_is_the_upper_order_statistic(losses, percentile):
    losses = np.array(losses)
    assert percentile_loss(losses, percentile) == np.percentile(losses, percentile, method="higher")


@pytest.mark.parametrize(
    ("steps", "warmup", "interval", "due"),
    [
        ([], 0, 1, False),
        ([0], 0, 1, True),
        ([0, 1], 2, 1, False),
        ([0, 1, 2], 2, 1, True),
        ([0, 1, 2, 3], 0, 3, True),
        ([0, 1, 2], 0, 3, False),
        ([0, 2, 4], 0, 3, True),  # nothing was reported at step 3, so the check waited
        ([0, 3, 4], 0, 3, False),
        ([5], 2, 10, True),
    ],
)
def test_a_check_is_due_on_the_first_report_of_each_interval(steps, warmup, interval, due):
    assert is_due(np.array(steps, dtype=np.int64), warmup, interval) == due
