import math

import pytest

from tunewise.errors import SettingError
from tunewise.pruners import Threshold


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(
    ("value", "pruned"), [(-1.1, True), (-1.0, False), (2.0, False), (2.1, True), (math.nan, True)]
)
def test_the_corridor_is_closed_and_in_the_users_units(table, direction, value, pruned):
    assert Threshold(-1.0, 2.0)(table([], [{0: 0.0, 1: value}], direction=direction), 0) == pruned


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_open_corridor_prunes_what_is_not_finite(table, value):
    assert Threshold()(table([], [{0: value}]), 0)
    assert not Threshold(n_warmup_steps=1)(table([], [{0: value}]), 0)


@pytest.mark.parametrize("corridor", [(2.0, 1.0), (math.nan, 1.0), (0.0, math.nan)])
def test_an_empty_corridor_is_refused(corridor):
    with pytest.raises(SettingError, match="corridor"):
        Threshold(*corridor)
