"""The distribution of CMA-ES: it knows no axes, learns a planted covariance, and needs as many points as `cmaes`."""

import cmaes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import ortho_group

from tunewise.stats import cma


def minimise(function, start, sigma, population, rng, target, most=200):
    """Generations until a point is below ``target``, and the distribution then."""
    normal = cma.start(np.array(start), sigma)
    for generation in range(1, most + 1):
        X = cma.points(normal, rng.standard_normal((population, len(start))))
        y = np.array([function(x) for x in X])
        normal = cma.update(normal, X[np.argsort(y)])
        if y.min() < target:
            return generation, normal
    return most, normal


def sphere(x):
    return float(x @ x)


def turned(normal, Q, factor, shift):
    """The same distribution seen from other axes."""
    return normal._replace(
        mean=factor * Q @ normal.mean + shift,
        sigma=factor * normal.sigma,
        C=Q @ normal.C @ Q.T,
        root=Q @ normal.root @ Q.T,
        path_sigma=Q @ normal.path_sigma,
        path_c=Q @ normal.path_c,
    )


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.sampled_from([0.01, 1.0, 100.0]))
@settings(max_examples=25)
def test_it_knows_neither_axes_nor_units_nor_origin(seed, n, factor):
    rng = np.random.default_rng(seed)
    Q, shift = ortho_group.rvs(n, random_state=rng), rng.normal(size=n)
    one = cma.start(rng.normal(size=n), 0.7)
    other = turned(one, Q, factor, shift)
    for _ in range(4):
        X = one.mean + one.sigma * rng.normal(size=(8, n))
        one, other = cma.update(one, X), cma.update(other, factor * X @ Q.T + shift)
    wanted = turned(one, Q, factor, shift)
    for mine, theirs in zip(other, wanted, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-8 * factor)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 9))
@settings(max_examples=25)
def test_the_root_is_a_root_whatever_the_points(seed, n, population):
    rng = np.random.default_rng(seed)
    normal = cma.start(np.zeros(n), 1.0)
    for spread in (1.0, 0.0, 1e8, 1e-8):
        normal = cma.update(normal, spread * rng.normal(size=(population, n)))
        assert normal.root @ normal.root == pytest.approx(normal.C, rel=1e-6, abs=1e-6 * normal.C.max())
        values = np.linalg.eigvalsh(normal.C)
        assert values[0] > 0
        assert np.isfinite([*normal.mean, normal.sigma]).all()


def test_points_have_the_mean_and_the_covariance_of_the_distribution():
    rng = np.random.default_rng(0)
    _, normal = minimise(lambda x: x[0] ** 2 + 9 * (x[1] - x[0]) ** 2, [2.0, -1.0], 1.0, 8, rng, 1e-2)
    normal = normal._replace(scale=np.array([1.0, 3.0]))
    X = cma.points(normal, rng.standard_normal((20_000, 2)))
    assert X.mean(axis=0) == pytest.approx(normal.mean, abs=4 * normal.deviation.max() / 141)
    assert X.std(axis=0) == pytest.approx(normal.deviation, rel=0.03)
    spread = np.diag(normal.sigma * normal.scale)
    assert np.cov(X.T) == pytest.approx(spread @ normal.C @ spread, rel=0.1)


@pytest.mark.parametrize("n", [2, 6])
@pytest.mark.filterwarnings("ignore")
def test_a_sphere_takes_as_many_generations_as_with_the_package_cmaes(n):
    population = 4 + int(3 * np.log(n))

    def theirs(seed):
        other = cmaes.CMA(np.full(n, 3.0), 2.0, population_size=population, seed=seed)
        for generation in range(1, 200):
            points = [(x, sphere(x)) for x in (other.ask() for _ in range(population))]
            other.tell(points)
            if min(y for _, y in points) < 1e-8:
                return generation
        return 200

    mine = [
        minimise(sphere, [3.0] * n, 2.0, population, np.random.default_rng(s), 1e-8)[0] for s in range(11)
    ]
    assert np.median(mine) == pytest.approx(np.median([theirs(seed) for seed in range(11)]), rel=0.15)


def test_a_planted_covariance_is_learnt():
    Q = ortho_group.rvs(3, random_state=1)
    hessian = Q @ np.diag([1.0, 30.0, 1000.0]) @ Q.T
    _, normal = minimise(
        lambda x: float(x @ hessian @ x), [1.0, 1.0, 1.0], 1.0, 10, np.random.default_rng(0), 1e-14
    )
    product = normal.C @ hessian
    values = np.linalg.eigvals(product / np.trace(product)).real
    assert values.max() / values.min() < 10  # 1000 where nothing is learnt


def test_points_that_could_not_have_been_drawn_count_with_a_bounded_length():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 3))
    far = X.copy()
    far[0] *= 1e6
    near, moved = (cma.update(cma.start(np.zeros(3), 1.0), each) for each in (X, far))
    assert np.linalg.norm(moved.mean - near.mean) < 4
    assert moved.sigma < 3


@given(st.floats(0, 1), st.floats(1e-8, 2), st.integers(1, 8), st.floats(0.001, 0.2), st.booleans())
def test_every_neighbouring_cell_keeps_a_margin(mean, sigma, n_cells, margin, discrete):
    border = np.arange(1, n_cells) / n_cells if discrete else np.zeros(0)
    before = cma.start(np.array([mean, 0.3]), sigma)
    after = cma.with_margin(before, [border, np.zeros(0)], margin)
    m, s = after.mean[0], after.deviation[0]
    assert (after.mean[1], after.deviation[1]) == (0.3, sigma)
    if not len(border):
        assert (m, s) == (mean, sigma)
        return
    cell = int(np.searchsorted(border, mean))
    below = float(ndtr((border[cell - 1] - m) / s)) if cell > 0 else 1.0
    above = float(ndtr((m - border[cell]) / s)) if cell < len(border) else 1.0
    assert min(below, above) >= margin / 2 * (1 - 1e-6)
    old = [ndtr((border[cell - 1] - mean) / sigma)] if cell > 0 else []
    old += [ndtr((mean - border[cell]) / sigma)] if cell < len(border) else []
    if min(old) > margin:
        assert (m, s) == (mean, sigma)
