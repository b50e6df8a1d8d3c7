"""What comes over the wire is held to its types: facts pass unchanged, everything else is refused with a sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.errors import SettingError
from tunewise.events import encode
from tunewise.storage.wire import from_json
from tunewise.testing import facts
from tunewise.trials import Trials

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(facts(), min_size=1, max_size=3))
def test_every_fact_passes_unchanged(batch):
    assert encode(from_json(json.loads(encode(batch)))) == encode(batch)


@given(facts(), st.data())
def test_a_field_of_another_type_is_refused_or_harmless(fact, data):
    """Whatever is let through, a table can fold it without an exception."""
    (row,) = json.loads(encode([fact]))
    row[data.draw(st.integers(0, len(row) - 1))] = data.draw(json_values)
    try:
        events = from_json([row])
    except SettingError as error:
        assert len(str(error)) > 20
        return
    Trials().apply_all(events)


@given(json_values)
def test_anything_else_is_refused(value):
    with pytest.raises(SettingError):
        from_json(value)


@pytest.mark.parametrize(
    "rows",
    [
        [["finish", 0, 1, None, None, 0.0]],  # RUNNING is no end
        [["finish", True, 2, None, None, 0.0]],
        [["finish", 0, 2, "1.5", None, 0.0]],
        [["finish", 0, 2, [1.0], None]],
        [["finish", 0, 2, [1.0], None, 0.0, "w", 1.0, "more"]],
        [["start", -3, "random", "w", 0.0]],
        [["report", 0, 1.5, {"a": 1.0}, 0.0]],
        [["report", 0, 1, {"a": "1.0"}, 0.0]],
        [["report", 2**60, 1, {"a": 1.0}, 0.0]],
        [["params", 0, {"x": [1]}, {}, 0]],
        [["params", 0, {"x": 1.0}, {"x": ["f", 3.0, 1.0, 0, None]}, 0]],
        [["params", 0, {"x": 1.0}, {"x": ["q"]}, 0]],
        [["space", {}]],
        [["study", [], 1, 0.0, None, {}, {}]],
        [["hologram", 1]],
        [[]],
        [[["note"]]],
        [["note", 0, {}], None],
    ],
)
def test_what_the_types_forbid_is_refused(rows):
    with pytest.raises(SettingError):
        from_json(rows)
