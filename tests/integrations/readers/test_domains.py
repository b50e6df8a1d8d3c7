"""Domains from distributions, and from nothing but values."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.errors import DataError
from tunewise.integrations.readers.domains import choices_domain, domain_of_distribution, seen_domain
from tunewise.space import Categorical, Float, Int


@pytest.mark.parametrize(
    ("name", "given_", "domain"),
    [
        ("UniformDistribution", {"low": 0, "high": 1}, Float(0, 1)),
        ("LogUniformDistribution", {"low": 1e-5, "high": 1}, Float(1e-5, 1, log=True)),
        ("DiscreteUniformDistribution", {"low": 0, "high": 1, "q": 0.25}, Float(0, 1, step=0.25)),
        ("IntUniformDistribution", {"low": 1, "high": 9, "step": 2}, Int(1, 9, step=2)),
        ("IntLogUniformDistribution", {"low": 1, "high": 9, "step": 1}, Int(1, 9, log=True)),
        ("FloatDistribution", {"low": 0.0, "high": 1.0, "log": False, "step": None}, Float(0, 1)),
        ("IntDistribution", {"low": 1, "high": 64, "log": True, "step": 1}, Int(1, 64, log=True)),
        ("CategoricalDistribution", {"choices": ["a", None]}, Categorical(("a", None))),
        ("CategoricalDistribution", {"choices": [[1, 2], {"a": 1}]}, Categorical(("[1, 2]", '{"a": 1}'))),
    ],
)
def test_every_distribution_of_every_version(name, given_, domain):
    assert domain_of_distribution(json.dumps({"name": name, "attributes": given_}))[0] == domain


def test_choices_stay_coded_as_they_were_though_numbers_are_sorted():
    domain, coded = domain_of_distribution(
        '{"name": "CategoricalDistribution", "attributes": {"choices": [64, 16, 32]}}'
    )
    assert domain == Categorical((16, 32, 64), ordered=True)
    assert coded == (64, 16, 32)


@pytest.mark.parametrize("text", ["x", "{}", '{"name": "Other", "attributes": {"low": 0, "high": 1}}', "[1]", "null",
                                  '{"name": "FloatDistribution", "attributes": {"low": 2, "high": 1}}'])  # fmt: skip
def test_something_else_is_a_sentence(text):
    with pytest.raises(DataError, match="no distribution of Optuna"):
        domain_of_distribution(text)


choice = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1000, 1000),
    st.floats(-1e3, 1e3, allow_nan=False),
    st.text(max_size=3),
)


@given(st.lists(choice.filter(lambda c: c is not None), min_size=1, max_size=40))
def test_a_domain_holds_what_was_seen(values):
    domain = seen_domain(values)
    assert all(domain.contains(value) for value in values)


@pytest.mark.parametrize(
    ("values", "domain"),
    [
        ([1, 2, 3, 4] * 5, Int(1, 4)),
        ([32, 64, 128] * 5, Categorical((32, 64, 128), ordered=True)),
        (["b", "a"] * 3, Categorical(("a", "b"))),
        ([True, False], Categorical((False, True))),
        (np.linspace(0, 1, 50).tolist(), Float(0.0, 1.0)),
        (np.geomspace(1e-5, 1e-1, 50).tolist(), Float(1e-5, 0.1, log=True)),
        (list(range(1, 60)), Int(1, 59)),
    ],
)
def test_what_values_most_likely_came_from(values, domain):
    found = seen_domain(values)
    if isinstance(domain, Float):
        assert isinstance(found, Float)
        assert (found.low, found.high) == pytest.approx((domain.low, domain.high))
        assert found.log == domain.log
    else:
        assert found == domain


def test_two_numbers_are_no_order():
    assert not choices_domain((0, 1)).ordered
    assert not choices_domain((True, False, 1)).ordered
