import numpy as np
import pytest

from tunewise.stats.examples import (
    example_difference,
    guessed_sd,
    seed_variance,
)


def test_independent_examples_have_no_distribution_wise_variance():
    rng = np.random.default_rng(0)
    found = [seed_variance((rng.random((10, 500)) < 0.8).astype(float)).distribution for _ in range(400)]
    assert np.mean(found) == pytest.approx(0, abs=2e-5)


def test_a_common_shift_is_all_distribution():
    shift = np.array([0.1, 0.2, 0.4])
    found = seed_variance(np.tile(shift[:, None], (1, 50)))
    assert found.distribution == pytest.approx(shift.var(ddof=1))
    assert found.set_share == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="at least 2"):
        seed_variance(np.zeros((1, 5)))


def test_differences_and_their_errors():
    rng = np.random.default_rng(0)
    a = rng.random(1000)
    found = example_difference(a, a + 0.1)
    assert found.delta == pytest.approx(0.1)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert guessed_sd(0.277, 50_000) == pytest.approx(0.0017, abs=1e-4)
