import math

import pytest

from tunewise.cli.show import as_text, finite, iso, print_table, state_text
from tunewise.records import TrialState


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (math.nan, ""), (0.123456789, "0.12346"), (3, "3"), ("x", "x"), (True, "True")],
)
def test_cells(value, text):
    assert as_text(value) == text


def test_json_knows_no_nan():
    assert finite({"a": [1.0, math.nan, (math.inf, "x")]}) == {"a": [1.0, None, [None, "x"]]}


def test_times_are_utc():
    assert iso(0.0) == "1970-01-01T00:00:00.000+00:00"
    assert iso(math.nan) is None


def test_every_state_has_a_word_and_a_glyph():
    texts = {state_text(state).plain for state in TrialState}
    assert len({text[0] for text in texts}) == len(TrialState)
    assert {text[2:] for text in texts} == {state.name.lower() for state in TrialState}


def test_markup_in_a_cell_is_text(capsys):
    print_table(["[b]name"], [["[red]x[/red]"]])
    assert "[red]x[/red]" in capsys.readouterr().out
