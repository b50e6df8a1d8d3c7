import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats import order
from tunewise.stats.order import best_of, best_of_weights, doubling, median_best, tuning_curve

LOSSES = st.lists(st.floats(-1e3, 1e3), min_size=8, max_size=40).map(np.array)


@given(LOSSES)
def test_best_of_falls_with_k_from_the_mean_to_the_minimum(y):
    values = [best_of(y, k) for k in range(1, len(y) + 1)]
    assert values[0] == pytest.approx(y.mean(), abs=1e-6)
    assert values[-1] == pytest.approx(y.min(), abs=1e-6)
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(values))


@given(LOSSES, st.integers(1, 8))
def test_half_of_all_subsets_have_a_best_no_worse_than_the_median_best(y, k):
    y = np.sort(y)[:8]
    bests = np.array([min(subset) for subset in itertools.combinations(y, k)])
    found = median_best(y, k)
    assert (bests <= found).mean() >= 0.5 - 1e-9
    assert (bests < found).mean() < 0.5
    assert median_best(y, 8) == y[0]


def test_best_of_is_unbiased_and_refuses_impossible_k():
    rng = np.random.default_rng(0)
    found = np.array([[best_of(rng.random(12), k) for k in (1, 3, 12)] for _ in range(2000)])
    assert found.mean(axis=0) == pytest.approx([1 / 2, 1 / 4, 1 / 13], abs=0.012)
    with pytest.raises(ValueError, match="k is 0"):
        best_of(np.arange(3.0), 0)


@given(st.integers(1, 200), st.data())
def test_weights_sum_to_one(n, data):
    k = data.draw(st.integers(1, n))
    weight = best_of_weights(n, k)
    assert len(weight) == n - k + 1
    assert weight.sum() == pytest.approx(1)
    assert (weight >= 0).all()


def test_trials_that_gave_nothing_count_as_the_worst():
    y = np.array([3.0, 1.0, np.inf, 2.0])
    assert best_of(y, 4) == pytest.approx(1)
    assert best_of(y, 3) == pytest.approx((3 * 1 + 1 * 2) / 4)


def test_a_tuning_curve_lies_in_its_band_and_is_open_where_nothing_is_known():
    y = np.random.default_rng(0).random(20)
    curve = tuning_curve(y, np.arange(1, 60))
    assert (curve.low <= curve.median).all()
    assert (curve.median <= curve.high).all()
    assert curve.low[-1] == -np.inf  # 20 trials cannot say how good the best of 59 might be
    assert (np.diff(curve.high) <= 0).all()


def test_gains_of_doubling_scale_with_the_losses_and_shrink_with_n():
    rng = np.random.default_rng(0)
    y = rng.random(40)
    found, scaled = doubling(y), doubling(3 * y + 7)
    assert scaled.gain == pytest.approx(3 * found.gain)
    assert scaled.sd == pytest.approx(3 * found.sd)
    assert scaled.n_dims == pytest.approx(found.n_dims)
    assert found.interval[0] < found.gain < found.interval[1]
    many = np.mean([doubling(rng.random(160)).gain for _ in range(20)])
    assert many < np.mean([doubling(rng.random(20)).gain for _ in range(20)])


def test_odd_losses_have_a_gain_too():
    assert doubling(np.zeros(10)).gain == 0
    assert doubling(np.r_[np.zeros(6), np.full(6, np.inf)]).gain in (0, np.inf)
    with pytest.raises(ValueError, match="too few"):
        doubling(np.arange(7.0))
    assert np.isfinite(doubling(np.random.default_rng(0).random(50_000)).gain)


@pytest.mark.parametrize(("level", "within"), [(0.8, 0.15), (0.95, 0.35)])
def test_the_tabulated_local_level_is_what_simulation_gives(level, within):
    assert order._LEVEL_OF_1000[level] == pytest.approx(
        order.local_level(1000, level, draws=1500), rel=within
    )
