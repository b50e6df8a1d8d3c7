"""`tunewise.optuna.pruners`: the same names, keywords and defaults as Optuna's."""

import inspect

import optuna
import pytest

from tunewise import pruners as native
from tunewise.optuna import pruners as ours

NAMES = [name for name in ours.__all__ if name != "BasePruner"]


@pytest.mark.parametrize("name", NAMES)
def test_keywords_and_defaults_are_optunas(name):
    mine = inspect.signature(getattr(ours, name)).parameters
    theirs = inspect.signature(getattr(optuna.pruners, name)).parameters
    assert {key: p.default for key, p in mine.items()} == {key: p.default for key, p in theirs.items()}


def test_settings_arrive():
    assert ours.NopPruner() == native.Never()
    assert ours.MedianPruner(1, 2, 3, n_min_trials=4) == native.Median(1, 2, 3, 4)
    assert ours.PercentilePruner(25.0, 1, 2, 3, n_min_trials=4) == native.Percentile(25.0, 1, 2, 3, 4)
    assert ours.ThresholdPruner(upper=1.0) == native.Threshold(None, 1.0)
    assert ours.PatientPruner(None, 3, 0.1) == native.Patient(None, 3, 0.1)
    assert ours.SuccessiveHalvingPruner("auto", 3, 1) == native.SuccessiveHalving(None, 3, 1)
    assert ours.SuccessiveHalvingPruner(2) == native.SuccessiveHalving(2)
    assert ours.HyperbandPruner(1, 81, 3) == native.Hyperband(1, 81, 3)
    with pytest.raises(TypeError, match="lower"):
        ours.ThresholdPruner()
