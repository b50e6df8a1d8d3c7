"""`tunewise.optuna.distributions` beside Optuna's."""

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.optuna import distributions as ours
from tunewise.space import Categorical, Float, Int

BOTH = [
    ("FloatDistribution", {"low": 0.5, "high": 2.0}),
    ("FloatDistribution", {"low": 1e-5, "high": 0.1, "log": True}),
    ("FloatDistribution", {"low": 0.0, "high": 1.0, "step": 0.25}),
    ("IntDistribution", {"low": 1, "high": 5}),
    ("IntDistribution", {"low": 1, "high": 512, "log": True}),
    ("IntDistribution", {"low": 2, "high": 8, "step": 2}),
    ("CategoricalDistribution", {"choices": ("a", 1, None)}),
]


@pytest.mark.parametrize(("name", "settings"), BOTH)
def test_json_is_optunas(name, settings):
    mine = getattr(ours, name)(**settings)
    theirs = getattr(optuna.distributions, name)(**settings)
    assert ours.json_to_distribution(optuna.distributions.distribution_to_json(theirs)) == mine
    assert optuna.distributions.json_to_distribution(ours.distribution_to_json(mine)) == theirs
    assert mine.single() == theirs.single() is False


@pytest.mark.parametrize(("name", "settings"), BOTH)
def test_domains_round_trip(name, settings):
    mine = getattr(ours, name)(**settings)
    assert ours.from_domain(mine.domain()) == mine


@given(st.integers(-20, 20), st.integers(0, 20), st.integers(1, 5))
def test_high_is_lowered_to_a_step(low, width, step):
    domain = ours.IntDistribution(low, low + width, step=step)
    assert (domain.high - low) % step == 0
    assert domain.domain() == Int(low, domain.high, step=step)


def test_one_value_is_single():
    assert ours.FloatDistribution(1.0, 1.0).single()
    assert ours.IntDistribution(3, 3).single()
    assert ours.CategoricalDistribution(["a"]).single()
    assert ours.from_domain(Float(0.0, 1.0)) == ours.FloatDistribution(0.0, 1.0)
    assert ours.from_domain(Categorical(("a",))) == ours.CategoricalDistribution(["a"])


def test_what_is_wrong_is_a_value_error():
    with pytest.raises(ValueError, match="empty"):
        ours.FloatDistribution(1.0, 0.0)
    with pytest.raises(ValueError, match="at least one"):
        ours.CategoricalDistribution([])
    with pytest.raises(ValueError, match="'Normal' is no distribution"):
        ours.json_to_distribution('{"name": "Normal", "attributes": {}}')
