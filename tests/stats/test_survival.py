import math

import numpy as np
import pytest

from tunewise.stats.survival import fastest, tobit


def test_tobit_undoes_censoring():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.ones(400), rng.random(400)])
    y = X @ [1.0, 2.0] + 0.3 * rng.standard_normal(400)
    limit = 2.0
    found = tobit(X, np.minimum(y, limit), y < limit)
    assert found.coefficient == pytest.approx([1, 2], abs=0.15)
    naive = np.linalg.lstsq(X, np.minimum(y, limit), rcond=None)[0]
    assert abs(naive[1] - 2) > 0.5
    plain = tobit(X, y, np.ones(400, bool))
    assert plain.coefficient == pytest.approx(np.linalg.lstsq(X, y, rcond=None)[0], abs=1e-3)


def test_the_fastest_rate_of_a_parabola():
    x = np.arange(-4, 0.01, 0.5)
    steps = 1000 * np.exp((x + 2.1) ** 2)
    found = fastest(10**x, steps, np.ones(9, bool))
    assert found.steps == pytest.approx(1000, rel=0.02)
    assert found.lr == pytest.approx(10**-2.1, rel=0.05)
    assert found.edge == ""
    assert found.low <= found.steps <= found.high


def test_a_cliff_above_and_slow_runs_below():
    x = np.arange(-4, 0.01, 0.5)
    steps = 1000 * np.exp((x + 2.1) ** 2)
    reached = (steps < 4000) & (x < -1.7)
    found = fastest(10**x, np.where(reached, steps, 4000), reached)
    assert found.steps == pytest.approx(1000, rel=0.1)
    assert found.unstable == pytest.approx(10**-1.5)


def test_two_rates_that_worked_fix_no_curvature():
    """Slower ones only say "later than"; a parabola through two rates had no finite interval."""
    lr = np.exp([-4.61, -3.45, -2.3, -1.15, 0.0, 0.0, -1.15])
    steps = np.exp([9.0, 9.0, 9.0, 8.17, 7.88, 7.7, 8.15])
    found = fastest(lr, steps, np.array([False, False, False, True, True, True, True]))
    assert found.low <= found.steps <= found.high < 2 * found.low
    assert found.steps == pytest.approx(np.exp(7.79), rel=0.1)


def test_it_says_where_nothing_worked_and_where_the_grid_ends():
    x = np.arange(-4, 0.01, 0.5)
    nothing = fastest(10**x, np.full(9, 100.0), np.zeros(9, bool))
    assert math.isnan(nothing.lr)
    assert fastest(10**x, 1000 * 10 ** (-0.3 * x), np.ones(9, bool)).edge == "high"
    assert fastest(np.array([0.1]), np.array([50.0]), np.array([True])).steps == pytest.approx(50)
    with pytest.raises(ValueError, match="at least one"):
        fastest(np.empty(0), np.empty(0), np.empty(0, bool))
