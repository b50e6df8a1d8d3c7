"""Pictures for a terminal: dots where the numbers are, never wider than asked."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.figures.terminal import (
    Canvas,
    as_text,
    axis_picture,
    beside,
    curves_picture,
    history_picture,
    short,
)
from tunewise.space import Categorical, Float, Int

unit = st.floats(0, 1)


def lit(canvas):
    """Places of the dots of a canvas, as (column, row) of the 2 by 4 grid in each character, from the top left."""
    bits = canvas._bits
    table = {
        0x01: (0, 0),
        0x02: (0, 1),
        0x04: (0, 2),
        0x40: (0, 3),
        0x08: (1, 0),
        0x10: (1, 1),
        0x20: (1, 2),
        0x80: (1, 3),
    }
    return {
        (2 * j + dx, 4 * i + dy)
        for i, j in zip(*np.nonzero(bits), strict=True)
        for bit, (dx, dy) in table.items()
        if bits[i, j] & bit
    }


@given(st.lists(st.tuples(unit, unit), min_size=1, max_size=30))
def test_every_point_is_one_dot_at_its_place(points):
    canvas = Canvas(12, 5)
    x, y = np.array(points).T
    canvas.dots(x, y)
    wanted = {(min(int(a * 24), 23), min(int((1 - b) * 20), 19)) for a, b in points}
    assert lit(canvas) == wanted


@given(st.lists(unit, min_size=2, max_size=8, unique=True))
def test_a_line_has_no_gap(xs):
    canvas = Canvas(20, 4)
    x = np.sort(xs)
    canvas.line(x, np.linspace(0, 1, len(x)))
    columns = sorted({column for column, _ in lit(canvas)})
    assert columns == list(range(columns[0], columns[-1] + 1))


def rows(n=30):
    return [
        {"u": i / n, "x": i, "number": i, "value": None if i == 7 else 1 + i / n, "best": 1.0,
         "state": "infeasible" if i == 7 else "complete", "group": "diverged" if i == 7 else "best 5" if i < 5 else "other"}
        for i in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "domain", [Float(0, 1), Float(1e-5, 1, log=True), Int(1, 9), Categorical(("a", "b", "c" * 90))]
)
@pytest.mark.parametrize("width", [24, 36, 80])
def test_a_picture_is_as_wide_as_asked_and_says_its_ends(domain, width):
    picture = axis_picture(rows(), "parameter", domain, 1.0, width)
    text = as_text(picture)
    assert max(map(len, text.splitlines())) <= width
    assert 1 <= text.count("◆") <= 5  # where they touch they are one
    assert "×" in text  # the diverged trial, on its rail
    assert ("━" in text) == (not isinstance(domain, Categorical))
    if isinstance(domain, Float) and domain.log:
        assert "1e-5" in text
        assert "1 log" in text


def test_history_and_curves_fit_too():
    assert max(map(len, as_text(history_picture(rows(), "m", 1.0, 40)).splitlines())) <= 40
    curves = [{"trial": f"trial {t}", "step": s, "value": 1 / (s + 1)} for t in range(3) for s in range(10)]
    text = as_text(curves_picture(curves, "m", 1.0, 60))
    assert "trial 0 and the next 2" in text
    assert max(map(len, text.splitlines())) <= 60
    assert as_text(curves_picture(curves[:1], "m", 1.0, 40))


def test_pictures_stand_side_by_side():
    one, two = history_picture(rows(), "m", 1.0, 30), axis_picture(rows(), "p", Int(1, 9), 1.0, 30)
    lines = as_text(beside([one, two])).splitlines()
    assert max(map(len, lines)) <= 63
    assert len(lines) == max(len(one), len(two))
    assert beside([]) == []


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_short_numbers_are_short_and_right(number):
    text = short(number)
    assert len(text) <= 10
    assert float(text) == pytest.approx(number, rel=6e-3, abs=1e-300)
    assert short(math.inf) == "inf"
