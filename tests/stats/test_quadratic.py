"""Laws of the quadratic trend."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats import quadratic


def points(seed, n, d=3):
    return np.random.default_rng(seed).uniform(-1, 1, (n, d))


@given(st.integers(0, 1000))
def test_it_is_a_covariance_and_its_diagonal_is_the_variance(seed):
    X = points(seed, 12)
    K = quadratic.covariance(X, X)
    assert np.allclose(K, K.T)
    assert np.linalg.eigvalsh(K).min() > -1e-9
    assert np.allclose(np.diag(K), quadratic.variance(X))


@given(st.integers(0, 1000))
def test_ten_points_of_three_coordinates_determine_every_polynomial_of_the_second_degree(seed):
    """1 + 3 + 6 coefficients: the covariance of more points has no higher rank."""
    X = points(seed, 25)
    assert np.linalg.matrix_rank(quadratic.covariance(X, X), tol=1e-8) == 10


@given(st.integers(0, 1000))
def test_slopes_are_those_of_differences(seed):
    Z, Y, weights = points(seed, 4), points(seed + 1, 5), points(seed + 2, 4, 5)
    group = np.arange(3)
    X = quadratic.centred(Z, group)
    for j, step in enumerate(np.eye(3) * 1e-6):
        up, down = quadratic.centred(Z + step, group), quadratic.centred(Z - step, group)
        by_points = ((quadratic.covariance(up, Y) - quadratic.covariance(down, Y)) * weights).sum(
            axis=1
        ) / 2e-6
        assert np.allclose(quadratic.slope(X, Y, weights)[:, j], by_points, rtol=1e-4, atol=1e-6)
        own = (quadratic.variance(up) - quadratic.variance(down)) / 2e-6
        assert np.allclose(quadratic.variance_slope(X)[:, j], own, rtol=1e-4, atol=1e-6)


def test_choices_have_no_trend():
    Z = np.random.default_rng(0).random((6, 4))
    X = quadratic.centred(Z, np.array([0, 1, 1, 1]))
    assert (X[:, 1:] == 0).all()
    assert (X[:, 0] == 2 * Z[:, 0] - 1).all()
