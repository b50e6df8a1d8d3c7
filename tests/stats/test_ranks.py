import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from tunewise.stats.ranks import auc, kendall, promotion_regret

LISTS = st.lists(st.integers(-20, 20), min_size=6, max_size=30)


@given(LISTS)
def test_it_is_kendalls_tau_b(x):
    x = np.array(x, dtype=float)
    y = np.roll(x, 1) + 0.3 * x
    found = kendall(x, y)
    expected = kendalltau(x, y).statistic
    assert found.tau == pytest.approx(expected, nan_ok=True)
    assert found.low <= found.high
    if not np.isnan(found.tau):
        assert found.low <= found.tau <= found.high or abs(found.tau) > 0.8


def test_order_alone_counts_and_missing_items_are_left_out():
    x = np.array([1.0, 2, 3, 4, 5, np.nan])
    assert kendall(x, np.exp(x)).tau == 1
    assert kendall(x, -x).tau == -1
    assert kendall(x, x).n == 5
    assert kendall(x, x).low < 0.95  # five items in order are no proof
    assert np.isnan(kendall(x[:2], x[:2]).tau)


def test_regret_of_promoting():
    y = np.arange(20.0)
    assert promotion_regret(y, y).regret == 0
    assert promotion_regret(-y, y).regret > 5
    assert promotion_regret(-y, y, keep=20).regret == 0


def test_area_under_the_curve():
    u = np.array([1.0, 2, 3, 4])
    assert auc(u, np.array([False, False, True, True])) == 1
    assert auc(u, np.array([True, True, False, False])) == 0
    assert auc(np.ones(4), np.array([True, False, True, False])) == 0.5
    assert np.isnan(auc(u, np.zeros(4, bool)))
