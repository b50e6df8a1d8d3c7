"""Axis plots: every trial that has the parameter, where it is, and the surrogate's profile on top."""

import json

import numpy as np
import pytest

import tunewise as tw
from tunewise.figures import axis_chart, axis_rows, profile_rows
from tunewise.records import TrialState

DOMAINS = [tw.Float(1e-4, 1.0, log=True), tw.Float(0, 1), tw.Int(1, 4), tw.Int(1, 1000, log=True), tw.Categorical(("a", "b")),
           tw.Float(0.5, 0.5), tw.Int(3, 3), tw.Categorical((8, 16, 32), ordered=True)]  # fmt: skip


def test_an_axis_shows_every_trial_that_has_the_parameter(trials):
    rows = axis_rows(trials, trials.space, "n")
    assert {row["number"] for row in rows} == {t.number for t in trials if "n" in t.params}
    rows = axis_rows(trials, trials.space, "lr")
    assert sum(row["group"] == "best 5" for row in rows) == 5
    for row in rows:
        trial = trials.row(row["number"])
        assert row["x"] == trial.params["lr"]
        assert 0 <= row["u"] <= 1
        assert row["value"] == trial.value
        without = {
            TrialState.INFEASIBLE: "diverged",
            TrialState.PRUNED: "pruned",
            TrialState.FAILED: "failed",
        }
        assert row["group"] == without.get(trial.state, row["group"])
        assert (row["value"] is None) == (row["group"] in without.values())


def test_the_best_five_are_the_best(trials):
    best = [row["number"] for row in axis_rows(trials, trials.space, "lr") if row["group"] == "best 5"]
    complete = np.flatnonzero(trials.state == TrialState.COMPLETE)
    assert set(best) == set(complete[np.argsort(trials.loss[complete, 0], kind="stable")[:5]].tolist())


def test_of_many_trials_the_best_are_kept(trials):
    rows = axis_rows(trials, trials.space, "lr", most=12)
    assert len(rows) == 12
    assert trials.best() in {row["number"] for row in rows}


def profile(sign):
    grid = np.linspace(0, 1, 5)
    mean = (grid - 0.5) ** 2
    return {"kind": "axis", "name": "x", "grid": grid, "mean": mean, "low": mean - 0.1, "high": mean + 0.1, "sign": sign,
            "zone": 0.2, "unit": 0.05}  # fmt: skip


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_a_profile_is_in_the_users_values(domain, sign, valid):
    rows = profile_rows(profile(sign), domain)
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    assert [row["value"] for row in rows] == pytest.approx(
        (sign * (np.linspace(0, 1, 5) - 0.5) ** 2).tolist()
    )
    trials = [
        {"x": str(domain.decode(domain.from_unit(np.array(u)))) if isinstance(domain, tw.Categorical)
              else float(domain.from_unit(np.array(u))),
         "u": u, "value": None if u > 0.9 else u, "group": "diverged" if u > 0.9 else "other", "number": i}
        for i, u in enumerate(np.linspace(0, 1, 20).tolist())
    ]  # fmt: skip
    text = str(valid(axis_chart(trials, domain, "x", "m", sign, profile(sign))))
    assert ("'x2'" in text) != isinstance(domain, tw.Categorical)  # edge zones, for what has edges
    assert profile_rows({}, domain) == []


def test_diverged_trials_stand_at_the_worse_end(trials, valid):
    sign = trials.goals[0].sign
    rows = axis_rows(trials, trials.space, "lr")
    spec = valid(axis_chart(rows, trials.space["lr"], "lr", "m", sign))
    dots = next(rows for rows in map(json.loads, spec["datasets"].values()) if "group" in rows[0])
    rail = {dot["y"] for dot in dots if dot["value"] is None}
    values = [dot["y"] for dot in dots if dot["value"] is not None]
    assert len(rail) == 1
    assert (sign * next(iter(rail))) > max(sign * v for v in values)


def test_nothing_known_is_a_chart_too(valid):
    valid(axis_chart([], tw.Float(0, 1), "x", "m"))
