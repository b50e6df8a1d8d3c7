"""Laws of what a Gaussian-process sampler believes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tunewise.samplers._surrogate import Improvement, Model, hopeless, least_probability
from tunewise.stats import gp

LOSSES = arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6))


@given(arrays(np.bool_, st.integers(0, 60)), st.integers(0, 59))
def test_one_more_recent_failure_never_lowers_the_bar(infeasible, place):
    worse = infeasible.copy()
    worse[place : place + 1] = True
    assert least_probability(infeasible) <= least_probability(worse) <= 0


def test_failures_long_ago_are_forgiven():
    infeasible = np.array([True] * 50 + [False] * 20)
    assert least_probability(infeasible) == least_probability(np.zeros(20, dtype=bool))


@given(LOSSES)
def test_a_hopeless_loss_is_beyond_all_that_are_not(loss):
    lost = hopeless(loss)
    assert not lost.any() or loss[lost].min() > loss[~lost].max()
    assert np.count_nonzero(lost) <= len(loss) / 4


def test_a_loss_of_ten_billion_among_ordinary_ones_is_hopeless():
    loss = np.array([0.3, 0.5, 2.3, 0.9, 1e10, np.nan])
    assert hopeless(loss).tolist() == [False, False, False, False, True, False]
    assert not hopeless(loss[:4]).any()


@pytest.mark.parametrize("floor", [-np.inf, -0.3, -0.01])
def test_the_gradient_of_the_acquisition_is_its_slope_above_and_below_the_bar(floor):
    rng = np.random.default_rng(0)
    Z, group = rng.random((20, 2)), np.arange(2)
    hyper = gp.Hyper(np.array([0.5, 0.7]), 1.0, 0.01)
    rest = gp.condition(Z, np.sin(5 * Z[:, 0]) + Z[:, 1], group, np.zeros(20), hyper)
    success = gp.condition(Z, np.where(Z[:, 0] > 0.5, -1.0, 1.0), group, np.zeros(20), hyper)
    acquisition = Improvement(Model(rest, None, 0.0, 0.0), 0.1, success, floor)
    at = rng.random((10, 2))
    value, gradient = acquisition.value_and_gradient(at)
    assert value == pytest.approx(acquisition.value(at))
    for j in range(2):
        step = np.zeros(2)
        step[j] = 1e-6
        slope = (acquisition.value(at + step) - acquisition.value(at - step)) / 2e-6
        assert gradient[:, j] == pytest.approx(slope, rel=1e-3, abs=1e-3)
