import pickle
import subprocess
import sys

import pytest

from tunewise import pruners
from tunewise.errors import SettingError


def test_make_takes_none_a_name_or_a_pruner():
    assert pruners.make() == pruners.Never()
    assert pruners.make("median") == pruners.Median()
    own = pruners.Patient(pruners.Hyperband(), patience=2)
    assert pruners.make(own) is own
    assert pickle.loads(pickle.dumps(own)) == own


def test_settings_are_plain_and_nested():
    described = pruners.settings(pruners.Patient(pruners.Median(3), patience=2))
    assert described["name"] == "patient"
    assert described["wrapped"] == {
        "name": "median",
        "n_startup_trials": 3,
        "n_warmup_steps": 0,
        "interval_steps": 1,
        "n_min_trials": 1,
    }


def test_a_users_own_pruner_is_known_by_its_name_only():
    def mine(trials, number):
        return True

    assert pruners.make(mine) is mine
    assert pruners.settings(mine) == {"name": "function"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("medain", "'medain'"), (3, "3 is no pruner")],
)
def test_what_is_no_pruner_is_refused_with_the_names(wrong, said):
    with pytest.raises(SettingError, match=said) as caught:
        pruners.make(wrong)
    assert "median" in str(caught.value)


def test_an_unknown_setting_is_refused():
    with pytest.raises(SettingError, match="'median'"):
        pruners.from_settings({"name": "median", "n_start": 3})


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Medain"):
        pruners.Medain  # noqa: B018
    assert "Median" in dir(pruners)


def test_rules_are_loaded_when_first_used():
    code = "import sys, tunewise.pruners; assert 'tunewise.pruners.hyperband' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
