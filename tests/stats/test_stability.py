"""Detectors of instability against planted spikes, blow-ups and drift."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.stability import (
    clip_threshold,
    clipped_share,
    early_blow_up,
    loss_rise,
    lr_sensitivity,
    shortest_stable,
    spikes,
)


def norms(rng, n=2000, sd=0.25, drift=1.0):
    return np.exp(sd * rng.standard_normal(n) - drift * np.arange(n) / n)


def test_v25_spikes_are_found_and_clean_runs_raise_no_alarm():
    rng = np.random.default_rng(0)
    assert sum(len(spikes(norms(rng))) > 0 for _ in range(100)) <= 1
    found = 0
    for _ in range(100):
        run = norms(rng)
        at = int(rng.integers(20, 1980))
        run[at] *= 10
        found += at in spikes(run)
    assert found >= 95


@given(scale=st.floats(1e-6, 1e6))
def test_spikes_do_not_depend_on_the_unit_of_the_norm(scale):
    run = norms(np.random.default_rng(1), n=300)
    run[[50, 200]] *= 20
    assert spikes(run).tolist() == spikes(run * scale).tolist() == [50, 200]


def test_a_norm_that_is_not_finite_is_a_spike():
    run = norms(np.random.default_rng(2), n=50)
    run[7], run[8] = math.inf, 0.0
    assert spikes(run).tolist() == [7]
    assert len(spikes(np.ones(50))) == 0
    assert spikes(np.array([1.0, math.nan])).tolist() == [1]


def test_v25_the_clip_threshold_is_the_ninetieth_percentile():
    rng = np.random.default_rng(3)
    misses = []
    for _ in range(100):
        found = clip_threshold(norms(rng, n=1000, drift=0.0))
        truth = math.exp(0.25 * 1.2815515655)
        misses.append(not found.low <= truth <= found.high)
        share_above = 0.5 * math.erfc(math.log(found.value) / 0.25 / math.sqrt(2))
        assert abs(share_above - 0.1) < 0.03 + 0.01
    assert np.mean(misses) <= 0.16


def test_a_threshold_needs_norms():
    with pytest.raises(ValueError, match="too few"):
        clip_threshold(np.ones(9))


def test_the_threshold_of_the_last_half_shows_drift():
    found = clip_threshold(norms(np.random.default_rng(4), n=1000, sd=0.1, drift=2.0))
    assert found.last_half < 0.7 * found.value


@given(n_over=st.integers(0, 100))
def test_v25_the_clipped_share_is_exact(n_over):
    run = np.where(np.arange(100) < n_over, 2.0, 0.5)
    found = clipped_share(run, 1.0)
    assert found.share == n_over / 100
    assert found.low <= found.share <= found.high
    assert found.lr_factor == pytest.approx(1 - n_over / 200)


def test_a_falling_noisy_loss_has_not_risen_and_a_blown_up_one_has():
    rng = np.random.default_rng(5)
    falling = 2.3 * np.exp(-np.arange(400) / 100) + 0.05 * rng.standard_normal(400)
    assert loss_rise(falling).lasted < 0.01
    risen = falling.copy()
    risen[200:] += 1.5
    assert loss_rise(risen).share > 0.5
    assert 195 <= loss_rise(risen).step <= 399
    assert loss_rise(np.array([1.0, math.nan])).share == math.inf


def test_v25_noise_is_no_harm_and_a_blow_up_is():
    """Noise as large as a twentieth of the descent."""
    rng = np.random.default_rng(6)
    calm = 2 * np.exp(-np.arange(1000) / 200) + 0.1 * rng.standard_normal(1000)
    blown = calm.copy()
    blown[400:] += np.exp(-np.arange(600) / 100)
    assert not loss_rise(calm).harmful
    assert loss_rise(blown).harmful
    assert loss_rise(np.r_[calm, np.nan]).harmful
    assert not loss_rise(calm[:5]).harmful


def test_an_early_blow_up_is_its_height():
    calm = np.linspace(2.0, 1.0, 500)
    assert early_blow_up(calm) == 0.0
    calm[30] = 5.0
    assert early_blow_up(calm) == pytest.approx(1.5)
    assert early_blow_up(np.array([1.0, math.nan])) == math.inf


def test_sensitivity_counts_a_decade_and_caps_divergence():
    lr = 10.0 ** np.arange(-3, 1)
    assert lr_sensitivity(lr, np.array([1.0, 1.0, 1.0, 1.0]), 2.0) == 0.0
    assert lr_sensitivity(lr, np.array([1.5, 1.0, math.nan, 1.0]), 2.0) == pytest.approx((0.5 + 0 + 1) / 3)


def test_the_shortest_stable_warm_up_is_monotone():
    length = np.array([10, 100, 1000])
    assert shortest_stable(length, np.array([False, True, True])) == 100
    assert shortest_stable(length, np.array([True, False, True])) == 1000
    assert shortest_stable(length, np.array([False, False, False])) is None
