"""Checkpoints, retuning, measures, budgets and the launch log."""

import numpy as np
import pytest

from tunewise.playbook import Finding, Findings, Verdict
from tunewise.playbook.budget import designs
from tunewise.playbook.checkpoints import checkpoint_variance
from tunewise.playbook.gate import exploit_gate
from tunewise.playbook.launches import table_rows, tried
from tunewise.playbook.measures import drop_to_test, reasonable, representative
from tunewise.playbook.retune import probe_points, retune


def test_a_fixed_step_may_cost_more_than_the_noise():
    steps = np.arange(1.0, 11)
    valleys = [(steps, np.abs(steps - best) / 10) for best in (3, 5, 9, 4, 6)]
    dear = checkpoint_variance(valleys, unit=0.01)
    assert dear.verdict == Verdict.ACT
    flat = checkpoint_variance([(steps, np.full(10, 0.1 * k)) for k in range(4)], unit=0.01)
    assert flat.verdict == Verdict.OK
    assert flat.effect == 0
    assert checkpoint_variance(valleys[:2]).verdict == Verdict.NA
    assert (
        checkpoint_variance([(steps + k / 10, y) for k, (_, y) in enumerate(valleys)]).verdict == Verdict.NA
    )


def test_a_moved_optimum_asks_for_retuning_and_a_still_one_does_not():
    u = probe_points(0.5, 7)
    rng = np.random.default_rng(0)
    before = (u - 0.5) ** 2 + 0.002 * rng.standard_normal(7)
    moved = retune("lr", u, before, (u - 0.7) ** 2 + 0.002 * rng.standard_normal(7), 0.002)
    assert moved.verdict == Verdict.ACT
    assert moved.interval[0] < 0.2 < moved.interval[1]
    still = retune("lr", u, before, (u - 0.5) ** 2 + 0.002 * rng.standard_normal(7), 0.002)
    assert still.verdict == Verdict.OK
    assert retune("lr", u[:4], before[:4], before[:4]).verdict == Verdict.UNSURE
    assert retune("lr", u, np.full(7, np.nan), before).verdict == Verdict.UNSURE
    assert probe_points(0.05)[0] == 0


def test_retuning_alarms_are_rare():
    rng = np.random.default_rng(0)
    u = probe_points(0.5, 7)
    alarms = [
        retune(
            "x",
            u,
            (u - 0.5) ** 2 + 0.01 * rng.standard_normal(7),
            (u - 0.5) ** 2 + 0.01 * rng.standard_normal(7),
            0.01,
            200,
        ).verdict
        == Verdict.ACT
        for _ in range(100)
    ]
    assert np.mean(alarms) < 0.12


def test_a_proxy_metric_that_orders_otherwise():
    rng = np.random.default_rng(0)
    y = rng.random(60)
    assert representative(y, y + 0.01 * rng.random(60)).verdict == Verdict.OK
    assert representative(y, rng.random(60), unit=0.01).verdict in (Verdict.ACT, Verdict.UNSURE)
    assert representative(y, -y, unit=0.01).verdict == Verdict.ACT
    assert representative(y[:5], y[:5]).verdict == Verdict.NA


def test_a_drop_to_the_test_set_is_explained_or_not():
    val = np.array([0.2, 0.21, 0.19])
    assert drop_to_test(val, val + 0.005, optimism=0.005, optimism_sd=0.001).verdict == Verdict.OK
    assert drop_to_test(val, val + 0.1, optimism=0.005, optimism_sd=0.001).verdict == Verdict.UNSURE


def test_designs_trade_arms_for_trials():
    found = designs(40, 4, noise_sd=0.01)
    assert [d.arms for d in found] == [4, 3, 2]
    assert found[0].regret > found[-1].regret
    assert found[0].detectable > found[-1].detectable
    assert designs(40, 1)[0].arms == 1
    assert designs(40, 2, earlier=np.random.default_rng(0).random(50))[0].regret > 0
    with pytest.raises(ValueError, match="fewer than 4"):
        designs(6, 2)


def test_the_gate_is_open_when_nothing_is_asked_for():
    edge = Finding(
        "P27", "lr", Verdict.ACT, "At the edge.", next_action="widen lr", command="repair()", cost_trials=10
    )
    assert exploit_gate(Findings([Finding("P27", "lr", Verdict.OK, "Fine.")])).verdict == Verdict.OK
    shut = exploit_gate(Findings([edge]))
    assert shut.verdict == Verdict.ACT
    assert "widen lr" in shut.headline
    assert shut.command == "repair()"
    assert exploit_gate(Findings([Finding("P19", "x", Verdict.ACT, "Scale.")])).verdict == Verdict.OK


def test_the_log_keeps_its_denominator():
    log = [
        {"verdict": "ADOPT", "candidate": {"a": 1}, "false_adoption": 0.1},
        {"verdict": "KEEP", "false_adoption": 0.1},
    ]
    assert tried(log) == "2 changes tried, 1 adopted; had all been worthless, 0.2 would have been."
    assert tried([]) == "Nothing was tried yet."
    assert table_rows([{"study": "s"}])[0]["best"] is None


def test_a_first_configuration_has_to_learn_something():
    assert reasonable(np.array([0.3, 0.31]), 0.9, n_validation=1000).verdict == Verdict.OK
    assert reasonable(np.array([0.89, 0.9]), 0.9, n_validation=1000).verdict == Verdict.ACT
    assert reasonable(np.array([np.nan]), 0.9).verdict == Verdict.ACT
