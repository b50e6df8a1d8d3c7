import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.trend import (
    first_reaching,
    forecast,
    lag_one,
    local_line,
    periodicity,
    rise_of,
    settled,
    step_sd,
    thinned,
)


def test_step_noise_ignores_the_trend():
    rng = np.random.default_rng(0)
    shape = np.exp(-np.arange(40) / 8)
    found = np.mean([step_sd(shape + 0.1 * rng.standard_normal(40)) for _ in range(300)])
    assert found == pytest.approx(0.1, rel=0.06)


@given(st.floats(0.1, 100), st.floats(-100, 100))
def test_a_rise_scales_with_the_curve(scale, shift):
    y = np.sin(np.arange(12.0)) + 0.1 * np.arange(12)
    plain, moved = rise_of(y), rise_of(scale * y + shift)
    assert moved.above(0.0) == pytest.approx(plain.above(0.0), abs=1e-5)
    assert moved.centre == pytest.approx(scale * plain.centre, rel=1e-5)
    assert rise_of(-y).above(0.0) == pytest.approx(1 - plain.above(0.0), abs=1e-6)


def test_a_mixture_knows_its_quantiles():
    found = rise_of(np.random.default_rng(0).standard_normal(30))
    for p in (0.05, 0.5, 0.95):
        assert found.above(found.quantile(p)) == pytest.approx(1 - p, abs=1e-6)


def test_correlated_noise_makes_a_rise_less_certain():
    y = np.linspace(0, 1, 40)
    rng = np.random.default_rng(0)
    white = y + 0.5 * rng.standard_normal(40)
    slow = y + 0.5 * np.repeat(rng.standard_normal(8), 5)
    assert rise_of(white).scale @ rise_of(white).weight < rise_of(slow).scale @ rise_of(slow).weight


def test_a_perfect_line_and_a_flat_curve():
    assert rise_of(np.linspace(0, 3, 20)).centre == pytest.approx(3)
    assert rise_of(np.linspace(0, 3, 20)).above(0.0) == pytest.approx(1)
    assert rise_of(np.zeros(10)).centre == pytest.approx(0, abs=1e-9)
    assert forecast(np.zeros(10)).quantile(0.5) == pytest.approx(0, abs=1e-6)


def test_a_forecast_goes_on_as_the_curve_does():
    t = np.arange(1, 51) / 50
    y = np.exp(-2 * t)
    gain = np.exp(-2) - np.exp(-2.5)
    assert forecast(y).quantile(0.5) == pytest.approx(gain, rel=0.1)
    assert forecast(np.exp(-30 * t)).quantile(0.95) < 1e-3


def test_long_curves_are_averaged_in_blocks():
    y = np.arange(1000.0)
    short = thinned(y, 100)
    assert len(short) == 100
    assert short.mean() == pytest.approx(y.mean())
    assert thinned(y[:50]) is not None
    assert len(thinned(y[:50])) == 50


def test_settling_crossing_and_smoothing():
    y = np.r_[np.linspace(1, 0, 20, endpoint=False), np.zeros(30)]
    assert 15 <= settled(y, 0.02) <= 20
    assert settled(np.zeros(10), 0.1) == 0
    assert settled(np.zeros(3), 0.1) == 0
    tail = np.exp(-7 * np.arange(1, 51) / 50)
    assert tail[settled(tail, 0.01)] < 0.015  # by the mean of what remains it would be 0.05 above its end
    step = np.arange(50.0)
    assert first_reaching(step, y, 0.5) == pytest.approx(10, abs=0.01)
    assert np.isnan(first_reaching(step, y, -1.0))
    assert first_reaching(step, y, 2.0) == 0
    line = 3 * np.arange(10.0) + 1
    assert local_line(line) == pytest.approx(line)


def test_a_period_is_found_and_noise_has_none():
    rng = np.random.default_rng(0)
    t = np.arange(64)
    found = periodicity(0.5 * np.sin(2 * np.pi * t / 8) + 0.2 * rng.standard_normal(64))
    assert found.length == pytest.approx(8, rel=0.1)
    assert found.chance < 0.01
    alarms = [periodicity(rng.standard_normal(40), 200).chance < 0.02 for _ in range(60)]
    assert sum(alarms) <= 6


def test_lag_one_of_white_and_of_slow_noise():
    rng = np.random.default_rng(0)
    assert lag_one(rng.standard_normal(400)) < 0.15
    assert lag_one(np.repeat(rng.standard_normal(50), 8)) > 0.7
    assert lag_one(np.zeros(9)) == 0
