"""Low-discrepancy sequences: point i is a function of i, randomisation keeps the strata, and SciPy does no better."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import qmc

from tunewise.stats.quasirandom import SOBOL_DIMS, halton, sobol, worst_correlation

PRIMES = (2, 3, 5, 7, 11)
seeds = st.integers(0, 2**32)
kinds = st.sampled_from([sobol, halton])
indices = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20)


def generator(seed):
    return np.random.default_rng(seed)


@given(kinds, st.none() | seeds, st.integers(1, 6), indices)
@settings(max_examples=40)
def test_point_i_is_a_function_of_i(kind, seed, n_dims, index):
    points = kind(range(n_dims), None if seed is None else generator(seed))
    together = points(np.array(index))
    assert together.shape == (len(index), n_dims)
    assert ((together >= 0) & (together < 1)).all()
    for i, row in zip(index, together, strict=True):
        assert (points(np.array([i]))[0] == row).all()


@given(kinds, seeds, st.integers(0, 60), st.integers(1, 60))
@settings(max_examples=20)
def test_a_longer_run_begins_with_the_shorter_one(kind, seed, n, more):
    short, long = (kind(range(4), generator(seed))(np.arange(size)) for size in (n, n + more))
    assert (long[:n] == short).all()


@given(seeds, st.integers(1, 6), st.integers(0, 5), st.integers(0, 1000))
@settings(max_examples=40)
def test_a_block_of_scrambled_sobol_points_has_one_in_each_strip(seed, n_dims, k, block):
    size = 2**k
    X = sobol(range(n_dims), generator(seed))(np.arange(block * size, (block + 1) * size))
    assert (np.sort(np.floor(X * size), axis=0) == np.arange(size)[:, None]).all()


@given(seeds, st.integers(0, 4), st.integers(1, 2), st.integers(0, 500))
@settings(max_examples=40)
def test_a_block_of_scrambled_halton_points_has_one_in_each_strip(seed, j, k, block):
    size = PRIMES[j] ** k
    X = halton(range(5), generator(seed))(np.arange(block * size, (block + 1) * size))
    assert (np.sort(np.floor(X[:, j] * size + 1e-9)) == np.arange(size)).all()


@pytest.mark.parametrize("kind", [sobol, halton])
def test_coordinates_can_be_picked(kind):
    index = np.arange(50)
    assert (kind([4, 1])(index) == kind(range(5))(index)[:, [4, 1]]).all()


def test_without_a_generator_they_are_the_known_sequences():
    index = np.arange(256)
    assert (sobol(range(SOBOL_DIMS))(index) == qmc.Sobol(SOBOL_DIMS, scramble=False).random(len(index))).all()
    known = qmc.Halton(40, scramble=False).random(len(index))
    assert halton(range(40))(index) == pytest.approx(known, abs=1e-12)


@pytest.mark.parametrize("kind", [sobol, halton])
def test_one_dimension_is_uniform_at_every_index(kind):
    first = np.sort([kind([0], generator(seed))(np.array([0, 7]))[:, 0] for seed in range(400)], axis=0)
    steps = (np.arange(400) + 0.5)[:, None] / 400
    assert (
        np.abs(first - steps).max() < 0.085
    )  # the Kolmogorov-Smirnov distance exceeds this once in 200 times


@pytest.mark.parametrize("kind", [sobol, halton])
def test_seeds_make_independent_replicates(kind):
    means = [kind(range(3), generator(seed))(np.arange(16)).mean(axis=0) for seed in range(40)]
    runs = [kind(range(3), generator(seed))(np.arange(16)) for seed in (1, 1, 2)]
    assert (runs[0] == runs[1]).all()
    assert not (runs[0] == runs[2]).any()
    assert np.mean(means) == pytest.approx(0.5, abs=0.008)


@pytest.mark.parametrize(("ours", "theirs"), [(sobol, qmc.Sobol), (halton, qmc.Halton)])
@pytest.mark.parametrize("n_dims", [2, 5, 10])
@pytest.mark.filterwarnings("ignore:The balance properties")
def test_they_are_as_even_as_those_of_scipy_and_less_correlated(ours, theirs, n_dims):
    def medians(draw):
        runs = [draw(seed) for seed in range(12)]
        return np.median([[qmc.discrepancy(X), worst_correlation(X)] for X in runs], axis=0)

    discrepancy, correlation = medians(lambda s: ours(range(n_dims), generator(s))(np.arange(30)))
    known, known_correlation = medians(lambda s: theirs(n_dims, seed=s).random(30))
    assert discrepancy <= 1.02 * known
    assert correlation <= known_correlation
    assert correlation < 0.45


def test_points_as_short_as_a_study_keep_clear_of_lines():
    plain = halton(range(15))(np.arange(30))
    assert worst_correlation(plain) > 0.95
    assert max(worst_correlation(halton(range(15), generator(s))(np.arange(30))) for s in range(5)) < 0.6


def test_the_worst_correlation_finds_the_planted_pair():
    X = generator(0).random((200, 4))
    assert worst_correlation(X) < 0.2
    X[:, 3] = 1 - 2 * X[:, 1]
    assert worst_correlation(X) == pytest.approx(1)
    assert worst_correlation(X[:, :1]) == 0


def test_more_dimensions_than_can_be_judged_take_the_first_randomisation(monkeypatch):
    X = sobol(range(60), generator(0))(np.arange(8))
    monkeypatch.setattr("tunewise.stats.quasirandom._CANDIDATES", 1)
    assert (X == sobol(range(60), generator(0))(np.arange(8))).all()
