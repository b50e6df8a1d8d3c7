import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.figures.scale import thinned, value_scale

values = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=50)


@given(values, st.sampled_from([1.0, -1.0]))
def test_the_better_half_is_always_inside(numbers, sign):
    scale = value_scale(numbers, sign)
    assert scale.low < scale.high
    better = np.sort(sign * np.array(numbers))[: (len(numbers) + 1) // 2]
    slack = 1e-9 * (scale.high - scale.low)
    assert all(scale.low - slack <= sign * y <= scale.high + slack for y in better)
    places = scale.place(np.array(numbers))
    assert ((places >= 0) & (places <= 1)).all()


def test_outliers_do_not_squeeze_the_rest():
    assert value_scale([0.1, 0.2, 0.3, 0.4, 1e9]).high < 2
    assert value_scale([0.9, 0.8, 0.7, 0.6, -1e9], sign=-1).low > -1


@pytest.mark.parametrize(
    ("numbers", "log"), [([1e-4, 1e-3, 1e-2, 1e-1], True), ([1, 2, 3], False), ([-1, 1e3, 2e3, 9e3], False)]
)
def test_the_scale_is_logarithmic_where_values_span_decades(numbers, log):
    assert value_scale(numbers).log == log


def test_nothing_known_is_an_axis_too():
    assert value_scale([]).low < value_scale([math.nan]).high
    assert value_scale([3.0, 3.0]).low < 3 < value_scale([3.0, 3.0]).high


@given(st.integers(1, 500), st.integers(3, 60))
def test_thinning_keeps_the_best_and_no_more_than_asked(n, most):
    rng = np.random.default_rng(n)
    numbers = np.arange(n) * 2
    ranked = rng.permutation(numbers)
    kept = thinned(numbers, ranked, most)
    assert len(kept) == min(n, most)
    assert (np.diff(kept) > 0).all()
    assert set(ranked[: most // 3].tolist()) <= set(kept.tolist())
