"""Warps are increasing up to their cap, and standardise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.warp import make_warp, yeo_johnson


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=40), st.sampled_from([1.0, None]))
def test_order_is_kept_and_nothing_blows_up(values, power):
    loss = np.sort(np.array(values))
    warped = make_warp(loss, power)(loss)
    assert np.isfinite(warped).all()
    assert (np.diff(warped) >= -1e-9).all()


@pytest.mark.parametrize("size", [1e300, 1e-300, 0.0])
def test_extreme_losses_stay_finite(size):
    loss = size * np.array([1.0, -1.0, 0.5, 0.9])
    for power in (1.0, None):
        assert np.isfinite(make_warp(loss, power)(loss)).all()


def test_one_near_divergence_does_not_flatten_the_rest():
    loss = np.append(np.linspace(0, 1, 20), 1e8)
    warped = make_warp(loss, 1.0)(loss)
    assert warped[19] - warped[0] > 1.0


def test_a_skewed_loss_is_made_symmetric():
    loss = np.exp(np.random.default_rng(0).standard_normal(300))
    plain, bent = (make_warp(loss, power)(loss) for power in (1.0, None))
    assert abs(np.mean(bent**3)) < abs(np.mean(plain**3))


def test_yeo_johnson_has_its_special_cases():
    u = np.array([-2.0, 0.0, 3.0])
    assert yeo_johnson(u, 1.0) == pytest.approx(u)
    assert yeo_johnson(u, 0.0)[2] == pytest.approx(np.log(4))
    assert yeo_johnson(u, 2.0)[0] == pytest.approx(-np.log(3))
