import pytest

from tunewise.errors import SettingError
from tunewise.pruners import Median, Percentile


def test_it_is_the_percentile_rule_at_one_half(table):
    done = [{0: float(k)} for k in range(7)]
    for value in (2.0, 3.0, 3.5, 4.0):
        trials = table(done, [{0: value}])
        assert Median()(trials, 7) == Percentile(50.0)(trials, 7) == (value > 3.0)


def test_settings_are_checked_at_once():
    with pytest.raises(SettingError, match="interval_steps is 0"):
        Median(interval_steps=0)
