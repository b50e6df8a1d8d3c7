"""What holds for every pruner, whatever the curves."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewise import pruners
from tunewise.records import TrialState

RANK_BASED = {
    "percentile": pruners.Percentile(25.0, n_startup_trials=0),
    "median": pruners.Median(n_startup_trials=2, interval_steps=2),
    "halving": pruners.SuccessiveHalving(min_resource=1, reduction_factor=2),
    "halving from the table": pruners.SuccessiveHalving(reduction_factor=3),
    "hyperband": pruners.Hyperband(max_resource=8, reduction_factor=2),
    "hyperband from the table": pruners.Hyperband(),
}
ALL = {
    **RANK_BASED,
    "never": pruners.Never(),
    "threshold": pruners.Threshold(-1.0, 1.0),
    "patient": pruners.Patient(pruners.Median(0), patience=1),
    "impatient": pruners.Patient(None, patience=0),
}
every = pytest.mark.parametrize("pruner", ALL.values(), ids=ALL.keys())
rank_based = pytest.mark.parametrize("pruner", RANK_BASED.values(), ids=RANK_BASED.keys())

any_value = st.one_of(st.integers(-4, 4).map(float), st.sampled_from([math.nan, math.inf, -math.inf]))
finite_value = st.integers(-40, 40).map(lambda k: k / 8)


def curves(value, min_size=0):
    steps = st.lists(st.integers(0, 9), min_size=1, unique=True).map(sorted)
    curve = steps.flatmap(
        lambda s: st.lists(value, min_size=len(s), max_size=len(s)).map(
            lambda v: dict(zip(s, v, strict=True))
        )
    )
    return st.lists(curve, min_size=min_size, max_size=7)


def decisions(pruner, trials):
    return [pruner(trials, number) for number in range(len(trials))]


@every
@given(done=curves(any_value), running=curves(any_value, 1))
@settings(max_examples=40, deadline=None)
def test_any_report_is_judged_with_a_bool(table, pruner, done, running):
    for state in (TrialState.COMPLETE, TrialState.INFEASIBLE, TrialState.FAILED, TrialState.PRUNED):
        for decision in decisions(pruner, table(done, running, state=state)):
            assert isinstance(decision, bool)


@every
@given(done=curves(any_value), running=curves(any_value, 1))
@settings(max_examples=30, deadline=None)
def test_judging_writes_nothing(table, pruner, done, running):
    trials = table(done, running)
    before = repr(list(trials))
    first = decisions(pruner, trials)
    assert decisions(pruner, trials) == first
    assert repr(list(trials)) == before
    assert decisions(pruner, table(done, running)) == first


@every
@given(done=curves(any_value), running=curves(any_value, 1))
@settings(max_examples=30, deadline=None)
def test_direction_and_sign_flip_together(table, pruner, done, running):
    if isinstance(pruner, pruners.Threshold):
        pruner = pruners.Threshold(-1.0, 1.0)  # a symmetric corridor knows no direction

    def flip(all_curves):
        return [{step: -value for step, value in curve.items()} for curve in all_curves]

    down = decisions(pruner, table(done, running))
    up = decisions(pruner, table(flip(done), flip(running), direction="maximize"))
    assert down == up


@rank_based
@given(done=curves(finite_value), running=curves(finite_value, 1))
@settings(max_examples=30, deadline=None)
def test_a_monotone_transform_changes_nothing(table, pruner, done, running):
    def bend(all_curves):
        return [{step: math.expm1(value) * 3.0 for step, value in curve.items()} for curve in all_curves]

    assert decisions(pruner, table(done, running)) == decisions(pruner, table(bend(done), bend(running)))


@rank_based
@given(done=curves(finite_value), running=curves(finite_value), n_steps=st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_the_best_at_every_step_is_never_pruned(table, pruner, done, running, n_steps):
    best = {step: -10.0 - step for step in range(n_steps)}
    trials = table(done, [*running, best])
    assert not pruner(trials, len(trials) - 1)


@every
def test_a_trial_without_reports_goes_on(table, pruner):
    assert not pruner(table([{0: 1.0, 1: 0.5}] * 6, [{}]), 6)


@every
def test_settings_round_trip(pruner):
    assert pruners.from_settings(pruners.settings(pruner)) == pruner
