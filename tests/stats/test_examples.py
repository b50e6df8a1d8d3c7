import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.examples import (
    example_difference,
    guessed_sd,
    packed,
    seed_variance,
    unpacked,
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


@given(st.lists(st.booleans(), max_size=100))
def test_which_were_right_comes_back(right):
    assert unpacked(packed(np.array(right, dtype=bool))).tolist() == right


@pytest.mark.parametrize("text", ["", "8", "x:AA==", "9:AA==", "0:AA==", "-1:", "8:?"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match=r"no text of right|non-base64|Only base64|padding"):
        unpacked(text)
