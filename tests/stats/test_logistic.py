import math

import numpy as np
import pytest

from tunewise.stats.logistic import firth, threshold


def test_separated_data_have_a_finite_answer():
    x = np.linspace(0, 1, 20)
    found = threshold(x, x > 0.6)
    assert found.at == pytest.approx(0.6, abs=0.06)
    assert found.low < found.at < found.high
    assert found.slope > 0
    assert threshold(x, x < 0.6).slope < 0


def test_many_data_give_the_likeliest_coefficients():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(4000)
    y = rng.random(4000) < 1 / (1 + np.exp(-(1 + 2 * x)))
    found = firth(np.column_stack([np.ones(4000), x]), y)
    assert found.coefficient == pytest.approx([1, 2], abs=0.2)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx([0.05, 0.07], abs=0.03)


def test_nothing_to_see_means_no_bounds():
    rng = np.random.default_rng(0)
    found = threshold(rng.random(30), rng.random(30) < 0.5)
    assert found.low == -math.inf
    assert found.high == math.inf
