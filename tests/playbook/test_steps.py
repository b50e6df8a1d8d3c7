import numpy as np
import pytest

from tunewise.playbook import Finding, Findings, Verdict
from tunewise.playbook.steps import (
    batch_trap,
    gaps,
    length_plan,
    regime,
    schedule_trap,
    steps_sweep,
    transfer,
    transfers,
)

RATES = 10 ** np.arange(-4, 0.01, 0.5)


def test_a_sweep_gives_the_length_or_says_why_not():
    finding, found = steps_sweep(RATES, 1000 * np.exp((np.log10(RATES) + 2) ** 2), np.ones(9, bool))
    assert finding.verdict == Verdict.OK
    assert f"max_steps = {round(found.steps)}" in finding.next_action
    assert len(finding.arrays["grid"]) == len(finding.arrays["fit"])
    edge, _ = steps_sweep(RATES, 1000 * RATES**-0.3, np.ones(9, bool))
    assert edge.verdict == Verdict.ACT
    assert edge.change["lr"] == pytest.approx(10**0.5)
    nothing, _ = steps_sweep(RATES, np.full(9, 500.0), np.zeros(9, bool))
    assert nothing.verdict == Verdict.ACT
    assert "1000 steps" in nothing.next_action
    assert nothing.command == "max_steps = 1000"


def test_the_order_at_two_lengths():
    y = np.arange(12.0)
    assert transfer(y, y + 1).verdict == Verdict.OK
    reversed_order = transfer(y, -y)
    assert reversed_order.verdict == Verdict.ACT
    assert "half" in reversed_order.next_action
    assert transfer(y[:4], y[:4]).verdict == Verdict.UNSURE


def test_plans_are_gentle():
    assert [s.steps for s in length_plan(1000, 40, 3)] == [100, 300, 1000]
    assert length_plan(1000, 40, 3)[1].trials == 20
    assert length_plan(1000, 40)[1].trials == 5
    assert length_plan(1000, 5, 1)[0].promoted == 1
    with pytest.raises(ValueError, match="4 rounds"):
        length_plan(1000, 40, 4)


def test_regimes():
    def of(p39, p40):
        return regime(Findings([Finding("P39", "a", p39, "x."), Finding("P40", "b", p40, "y.")]))

    assert "Compute-bound" in of(Verdict.ACT, Verdict.OK).headline
    assert "Not compute-bound" in of(Verdict.OK, Verdict.ACT).headline
    assert "Mixed" in of(Verdict.OK, Verdict.OK).headline
    assert of(Verdict.NA, Verdict.OK).verdict == Verdict.UNSURE


def test_without_curves_the_regime_gives_no_advice():
    def judged(p39, p40):
        return regime(Findings([Finding("P39", "a", p39, "x."), Finding("P40", "b", p40, "y.")]))

    silent = judged(Verdict.NA, Verdict.NA)
    assert (silent.verdict, silent.next_action) == (Verdict.NA, "")
    assert regime(Findings()).verdict == Verdict.NA
    assert judged(Verdict.NA, Verdict.OK).verdict == Verdict.UNSURE  # curves, whose rate decays


def test_traps_of_schedules_and_batch_sizes():
    short = np.r_[np.ones(80), np.linspace(1, 0, 20)]
    assert schedule_trap(short, np.r_[np.ones(180), np.linspace(1, 0, 20)]).verdict == Verdict.OK
    trap = schedule_trap(short, np.r_[np.ones(80), np.full(120, 0.01)])
    assert trap.verdict == Verdict.ACT
    assert "decay=0.095)" in trap.command  # the 19 steps below the peak, of 200
    arms = {64: [0.1], 256: [0.2]}
    assert batch_trap(arms, {64: 10, 256: 10}, {64: True, 256: True}).verdict == Verdict.ACT
    assert batch_trap(arms, {64: 10, 256: 20}, {64: True, 256: False}).verdict == Verdict.ACT
    assert batch_trap(arms, {64: 10, 256: 20}, {64: True, 256: True}).verdict == Verdict.OK


def test_what_transfers_and_how_often_to_evaluate():
    assert transfers("warmup_steps") == "very likely"
    assert transfers("net.depth") == "likely"
    assert transfers("lr") == "perhaps"
    assert transfers("schedule") == "unlikely"
    assert gaps([10, 20, 30], 40) == pytest.approx(0.25)
    assert gaps([], 40) == 1
