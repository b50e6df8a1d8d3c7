import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.order import best_of
from tunewise.stats.permutation import beaten_chances, study_test


def test_arms_against_themselves_and_against_worse_ones():
    a = np.random.default_rng(0).random(30)
    same = study_test(a, a.copy(), matched=True)
    assert same.effect == 0
    assert same.chance == 1
    assert study_test(a + 1, a).chance < 0.01
    assert study_test(a + 1, a).effect == pytest.approx(1)
    assert study_test(a, a + 1).chance > 0.99


def test_order_and_monotone_scale_change_nothing():
    rng = np.random.default_rng(0)
    a, b = rng.random(20), rng.random(25) - 0.2
    plain = study_test(a, b)
    assert study_test(5 * a + 2, 5 * b + 2).chance == plain.chance
    assert study_test(rng.permutation(a), b).effect == pytest.approx(plain.effect)


def test_matched_points_tell_apart_what_two_random_studies_cannot():
    rng = np.random.default_rng(0)
    points = rng.random(40)
    assert study_test(points + 0.01 * rng.random(40), points - 0.03, matched=True).chance < 0.01
    assert study_test(rng.random(40), rng.random(40) - 0.03).chance > 0.05


def test_matched_points_that_suit_one_arm_each_keep_the_size():
    """Where a good point for one arm is a bad one for the other, pairs differ by more than strangers do."""
    rng = np.random.default_rng(0)
    chances = []
    for _ in range(600):
        points = rng.random((40, 2))
        a, b = (points**2).sum(axis=1), ((1 - points) ** 2).sum(axis=1)
        chances.append(study_test(a, b, matched=True, draws=200).chance)
    assert np.mean(np.array(chances) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
    assert study_test(a, b, matched=True).k == 20
    assert study_test(a, a + 0.01 * rng.random(40), matched=True).k == 10


def test_diverged_trials_are_the_worst_and_tiny_arms_are_refused():
    a = np.r_[np.full(10, np.nan), np.linspace(1, 2, 10)]
    assert study_test(a, np.linspace(1, 2, 20)).effect > 0
    assert study_test(np.full(5, np.inf), np.full(5, np.nan)).effect == 0
    with pytest.raises(ValueError, match="3 and 9"):
        study_test(np.arange(3.0), np.arange(9.0))
    with pytest.raises(ValueError, match="cannot be compared"):
        study_test(np.arange(8.0), np.arange(9.0), matched=True)


def test_the_best_set_keeps_what_may_be_best():
    rng = np.random.default_rng(0)
    arms = [rng.random(25) + shift for shift in (0.0, 0.0, 2.0)]
    chances = beaten_chances(arms)
    assert chances[2] < 0.05
    assert max(chances[:2]) > 0.05
    assert min(beaten_chances([arms[0], arms[0]])) > 0.05
    assert beaten_chances([arms[0]]) == [1.0]


@given(st.integers(4, 30), st.integers(4, 30), st.integers(0, 1000))
def test_the_effect_is_the_difference_of_the_expected_bests(n, m, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 9, n).astype(float), rng.random(m)  # ties too
    found = study_test(a, b, draws=20)
    assert found.effect == pytest.approx(best_of(a, found.k) - best_of(b, found.k))


@pytest.mark.parametrize(("n", "m"), [(5, 9), (40, 40), (300, 500)])
def test_the_chance_is_that_of_whole_permutations(n, m):
    rng = np.random.default_rng(n)
    a, b = rng.normal(size=n) + 0.1, rng.normal(size=m)
    found, both, draws = study_test(a, b, draws=4000), np.concatenate([a, b]), 1000
    shuffled = [rng.permutation(both) for _ in range(draws)]
    null = np.array([best_of(y[:n], found.k) - best_of(y[n:], found.k) for y in shuffled])
    assert found.chance == pytest.approx((null >= found.effect).mean(), abs=4 * np.sqrt(0.25 / draws))


def test_long_studies_are_compared_quickly():
    rng = np.random.default_rng(0)
    start = time.process_time()
    assert study_test(rng.random(50_000), rng.random(50_000) - 0.1).chance < 0.01
    assert time.process_time() - start < 3
