"""Parzen densities: they integrate to one, agree with SciPy kernel by kernel, and are what is drawn from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, truncnorm

from tunewise.stats.kde import Mixture, choice_widths, common_widths, neighbour_widths

N_CHOICES = np.array([0, 0, 3])
unit = st.floats(0, 1)


@st.composite
def kernels(draw):
    """X (n, 3) with two numbers and a choice of three, widths, weights and a uniform weight."""
    n = draw(st.integers(0, 6))
    maybe = st.just(np.nan)
    row = st.tuples(unit | maybe, unit | maybe, st.sampled_from([1 / 6, 0.5, 5 / 6]) | maybe)
    X = np.array(draw(st.lists(row, min_size=n, max_size=n))).reshape(n, 3)
    positive = st.floats(0.03, 1)
    width = np.array(draw(st.lists(st.tuples(*[positive] * 3), min_size=n, max_size=n))).reshape(n, 3)
    weight = np.array(draw(st.lists(positive, min_size=n, max_size=n)))
    return X, width, weight, draw(positive)


def everywhere(n_cells=400):
    """Evenly spaced points of the first axis against all choices; the second axis is inactive."""
    x = (np.arange(n_cells) + 0.5) / n_cells
    choice = (np.arange(3) + 0.5) / 3
    grid = np.stack(np.meshgrid(x, [np.nan], choice, indexing="ij"), axis=-1)
    return grid.reshape(-1, 3)


def by_hand(X, width, weight, uniform_weight, C):
    """The same density, kernel by kernel."""
    total = weight.sum() + uniform_weight
    density = np.full(len(C), uniform_weight / total)
    for x, s, w in zip(X, width, weight, strict=True):
        factor = np.full(len(C), w / total)
        for j, k in enumerate(N_CHOICES):
            if np.isnan(x[j]):
                continue
            if k:
                kernel = k * np.where(C[:, j] == x[j], 1 - s[j] + s[j] / k, s[j] / k)
            else:
                kernel = truncnorm.pdf(C[:, j], -x[j] / s[j], (1 - x[j]) / s[j], x[j], s[j])
            factor *= np.where(np.isnan(C[:, j]), 1.0, kernel)
        density += factor
    return density


@given(kernels())
@settings(max_examples=60)
def test_it_integrates_to_one(drawn):
    assert np.exp(Mixture(*drawn, N_CHOICES).log_density(everywhere())).mean() == pytest.approx(1, abs=1e-3)


@given(
    kernels(), st.lists(st.tuples(unit, unit | st.just(np.nan), st.sampled_from([1 / 6, 0.5])), min_size=1)
)
@settings(max_examples=60)
def test_it_is_the_sum_of_its_kernels(drawn, points):
    C = np.array(points)
    assert np.exp(Mixture(*drawn, N_CHOICES).log_density(C)) == pytest.approx(by_hand(*drawn, C), rel=2e-3)


@given(kernels(), unit)
@settings(max_examples=30)
def test_an_inactive_coordinate_is_integrated_out(drawn, y):
    mixture = Mixture(*drawn, N_CHOICES)
    C = everywhere()
    C[:, 1] = y
    joint = np.exp(mixture.log_density(C)).mean()
    marginal = np.exp(mixture.log_density(np.array([[np.nan, y, np.nan]])))[0]
    assert joint == pytest.approx(marginal, rel=2e-3)


@given(kernels(), st.randoms(use_true_random=False), st.integers(-9, 9))
@settings(max_examples=30)
def test_neither_the_order_of_kernels_nor_the_unit_of_weights_matters(drawn, random, power):
    X, width, weight, uniform_weight = drawn
    order = list(range(len(X)))
    random.shuffle(order)
    C = everywhere(20)
    one = Mixture(*drawn, N_CHOICES).log_density(C)
    other = Mixture(
        X[order], width[order], 2.0**power * weight[order], 2.0**power * uniform_weight, N_CHOICES
    )
    assert other.log_density(C) == pytest.approx(one, abs=1e-12)


def test_draws_follow_the_density():
    X = np.array([[0.1, 0.9, 0.5], [0.8, np.nan, 1 / 6], [0.0, 0.3, np.nan]])
    width = np.array([[0.1, 0.2, 0.3], [0.05, 0.5, 0.6], [0.3, 0.1, 0.2]])
    mixture = Mixture(X, width, np.array([3.0, 1.0, 2.0]), 1.0, N_CHOICES)
    drawn = mixture.sample(np.random.default_rng(1), 4000)
    cells = (np.arange(2000) + 0.5) / 2000
    for j in (0, 1):
        C = np.full((2000, 3), np.nan)
        C[:, j] = cells
        cdf = np.cumsum(np.exp(mixture.log_density(C))) / 2000
        assert kstest(drawn[:, j], lambda x, cdf=cdf: np.interp(x, cells, cdf)).pvalue > 0.01
    C = np.full((3, 3), np.nan)
    C[:, 2] = [1 / 6, 0.5, 5 / 6]
    wanted = np.exp(mixture.log_density(C)) / 3
    share = np.bincount((drawn[:, 2] * 3).astype(int), minlength=3) / 4000
    assert share == pytest.approx(wanted, abs=0.03)
    together = drawn[drawn[:, 0] > 0.7]  # mostly the second kernel, whose choice is the first one
    assert (together[:, 2] < 1 / 3).mean() > (drawn[:, 2] < 1 / 3).mean() + 0.1


def test_the_narrowest_kernels_are_no_trouble():
    X = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.5]])
    mixture = Mixture(X, np.full(3, 1e-6), np.ones(2), 1e-9, N_CHOICES)
    density = mixture.log_density(np.concatenate([X, [[0.5, 0.5, 1 / 6]]]))
    assert np.isfinite(density).all()
    assert (density[:2] > 25).all()
    assert density[2] < -20
    drawn = mixture.sample(np.random.default_rng(0), 50)
    assert ((drawn >= 0) & (drawn <= 1)).all()


@given(st.lists(st.tuples(unit, unit), max_size=30), st.sampled_from([1.0, 1.3]))
def test_widths_are_the_larger_gaps_to_neighbours(points, exponent):
    X = np.array(points).reshape(-1, 2)
    width = neighbour_widths(X, exponent)
    least = min(100, len(X) + 2) ** -exponent
    for j in range(2):
        for i, x in enumerate(X[:, j]):
            rest = np.delete(X[:, j], i)
            if len(rest) and len(np.unique(X[:, j])) == len(X):
                gaps = [np.min(side) for d in (rest - x, x - rest) if len(side := d[d > 0])]
                assert width[i, j] == np.clip(max(gaps), least, 1)
    assert width.shape == X.shape
    assert ((width >= least) & (width <= 1)).all()


def test_inactive_coordinates_are_no_neighbours():
    X = np.array([[0.1], [np.nan], [0.4], [0.6]])
    assert neighbour_widths(X, 3.0)[[0, 2, 3], 0] == pytest.approx([0.3, 0.3, 0.2])
    assert neighbour_widths(np.array([[0.3], [np.nan]]), 1.0)[0, 0] == 1


def test_widths_shrink_as_evidence_grows():
    n = np.array([0, 1, 10, 100, 1000])
    common = np.array([common_widths(k, 4, 0.25)[0] for k in n])
    choice = np.array([choice_widths(k, np.array([5]))[0] for k in n])
    for width in (common, choice):
        assert (np.diff(width) <= 0).all()
        assert ((width > 0) & (width <= 1)).all()
    assert common[4] / common[2] == pytest.approx(100 ** (-1 / 8))
    assert choice == pytest.approx(5 / (n + 6))
