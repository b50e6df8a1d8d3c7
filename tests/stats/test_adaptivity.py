"""Whether points were chosen by earlier results: exact on what was not, strong on what was."""

import numpy as np
import pytest

from tunewise.stats.adaptivity import covers_evenly, follows_results

N = 60


def random_search(rng, n=60, d=3):
    X = rng.random((n, d))
    return X, ((X - 0.4) ** 2).sum(axis=1) + 0.02 * rng.normal(size=n)


def local_search(rng, n=60, d=3):
    """After 15 random points, each is drawn near one of the best fifth so far."""
    X, y = np.empty((n, d)), np.empty(n)
    for i in range(n):
        best = np.argsort(y[:i])[: max(1, i // 5)]
        X[i] = rng.random(d) if i < 15 else np.clip(X[rng.choice(best)] + 0.1 * rng.normal(size=d), 0, 1)
        y[i] = ((X[i] - 0.4) ** 2).sum() + 0.02 * rng.normal()
    return X, y


def test_a_random_search_is_rarely_called_adaptive():
    rng = np.random.default_rng(0)
    ps = [
        (follows_results(X, y, 99), covers_evenly(X, [None] * 3))
        for X, y in (random_search(rng) for _ in range(N))
    ]
    assert np.mean([p <= 0.05 for p, _ in ps]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / N)
    assert np.mean([q <= 0.05 for _, q in ps]) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / N)


def test_an_adaptive_search_is_seen():
    rng = np.random.default_rng(1)
    ps = [
        (follows_results(X, y, 99), covers_evenly(X, [None] * 3))
        for X, y in (local_search(rng) for _ in range(20))
    ]
    assert np.mean([p <= 0.05 for p, _ in ps]) >= 0.9
    assert np.mean([q <= 0.05 for _, q in ps]) >= 0.9


def test_missing_values_and_results_are_no_trouble():
    rng = np.random.default_rng(2)
    X, y = random_search(rng)
    X[::3, 1], y[::4] = np.nan, np.nan
    assert 0 < follows_results(X, y, 49) <= 1
    assert 0 < covers_evenly(X, [None, None, 5]) <= 1
    assert follows_results(X[:5], y[:5]) == 1.0
    assert follows_results(np.zeros((50, 2)), y[:50]) == 1.0
    assert follows_results(np.zeros((50, 0)), y[:50]) == 1.0
    assert covers_evenly(np.zeros((0, 1)), [None]) == 1.0


@pytest.mark.parametrize("n_values", [2, 5, 8, 12, 40])
def test_the_values_of_a_grid_are_no_unevenness(n_values):
    rng = np.random.default_rng(3)
    ps = [
        covers_evenly((rng.integers(0, n_values, (100, 1)) + 0.5) / n_values, [n_values]) for _ in range(100)
    ]
    assert np.mean(np.array(ps) <= 0.05) <= 0.12


def test_the_answer_is_the_same_every_time_and_whatever_the_scale_of_the_loss():
    X, y = local_search(np.random.default_rng(4))
    assert follows_results(X, y) == follows_results(X, np.exp(5 * y))
