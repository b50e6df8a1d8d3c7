"""P25, P60, P78: what has to be done first holds exploitation and conclusions back."""

import pytest

from tunewise.playbook import Finding, Findings, Verdict
from tunewise.playbook.finding import finding_from_json
from tunewise.playbook.gate import exploit_gate, first_of_all, held_back, unstable

CLAIM = Finding("P47", "width", Verdict.OK, "64 is better than 32.", scope="choice")


def act(code):
    return Finding(code, "lr", Verdict.ACT, "Unwell.", next_action="mend it", command="mend()", cost_trials=3)


@pytest.mark.parametrize("code", ["P71", "P72", "P27", "P43"])
def test_what_blocks_exploitation_blocks_conclusions(code):
    assert exploit_gate(Findings([act(code)])).verdict == Verdict.ACT
    (said,) = held_back([CLAIM], first_of_all([act(code)]))
    assert said.verdict == Verdict.UNSURE
    assert f"No conclusion yet: {code} lr" in said.headline
    assert (said.command, said.cost_trials) == ("mend()", 3)


def test_an_override_keeps_the_verdict_and_says_its_reason():
    (said,) = held_back([CLAIM], [act("P35")], "both arms overfit alike")
    assert said.verdict == Verdict.OK
    assert said.headline.endswith("P35 lr come first: both arms overfit alike")


def test_nothing_open_changes_nothing_and_other_findings_stay():
    assert held_back([CLAIM], []) == [CLAIM]
    other = Finding("P26", "diverged trials", Verdict.OK, "None.")
    assert held_back([other], [act("P27")]) == [other]
    assert first_of_all([Finding("P27", "lr", Verdict.UNSURE, "Perhaps."), act("P60")]) == []


def test_only_instability_is_instability():
    assert unstable([act("P71"), act("P27")]) == [act("P71")]


def test_a_finding_comes_back_from_json():
    found = Finding("P71", "lr", Verdict.ACT, "Unstable.", interval=(0.1, 0.2), assumptions=("One.",))
    assert finding_from_json(found.to_json()) == found
