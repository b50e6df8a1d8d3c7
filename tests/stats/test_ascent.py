"""Climbing from many starts: never downwards, never outside, and up to the top of what is smooth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.ascent import climb


def hill(top, width):
    def function(X):
        return -(((X - top) / width) ** 2).sum(axis=1), -2 * (X - top) / width**2

    return function


@given(st.integers(0, 10**6), st.integers(1, 8))
def test_the_top_of_a_concave_function_is_found_inside_or_on_the_border(seed, d):
    rng = np.random.default_rng(seed)
    top, width = rng.uniform(-0.3, 1.3, d), rng.uniform(0.3, 2.0, d)
    X = climb(hill(top, width), rng.random((4, d)), np.ones((4, d), dtype=bool), 60)
    assert np.allclose(X, np.clip(top, 0, 1), atol=2e-3)


@given(st.integers(0, 10**6))
def test_no_start_falls_and_what_is_not_free_does_not_move(seed):
    rng = np.random.default_rng(seed)
    A = rng.normal(0, 6, (3, 4))

    def function(X):
        return np.sin(X @ A.T).sum(axis=1), np.cos(X @ A.T) @ A

    X, free = rng.random((6, 4)), rng.random((6, 4)) < 0.6
    end = climb(function, X, free)
    assert (function(end)[0] >= function(X)[0]).all()
    assert (end[~free] == X[~free]).all()
    assert ((end >= 0) & (end <= 1)).all()


def test_curvature_is_learned():
    """In a narrow curved valley, along the gradient alone, twenty steps would get nowhere."""
    calls = 0

    def function(X):
        nonlocal calls
        calls += 1
        x, y = 4 * X[:, 0] - 2, 4 * X[:, 1] - 1
        value = -((1 - x) ** 2) - 20 * (y - x * x) ** 2
        slope = np.column_stack([2 * (1 - x) + 80 * x * (y - x * x), -40 * (y - x * x)])
        return value, 4 * slope

    end = climb(function, np.array([[0.2, 0.8]]), np.ones((1, 2), dtype=bool), 60)
    assert end[0] == pytest.approx([0.75, 0.5], abs=1e-3)
    assert calls < 200


def test_no_starts_are_no_trouble():
    assert climb(hill(0.5, 1.0), np.empty((0, 3)), np.empty((0, 3), dtype=bool)).shape == (0, 3)
