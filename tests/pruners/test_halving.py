import math

import pytest

from tunewise.errors import SettingError
from tunewise.pruners import SuccessiveHalving
from tunewise.pruners.halving import first_complete_step, rungs_between
from tunewise.records import TrialState


def test_rungs_are_powers_from_the_first():
    assert rungs_between(1, 4, -1, 64) == [1, 4, 16, 64]
    assert rungs_between(2, 3, 2, 17) == [6]
    assert rungs_between(5, 2, -1, 4) == []


def test_the_best_of_each_factor_goes_on(table):
    rule = SuccessiveHalving(min_resource=1, reduction_factor=2)
    seen = [{1: 1.0}, {1: 2.0}, {1: 3.0}]
    assert not rule(table([], [*seen, {1: 1.5}]), 3)
    assert rule(table([], [*seen, {1: 2.5}]), 3)


def test_alone_on_a_rung_a_trial_goes_on(table):
    assert not SuccessiveHalving(min_resource=1)(table([], [{0: 5.0, 1: 9.0}]), 0)


def test_the_second_on_a_rung_must_beat_the_first(table):
    assert SuccessiveHalving(min_resource=1)(table([], [{1: 1.0}, {1: 1.1}]), 1)


def test_a_rung_is_judged_once(table):
    rule = SuccessiveHalving(min_resource=2, reduction_factor=2)
    assert not rule(table([], [{2: 0.0, 3: 0.0}, {1: 9.0}]), 1)
    assert rule(table([], [{2: 0.0, 3: 0.0}, {1: 9.0, 2: 9.0}]), 1)
    assert not rule(table([], [{2: 0.0, 3: 0.0}, {1: 9.0, 2: 9.0, 3: 9.0}]), 1)


def test_one_report_may_reach_several_rungs(table):
    rule = SuccessiveHalving(min_resource=1, reduction_factor=2)
    early = {1: 9.0, 2: 9.0, 4: 1.0}
    assert not rule(table([], [early, {2: 5.0}]), 1)
    assert rule(table([], [early, {4: 5.0}]), 1)


def test_the_first_rung_comes_from_the_first_trial_to_complete(table):
    rule = SuccessiveHalving(reduction_factor=2)
    assert not rule(table([], [{300: 0.0}, {300: 1.0}]), 1)
    trials = table([{300: 0.0, 399: 0.0}], [{2: 9.0}, {3: 9.0}])
    assert first_complete_step(trials) == 399
    assert not rule(trials, 1)
    assert rule(trials, 2)


def test_a_first_completion_without_reports_is_passed_over(table):
    assert first_complete_step(table([{}, {7: 0.0}])) == 7
    assert first_complete_step(table([{7: 0.0}], state=TrialState.PRUNED)) is None


def test_crashed_trials_do_not_compete_but_diverged_ones_do(table):
    rule = SuccessiveHalving(min_resource=1, reduction_factor=2)
    rivals = [{1: 0.0}, {1: 0.1}, {1: 0.2}]
    assert not rule(table(rivals, [{1: 5.0}], state=TrialState.FAILED), 3)
    assert rule(table(rivals, [{1: 5.0}], state=TrialState.INFEASIBLE), 3)


def test_divergence_is_pruned_on_the_rung(table):
    assert SuccessiveHalving(min_resource=1)(table([], [{1: math.nan}]), 0)
    assert not SuccessiveHalving(min_resource=2)(table([], [{1: math.nan}]), 0)


def test_bootstrap_lets_nobody_pass_a_thin_rung(table):
    rule = SuccessiveHalving(min_resource=1, bootstrap_count=1)
    assert rule(table([], [{1: 0.0}]), 0)
    assert not rule(table([], [{1: 1.0}, {1: 0.0}]), 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_resource": 0},
        {"reduction_factor": 1},
        {"min_early_stopping_rate": -1},
        {"bootstrap_count": -1},
        {"bootstrap_count": 2},
    ],
)
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        SuccessiveHalving(**wrong)
