import numpy as np
import pytest

from tunewise.stats.surrogate import (
    argmin_of,
    edge_gain,
    fit_surrogate,
    grid_of,
    mean_at,
    pair_shares,
    profile,
)


def fitted(loss, n=40, d=3, seed=0, choices=(0, 0, 0)):
    X = np.random.default_rng(seed).random((n, d))
    return fit_surrogate(X, loss(X), choices)


def test_it_predicts_what_it_can_and_knows_where_it_cannot():
    smooth = fitted(lambda X: (X[:, 0] - 0.3) ** 2 + X[:, 1])
    assert smooth.agreement > 0.9
    noise = fitted(lambda X: np.random.default_rng(1).random(len(X)))
    assert noise.agreement < smooth.agreement / 2
    assert fitted(lambda X: np.ones(len(X))) is None
    assert fitted(lambda X: X[:, 0], n=9) is None


def test_a_profile_is_the_best_to_be_had():
    s = fitted(lambda X: (X[:, 0] - 0.3) ** 2 + (X[:, 1] - 0.7) ** 2, n=60)
    grid = grid_of(0, None)
    drawn = profile(s, 0, grid, np.random.default_rng(0))
    assert drawn.shape == (200, len(grid))
    at = s.loss(np.median(drawn, axis=0))
    good = (grid > 0) & (grid < 0.7)  # the worse half is compressed on purpose
    assert at[good] == pytest.approx((grid[good] - 0.3) ** 2, abs=0.06)
    assert np.median(argmin_of(drawn, grid)) == pytest.approx(0.3, abs=0.05)


def test_an_edge_gains_only_where_the_loss_falls_towards_it():
    grid = grid_of(0, None)
    for at, low, high in ((-0.3, 1, 0), (1.3, 0, 1), (0.5, 0, 0)):
        s = fitted(lambda X, at=at: (X[:, 0] - at) ** 2, n=40)
        found = edge_gain(profile(s, 0, grid, np.random.default_rng(0)), grid, 0.075)
        assert (found[0] > 0.7, found[1] > 0.7) == (low, high)


def test_an_irrelevant_parameter_has_no_edge():
    grid = grid_of(0, None)
    s = fitted(lambda X: (X[:, 0] - 0.4) ** 2)
    low, high, _, _ = edge_gain(profile(s, 2, grid, np.random.default_rng(0)), grid, 0.075)
    assert max(low, high) < 0.3


def test_choices_are_told_apart_and_inactive_values_are_allowed():
    rng = np.random.default_rng(0)
    X = rng.random((60, 2))
    index = np.minimum((X[:, 1] * 3).astype(int), 2)
    X[:20, 0] = np.nan
    s = fit_surrogate(X, np.array([0.0, 0.5, 1.0])[index] + 0.01 * rng.random(60), (0, 3))
    mean, sd = mean_at(s, np.array([[0.5, 1 / 6], [0.5, 0.5], [0.5, 5 / 6]]))
    assert mean[0] < mean[1] < mean[2]
    assert (sd > 0).all()
    assert grid_of(3, 3) == pytest.approx([1 / 6, 0.5, 5 / 6])


def test_only_true_interactions_are_seen():
    additive = fitted(lambda X: (X[:, 0] - 0.5) ** 2 + (X[:, 1] - 0.5) ** 2, n=60)
    joint = fitted(lambda X: (X[:, 0] - 0.5) * (X[:, 1] - 0.5), n=60)
    rng = np.random.default_rng(0)
    assert pair_shares(additive, [0, 1], rng)[0, 1] < 0.06
    assert pair_shares(joint, [0, 1], rng)[0, 1] > 0.5


def test_many_trials_are_thinned_and_noise_is_believed():
    X = np.random.default_rng(0).random((1000, 2))
    s = fit_surrogate(X, X[:, 0], (0, 0))
    assert len(s.z) == 200
    quiet = fit_surrogate(X[:50], X[:50, 0], (0, 0), noise_sd=1.0)
    assert mean_at(quiet, X[:1])[1][0] > mean_at(s, X[:1])[1][0]
