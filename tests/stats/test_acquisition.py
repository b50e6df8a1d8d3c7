"""Log expected improvement agrees with the integral, and stays finite far into the tail."""

import numpy as np
import pytest
from scipy.special import ndtr

from tunewise.stats.acquisition import (
    log_expected_improvement,
    log_expected_improvement_gradient,
    log_h,
    log_probability_positive,
    log_probability_positive_gradient,
)


def test_it_is_the_logarithm_of_expected_improvement():
    rng = np.random.default_rng(0)
    draws = rng.standard_normal(400_000)
    for mu, sigma in [(0.0, 1.0), (1.0, 0.5), (-2.0, 0.3), (0.5, 2.0)]:
        expected = np.maximum(0.2 - (mu + sigma * draws), 0).mean()
        assert np.exp(log_expected_improvement(np.array([mu]), np.array([sigma]), 0.2)) == pytest.approx(
            expected, rel=0.03
        )


def test_it_is_finite_and_increasing_everywhere():
    z = np.concatenate([-np.geomspace(1e12, 1e-3, 400), np.geomspace(1e-3, 1e3, 100)])
    h = log_h(z)
    assert np.isfinite(h).all()
    assert (np.diff(h) >= 0).all()


def test_the_branches_meet():
    near = log_h(np.array([-1 - 1e-9, -1 + 1e-9]))
    assert near[0] == pytest.approx(near[1], abs=1e-7)


def test_a_probability_is_a_probability():
    p = np.exp(log_probability_positive(np.array([-1.0, 0.0, 1.0]), np.array([0.0, 0.0, 0.0])))
    assert p[1] == pytest.approx(0.5)
    assert p[0] == pytest.approx(ndtr(-1 / np.sqrt(0.1)))


@pytest.mark.parametrize(
    ("function", "with_gradient"),
    [
        (
            lambda m, s: log_expected_improvement(m, s, 0.2),
            lambda m, s: log_expected_improvement_gradient(m, s, 0.2),
        ),
        (log_probability_positive, log_probability_positive_gradient),
    ],
)
def test_the_derivatives_are_those_of_the_value(function, with_gradient):
    mu, sigma = np.array([-3.0, -0.5, 0.1, 0.3, 2.0, 9.0]), np.array([0.1, 1.0, 0.01, 2.0, 0.3, 0.5])
    value, d_mu, d_sigma = with_gradient(mu, sigma)
    assert np.allclose(value, function(mu, sigma))
    assert np.allclose(
        d_mu, (function(mu + 1e-6, sigma) - function(mu - 1e-6, sigma)) / 2e-6, rtol=1e-3, atol=1e-6
    )
    assert np.allclose(
        d_sigma, (function(mu, sigma + 1e-6) - function(mu, sigma - 1e-6)) / 2e-6, rtol=1e-3, atol=1e-6
    )
