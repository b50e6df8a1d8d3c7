"""Names alone take their values from the space or the incumbent, or are refused."""

import pytest

from tunewise.errors import SettingError
from tunewise.project.values import arms_of, kept_values
from tunewise.space import Categorical, Float, Int, Space

SPACE = Space(
    {"act": Categorical(("relu", "gelu")), "depth": Int(1, 3), "width": Int(1, 500), "lr": Float(0, 1)}
)


def test_scientific_names_take_the_choices_of_the_space():
    assert arms_of(["act", "depth"], SPACE) == {"act": ["relu", "gelu"], "depth": [1, 2, 3]}
    assert arms_of({"lr": [0.1, 0.2]}, None) == {"lr": [0.1, 0.2]}
    assert arms_of(None, SPACE) == {}


@pytest.mark.parametrize("name", ["lr", "width", "unknown"])
def test_scientific_names_without_few_values_are_refused(name):
    with pytest.raises(SettingError, match=f"{name}.*list them"):
        arms_of([name], SPACE)


def test_fixed_names_keep_the_incumbents_values():
    assert kept_values(["lr"], {"lr": 0.1, "depth": 2}) == {"lr": 0.1}
    assert kept_values({"lr": 0.3}, {}) == {"lr": 0.3}
    assert kept_values(None, {"lr": 0.1}) == {}
    with pytest.raises(SettingError, match="no value for them"):
        kept_values(["width"], {"lr": 0.1})
