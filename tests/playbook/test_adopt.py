"""Decisions against planted truth: error rates are what they are said to be."""

import math
import re

import numpy as np
import pytest

from tunewise.errors import SettingError
from tunewise.playbook import Adoption, decide
from tunewise.playbook.adopt import compare
from tunewise.playbook.noise import ledger, variance_budget
from tunewise.stats.intervals import binomial_tail, jeffreys, sd_interval
from tunewise.stats.order import best_of
from tunewise.stats.trend import step_sd


def rate(shift, min_effect, p, runs=600, prior=None):
    rng = np.random.default_rng(1)
    adopted, used = 0, 0
    for _ in range(runs):
        a, b = rng.standard_normal(8) - shift, rng.standard_normal(8)
        decision = decide(a, b, min_effect=min_effect, p=p, prior=prior)
        adopted += decision.verdict == Adoption.ADOPT
        used += decision.looks[-1].n
    return adopted / runs, used / runs


def test_a_neutral_change_is_rarely_adopted():
    false, _ = rate(0.0, 0.5, 0.8)
    assert false <= 0.10 + 3 * math.sqrt(0.1 * 0.9 / 600)
    strict, _ = rate(0.0, 0.5, 0.95)
    assert strict <= 0.05


def test_a_true_improvement_is_adopted_with_few_runs():
    power, n = rate(2.0, 0.5, 0.8)
    assert power >= 0.95
    assert n <= 5.5
    assert rate(1.0, 0.5, 0.8)[0] >= 0.55


def test_the_search_length_does_not_matter_because_fresh_runs_alone_count():
    rng = np.random.default_rng(0)
    rates = []
    for length in (10, 1000):
        adopted = 0
        for _ in range(300):
            _ = rng.standard_normal(length).min()  # the run that won the search is not shown to the decision
            adopted += (
                decide(rng.standard_normal(8), rng.standard_normal(8), min_effect=0.5).verdict
                == Adoption.ADOPT
            )
        rates.append(adopted / 300)
    assert abs(rates[0] - rates[1]) < 0.07


def test_direction_and_scale_change_nothing():
    rng = np.random.default_rng(3)
    a, b = rng.standard_normal(5), rng.standard_normal(5) + 1
    plain, flipped = decide(a, b), decide(-a, -b, sign=-1.0)
    scaled = decide(7 * a + 3, 7 * b + 3)
    assert plain.verdict == flipped.verdict == scaled.verdict
    assert plain.p_better == pytest.approx(flipped.p_better) == pytest.approx(scaled.p_better)
    assert scaled.delta == pytest.approx(7 * plain.delta)


def test_an_arm_that_diverges_more_often_is_not_adopted():
    blocked = 0
    rng = np.random.default_rng(0)
    for _ in range(100):
        a = np.where(rng.random(8) < 0.5, np.nan, rng.standard_normal(8) - 3)
        blocked += decide(a, rng.standard_normal(8), looks=(8,)).verdict == Adoption.KEEP
    assert blocked >= 90


def test_a_ledger_that_disagrees_is_left_out():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(8), rng.standard_normal(8)
    assert compare(a, b, prior=(1.0, 20.0)).difference.df == 34
    assert compare(a, b, prior=(0.01, 20.0)).difference.df == 14


def test_too_few_runs_are_refused():
    with pytest.raises(SettingError, match="at least 2"):
        decide([1.0], [2.0])


def test_noise_is_pooled_over_configurations_and_unmeasured_is_said():
    rng = np.random.default_rng(0)
    groups = [rng.normal(mean, 2.0, 5) for mean in range(40)]
    sd, df = ledger(groups, better_half=False)
    assert df == 160
    assert ledger(groups).df == 80  # bad configurations are noisier, so the better half counts
    assert sd == pytest.approx(2.0, rel=0.15)
    assert str(variance_budget([])).count("not measured") == 4
    budget = variance_budget(groups)
    low, high = budget.components[0].interval
    assert low < 2.0 < high


def test_intervals_cover():
    rng = np.random.default_rng(0)
    covered = sum(
        low <= 0.3 <= high for low, high in (jeffreys(int(k), 20) for k in rng.binomial(20, 0.3, 500))
    )
    assert 0.86 <= covered / 500 <= 0.96
    sds = rng.standard_normal((500, 5)).std(axis=1, ddof=1)
    assert 0.86 <= sum(low <= 1 <= high for low, high in (sd_interval(s, 4) for s in sds)) / 500 <= 0.94
    assert binomial_tail(0, 5, 0.2) == pytest.approx(1)
    assert binomial_tail(5, 5, 0.2) == pytest.approx(0.2**5)


def test_best_of_k_is_unbiased():
    rng = np.random.default_rng(0)
    estimates = np.array([[best_of(rng.random(12), k) for k in (1, 3, 12)] for _ in range(2000)])
    assert estimates.mean(axis=0) == pytest.approx([1 / 2, 1 / 4, 1 / 13], abs=0.012)
    with pytest.raises(ValueError, match="k is 0"):
        best_of(np.arange(3.0), 0)


def test_step_noise_ignores_the_trend():
    rng = np.random.default_rng(0)
    shape = np.exp(-np.arange(40) / 8)
    measured = np.mean([step_sd(shape + 0.1 * rng.standard_normal(40)) for _ in range(300)])
    assert measured == pytest.approx(0.1, rel=0.06)


def test_runs_that_do_not_decide_say_how_many_might():
    close = decide([0.2, 0.21, 0.19], [0.205, 0.215, 0.19], looks=(3,), p=0.99)
    assert close.verdict == Adoption.UNDECIDED
    more = int(re.search(r"About (\d+) runs an arm would", close.headline).group(1))
    assert more > 3
    clear = decide([0.1, 0.11, 0.1], [0.3, 0.31, 0.3], looks=(3,))
    assert "runs an arm would" not in clear.headline
