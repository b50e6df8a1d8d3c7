import math

import pytest

from tunewise.errors import SettingError
from tunewise.pruners import Percentile
from tunewise.records import TrialState

FIVE = [{0: float(k), 1: k / 10} for k in range(5)]


def test_only_the_best_share_goes_on(table):
    rule = Percentile(25.0, n_startup_trials=0)
    assert not rule(table(FIVE, [{0: 1.0}]), 5)
    assert rule(table(FIVE, [{0: 1.01}]), 5)


def test_the_best_report_so_far_counts(table):
    assert not Percentile(25.0)(table(FIVE, [{0: 0.0, 1: 3.0}]), 5)


def test_trials_that_report_at_other_steps_are_compared(table):
    sparse = [{0: float(k), 10: k / 10} for k in range(5)]
    assert Percentile(50.0)(table(sparse, [{7: 2.5}]), 5)
    assert not Percentile(50.0)(table(sparse, [{7: 1.5}]), 5)


def test_only_complete_trials_are_peers(table):
    assert not Percentile(50.0, n_startup_trials=0)(table(FIVE, [{0: 9.0}], state=TrialState.PRUNED), 5)


def test_startup_warmup_and_least_number(table):
    bad = [{0: 9.0}]
    assert Percentile(50.0, n_startup_trials=5)(table(FIVE, bad), 5)
    assert not Percentile(50.0, n_startup_trials=6)(table(FIVE, bad), 5)
    assert not Percentile(50.0, n_warmup_steps=1)(table(FIVE, bad), 5)
    assert not Percentile(50.0, n_min_trials=6)(table(FIVE, bad), 5)


def test_a_curve_that_was_never_finite_is_pruned(table):
    assert Percentile(100.0)(table(FIVE, [{0: math.nan, 1: math.inf}]), 5)
    assert not Percentile(50.0)(table(FIVE, [{0: 0.15, 1: math.nan}]), 5)


def test_diverged_reports_of_peers_count_as_the_worst(table):
    diverged = [{0: 1.0, 1: 0.1}, {0: math.nan, 1: 0.1}, {0: math.nan, 1: 0.1}]
    assert not Percentile(50.0, n_startup_trials=0)(table(diverged, [{0: 99.0}]), 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"percentile": 101.0},
        {"percentile": math.nan},
        {"n_startup_trials": -1},
        {"n_warmup_steps": -1},
        {"interval_steps": 0},
        {"n_min_trials": 0},
    ],
)
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Percentile(**wrong)
