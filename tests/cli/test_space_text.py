import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.cli.space_text import parse_space
from tunewise.errors import SpaceError
from tunewise.space import Categorical, Float, Int, Space


def test_the_forms_in_one_example():
    space = parse_space(
        '{"lr": "log 1e-5..1e-1", "layers": "1..5", "drop": "0..0.5", "act": ["relu", null, 2]}'
    )
    assert space == Space(
        {
            "lr": Float(1e-5, 1e-1, log=True),
            "layers": Int(1, 5),
            "drop": Float(0.0, 0.5),
            "act": Categorical(("relu", None, 2)),
        }
    )
    assert parse_space('{"w": "log 8..512"}')["w"] == Int(8, 512, log=True)
    assert parse_space('{"x": "-1.5 .. -0.5"}')["x"] == Float(-1.5, -0.5)


@given(st.integers(-1000, 1000), st.integers(0, 1000))
def test_whole_ranges_round_trip(low, width):
    assert parse_space(json.dumps({"n": f"{low}..{low + width}"}))["n"] == Int(low, low + width)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_real_ranges_round_trip(low, width):
    high = low + width
    assert parse_space(json.dumps({"x": f"{low!r}..{high!r}"}))["x"] == Float(low, high)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{lr: 1..5}", "not valid JSON"),
        ("[1, 2]", "JSON object"),
        ("{}", "at least one"),
        ('{"lr": "1-5"}', "'lr': '1-5' is no range"),
        ('{"lr": 3}', "'lr': 3 is no range"),
        ('{"lr": "5..1"}', "'lr': The range 5..1 is empty"),
        ('{"lr": "log 0..1"}', "'lr': low is 0"),
        ('{"act": []}', "'act'.*at least one choice"),
    ],
)
def test_what_is_wrong_is_named_with_the_parameter(text, said):
    with pytest.raises(SpaceError, match=said):
        parse_space(text)
