"""The Gaussian process: its gradient, its conditioning and its leave-one-out formulas are what the books say."""

import numpy as np
import pytest

from tunewise.stats import gp

RNG = np.random.default_rng(0)
GROUP = np.array([0, 1, 1, 1, 2])


def data(n=25):
    Z = RNG.random((n, 5))
    return Z, np.sin(5 * Z[:, 0]) + Z[:, 4] + 0.1 * RNG.standard_normal(n), RNG.random(n) * 0.1


@pytest.mark.parametrize("n_hyper", [5, 6])
def test_the_gradient_is_that_of_the_value_with_and_without_a_quadratic_trend(n_hyper):
    Z, y, extra = data()
    for theta in RNG.normal(0, 0.7, (5, n_hyper)):
        _, gradient = gp.negative_log_posterior(theta, Z, y, GROUP, extra)
        for i, step in enumerate(np.eye(n_hyper) * 1e-5):
            up, _ = gp.negative_log_posterior(theta + step, Z, y, GROUP, extra)
            down, _ = gp.negative_log_posterior(theta - step, Z, y, GROUP, extra)
            assert (up - down) / 2e-5 == pytest.approx(gradient[i], rel=1e-5, abs=1e-6)


def test_fitting_improves_on_the_start_and_finds_the_irrelevant():
    Z, y, extra = data(60)
    y = (y - y.mean()) / y.std()
    hyper = gp.fit(Z, y, GROUP, extra)
    assert hyper.lengthscale[1] > 2 * hyper.lengthscale[0]
    assert 0 < hyper.noise_var < 1


def test_leaving_one_out_is_leaving_one_out():
    Z, y, extra = data(15)
    hyper = gp.prior_mode(GROUP)
    mu, sigma = gp.leave_one_out(gp.condition(Z, y, GROUP, extra, hyper), y)
    for i in range(15):
        rest = np.arange(15) != i
        without = gp.condition(Z[rest], y[rest], GROUP, extra[rest], hyper)
        mean, sd = gp.predict(without, Z[i : i + 1])
        assert mu[i] == pytest.approx(mean[0], abs=1e-6)
        assert sigma[i] ** 2 == pytest.approx(sd[0] ** 2 + hyper.noise_var + extra[i], rel=1e-5)


@pytest.mark.parametrize("quadratic_var", [0.0, 0.7])
def test_predictions_have_the_gradients_that_differences_show(quadratic_var):
    Z, y, extra = data()
    hyper = gp.prior_mode(GROUP)._replace(quadratic_var=quadratic_var)
    posterior = gp.condition(Z, y, GROUP, extra, hyper)
    at = RNG.random((6, 5))
    mu, sigma, d_mu, d_sigma = gp.predict_with_gradient(posterior, at)
    assert np.allclose((mu, sigma), gp.predict(posterior, at))
    for i, step in enumerate(np.eye(5) * 1e-6):
        up, down = gp.predict(posterior, at + step), gp.predict(posterior, at - step)
        assert (up[0] - down[0]) / 2e-6 == pytest.approx(d_mu[:, i], rel=1e-4, abs=1e-6)
        assert (up[1] - down[1]) / 2e-6 == pytest.approx(d_sigma[:, i], rel=1e-4, abs=1e-6)


def test_choices_are_believed_to_matter_less_than_numbers():
    lengthscale = gp.prior_mode(GROUP).lengthscale
    assert lengthscale[1] > lengthscale[0] == lengthscale[2]


def test_repeated_points_are_no_trouble():
    Z = np.zeros((30, 5))
    posterior = gp.condition(Z, np.ones(30), GROUP, np.zeros(30), gp.Hyper(np.ones(3), 1.0, 1e-9))
    mean, sd = gp.predict(posterior, Z[:1])
    assert mean[0] == pytest.approx(1, abs=0.01)
    assert np.isfinite(sd).all()


def test_a_bowl_in_ten_dimensions_is_known_from_fewer_points_with_a_quadratic_trend():
    rng, group = np.random.default_rng(1), np.arange(10)
    Z, at, where, steep = (
        rng.random((30, 10)),
        rng.random((200, 10)),
        rng.random(10),
        10 ** rng.uniform(-1, 1, 10),
    )

    def bowl(X):
        return ((X - where) ** 2) @ steep

    y = (bowl(Z) - bowl(Z).mean()) / bowl(Z).std()
    truth = (bowl(at) - bowl(Z).mean()) / bowl(Z).std()
    errors = {}
    for with_quadratic in (False, True):
        hyper = gp.fit(Z, y, group, np.zeros(30), with_quadratic=with_quadratic)
        mean, _ = gp.predict(gp.condition(Z, y, group, np.zeros(30), hyper), at)
        errors[with_quadratic] = float(((mean - truth) ** 2).mean())
    assert errors[True] < 0.75 * errors[False]
