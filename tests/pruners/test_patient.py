import math

import pytest

from tunewise.errors import SettingError
from tunewise.pruners import Never, Patient


def curve(*values):
    return [dict(enumerate(values))]


def test_it_waits_until_improvement_has_stopped_for_patience_and_one_reports(table):
    rule = Patient(None, patience=1)
    assert not rule(table([], curve(1.0, 2.0)), 0)
    assert rule(table([], curve(1.0, 2.0, 3.0)), 0)
    assert not rule(table([], curve(1.0, 0.9, 3.0)), 0)


def test_min_delta_is_how_much_worse_counts(table):
    assert not Patient(None, patience=0, min_delta=0.5)(table([], curve(1.0, 1.5)), 0)
    assert Patient(None, patience=0, min_delta=0.5)(table([], curve(1.0, 1.6)), 0)


def test_the_wrapped_pruner_has_the_last_word(table):
    trials = table([], curve(1.0, 2.0, 3.0))
    assert Patient(None, 1)(trials, 0)
    assert not Patient(Never(), 1)(trials, 0)


def test_divergence_is_no_improvement(table):
    assert Patient(None, 1)(table([], curve(1.0, math.nan, math.nan)), 0)


@pytest.mark.parametrize("wrong", [{"patience": -1}, {"min_delta": -0.1}, {"min_delta": math.nan}])
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Patient(**wrong)
