"""Time to target against planted truth: crossings of known curves, minima of known sweeps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.target import fastest, time_to_target

RATES = 10.0 ** np.arange(-4, 0.01, 0.5)


def sweep(rng, noise, n_rates=9, limit=4000.0, best=None, curvature=None):
    """Rates, times (inf where stopped at the limit) and the true least time of one planted sweep."""
    rates = RATES[:n_rates]
    best = rng.uniform(-3.0, -1.0) if best is None else best
    curvature = rng.uniform(0.15, 0.6) if curvature is None else curvature
    truth = 1000.0
    time = truth * np.exp(curvature * (np.log10(rates) - best) ** 2 + noise * rng.standard_normal(n_rates))
    kept = np.log10(rates) < best + rng.uniform(0.6, 1.5)  # the cliff: these runs diverged
    return rates[kept], np.where(time > limit, math.inf, time)[kept], truth


@pytest.mark.parametrize(("noise", "within"), [(0.05, 0.10), (0.15, 0.25)])
def test_v21_nine_of_ten_sweeps_are_right(noise, within):
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(200):
        rates, times, truth = sweep(rng, noise)
        found = fastest(rates, times, 4000.0, rng, draws=1)
        ratios.append(found.time / truth)
    assert np.mean(np.abs(np.array(ratios) - 1) <= within) >= 0.9


def test_the_interval_covers():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(100):
        rates, times, truth = sweep(rng, 0.1)
        found = fastest(rates, times, 4000.0, rng)
        hits += found.low <= truth <= found.high
    assert hits >= 70


def test_no_run_that_arrived_gives_no_answer():
    assert fastest(RATES, np.full(9, math.inf), 100.0, np.random.default_rng(0)) is None


def test_one_run_that_arrived_is_the_answer():
    time = np.where(np.arange(9) == 4, 50.0, math.inf)
    found = fastest(RATES, time, 100.0, np.random.default_rng(0))
    assert found.at == pytest.approx(RATES[4])
    assert found.time <= 100.0


@given(scale=st.floats(0.01, 100.0), shift=st.floats(-2.0, 2.0))
def test_units_of_time_and_rate_do_not_matter(scale, shift):
    rng = np.random.default_rng(3)
    rates, times, _ = sweep(rng, 0.05)
    one = fastest(rates, times, 4000.0, np.random.default_rng(0))
    two = fastest(rates * 10**shift, times * scale, 4000.0 * scale, np.random.default_rng(0))
    assert two.time == pytest.approx(scale * one.time, rel=1e-4)
    assert two.at == pytest.approx(10**shift * one.at, rel=1e-3)


def test_v22_crossings_of_noisy_curves_are_found_without_bias():
    rng = np.random.default_rng(2)
    step = np.arange(1, 101, dtype=float)
    found = []
    for _ in range(300):
        curve = np.exp(-step / 30) + 0.02 * rng.standard_normal(100)
        found.append(time_to_target(step, curve, 0.2))
    truth = -30 * math.log(0.2)
    assert abs(np.mean(found) / truth - 1) < 0.03


def test_a_curve_that_never_gets_there_is_censored():
    step = np.arange(10.0)
    assert time_to_target(step, np.ones(10), 0.5) == math.inf
    assert time_to_target(step, np.full(10, math.nan), 0.5) == math.inf
    assert time_to_target(step[:0], step[:0], 0.5) == math.inf


def test_a_short_curve_has_an_answer():
    assert time_to_target(np.array([1.0, 2.0]), np.array([0.4, 0.2]), 0.5) == 1.5
