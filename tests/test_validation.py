"""Every row of the validation at reduced size, with bounds that include the Monte-Carlo error of that size."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

main = import_module("validation.__main__")
core = import_module("validation.core")
main.load()


@pytest.fixture(autouse=True)
def _quiet():
    from tunewise.run import log

    before = log.get_verbosity()
    log.set_verbosity(log.ERROR)
    yield
    log.set_verbosity(before)


@pytest.mark.parametrize("code", sorted(core.ROWS, key=main.order))
def test_row(code):
    figures, _ = core.run_row(code, core.Size(reduced=True))
    assert figures
    assert [f for f in figures if not f.ok] == []


def test_a_missed_bound_is_seen():
    assert not core.at_most("x", [1.0] * 50, 0.1).ok
    assert not core.at_least("x", [0.0] * 50, 0.9).ok
    assert not core.within("x", [1.0] * 50, 0.4, 0.6).ok
    assert not core.number("x", 2.0, 0, 1, 10).ok
    assert core.at_most("x", [0.0] * 50, 0.1).ok


def test_the_table_is_markdown():
    lines = main.lines("V0", [core.shown("this", "that", 1), core.at_most("x", [1.0] * 50, 0.1)])
    assert lines[0] == "| V0 | this | reported | that | 1 |"
    assert "**missed:**" in lines[1]
