"""The cut normal distribution is SciPy's, is mirrored exactly, and holds far into both tails."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr

from tunewise.stats.truncnorm import quantile

ends = st.tuples(st.floats(-30, 30), st.floats(1e-3, 60)).map(lambda v: (v[0], v[0] + v[1]))
unit = st.floats(0, 1)


@given(unit, ends)
def test_it_is_that_of_scipy(u, interval):
    known = stats.truncnorm.ppf(u, *interval)
    assert quantile(u, *interval) == pytest.approx(known, rel=1e-6, abs=1e-6)


@given(unit, ends)
def test_it_inverts_the_distribution_function(u, interval):
    low, high = interval
    x = quantile(u, low, high)
    if low > 0:
        low, high, x, u = -high, -low, -x, 1 - u
    share = (ndtr(x) - ndtr(low)) / (ndtr(high) - ndtr(low))
    assert share == pytest.approx(u, abs=1e-6)


@given(st.lists(unit, min_size=2), ends)
def test_it_rises_from_one_end_to_the_other(us, interval):
    low, high = interval
    x = quantile(np.sort([0.0, *us, 1.0]), low, high)
    assert (np.diff(x) >= 0).all()
    assert ((x >= low) & (x <= high)).all()
    assert x[0] == pytest.approx(low, abs=1e-6)


@given(unit.filter(lambda u: 1 - (1 - u) == u), ends)
def test_the_mirrored_interval_has_the_mirrored_quantile(u, interval):
    low, high = interval
    if low > 0 or high < 0:  # one that holds the centre is not mirrored, and rounds differently
        assert quantile(1 - u, -high, -low) == -quantile(u, low, high)


@pytest.mark.parametrize(("low", "high", "nearest"), [(40.0, 50.0, 40.0), (-1e300, -60.0, -60.0)])
def test_where_doubles_hold_no_mass_the_nearest_end_is_returned(low, high, nearest):
    assert (quantile(np.array([0.0, 0.3, 1.0]), low, high) == nearest).all()


def test_infinite_ends_are_no_ends():
    u = np.linspace(0.01, 0.99, 9)
    assert quantile(u, -np.inf, np.inf) == pytest.approx(stats.norm.ppf(u))
    assert quantile(u, 3.0, np.inf) == pytest.approx(stats.truncnorm.ppf(u, 3, np.inf))


def test_it_broadcasts_over_both_sides_of_the_centre():
    u, low = np.array([[0.1], [0.9]]), np.array([-1.0, 0.5, 1.0])
    together = quantile(u, low, 2.0)
    assert together.tolist() == [[float(quantile(v, a, 2.0)) for a in low] for v in (0.1, 0.9)]
