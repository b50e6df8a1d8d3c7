"""The display counts what happens, and changes nothing about it."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from tunewise.errors import TrialInfeasible
from tunewise.playbook import Finding, Verdict
from tunewise.torch.show import Show


@pytest.fixture
def show() -> Show:
    return Show(Console(file=io.StringIO(), width=100), "error")


def diverge(trial):
    raise TrialInfeasible("NaN")


def test_results_and_divergence_pass_through_and_are_counted(show):
    train = show.watch(lambda trial: {"error": trial})
    with show.runs(5):
        assert [train(value)["error"] for value in (0.5, 0.25)] == [0.5, 0.25]
        with pytest.raises(TrialInfeasible):
            show.watch(diverge)(None)
    assert show.mean == 0.375
    text = show.console.file.getvalue()
    assert "3/3" in text
    assert "best error 25.00%" in text
    assert "1 diverged" in text


def test_each_bar_counts_anew(show):
    train = show.watch(lambda trial: {"error": trial})
    with show.runs(1):
        train(0.5)
    with show.runs(1):
        pass
    assert math.isnan(show.mean)


def test_findings_and_arms_are_tables(show):
    show.stage("Check", "Is it sound?")
    show.findings([Finding("P27", "lr", Verdict.ACT, "The best lie at the edge.", next_action="widen lr")])
    show.arms("width", {32: 0.2, 8: 0.3})
    text = show.console.file.getvalue()
    assert "1  Check" in text
    for words in ("ACT", "P27", "The best lie at the edge.", "widen lr", "20.00%"):
        assert words in text
    assert text.index("width = 8") < text.index("width = 32")
