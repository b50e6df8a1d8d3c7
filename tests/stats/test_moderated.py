import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.moderated import Prior, agrees, difference, moderate, pairing_pays, variance_prior

RUNS = st.lists(st.floats(-100, 100), min_size=3, max_size=8).map(np.array).filter(lambda y: np.ptp(y) > 1e-3)


@given(RUNS, RUNS, st.floats(0.1, 50), st.floats(-50, 50))
def test_location_and_scale_change_nothing_but_the_numbers(a, b, scale, shift):
    plain, moved = difference(a, b), difference(scale * a + shift, scale * b + shift)
    assert moved.above(0.0) == pytest.approx(plain.above(0.0), abs=1e-6)
    assert moved.delta == pytest.approx(scale * plain.delta, rel=1e-6, abs=1e-6)
    assert difference(b, a).above(0.0) == pytest.approx(1 - plain.above(0.0), abs=1e-9)


def test_a_believable_prior_is_pooled_and_others_are_refused():
    assert moderate(8.0, 8, Prior(1.0, 20)) == pytest.approx((28 / 28, 28, True))
    assert not moderate(8.0, 8, Prior(0.1, 20)).used  # far too small: it would make false adoptions
    assert not moderate(8.0, 8, Prior(50.0, 20)).used
    assert moderate(8.0, 8, None).df == 8
    assert not agrees(8.0, 8, Prior(0.5, 200))


def test_the_prior_pools_alike_configurations_and_is_modest_about_unlike_ones():
    rng = np.random.default_rng(0)
    alike = variance_prior([rng.standard_normal(5) for _ in range(30)])
    assert alike.df == 120
    assert alike.sd == pytest.approx(1, rel=0.15)
    unlike = variance_prior([rng.standard_normal(5) * np.sqrt(4 / rng.chisquare(4)) for _ in range(60)])
    assert unlike.df < 12
    assert variance_prior([np.array([1.0])]) is None
    assert variance_prior([np.array([1.0, np.nan, 3.0])]).df == 1


def test_regret_is_the_mean_loss_where_the_candidate_is_worse():
    rng = np.random.default_rng(0)
    found = difference(rng.standard_normal(5) - 0.5, rng.standard_normal(5))
    drawn = found.delta + found.error * rng.standard_t(found.df, 400_000)
    assert found.regret() == pytest.approx(np.maximum(0, -drawn).mean(), rel=0.02)
    low, high = found.interval()
    assert found.above(low) == pytest.approx(0.95)
    assert found.above(high) == pytest.approx(0.05)


def test_pairs_pay_where_seeds_share_enough():
    assert not pairing_pays(0.0, 5)
    assert pairing_pays(0.7, 5)
    a = np.arange(6.0)
    paired = difference(a, a + 1, correlation=0.9)
    assert paired.delta == 1
    assert paired.error == 0
    with pytest.raises(ValueError, match="cannot be compared"):
        difference(a, a[:3], correlation=0.5)
    with pytest.raises(ValueError, match="cannot be compared"):
        difference(a[:1], a)
