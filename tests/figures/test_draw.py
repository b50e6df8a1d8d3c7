"""What every kind of finding carries becomes a picture: valid, in the user's values, with words; whatever is missing."""

import json

import numpy as np
import pytest

import tunewise as tw
from tunewise import figures
from tunewise.figures import dossier, picture_of, style
from tunewise.playbook import check, decide
from tunewise.playbook.finding import Finding

GRID = np.linspace(0, 1, 7)
KINDS = {
    "best_of_k": {"k": np.array([1, 2, 4]), "expected": np.array([3.0, 2, 1]), "low": np.array([-np.inf, 1, 0.5]),
                  "high": np.array([4, 3, np.inf]), "n": 4},
    "best_steps": {"rows": np.arange(3), "fraction": np.array([0.1, 0.9, 1.0])},
    "curve": {"number": 1, "loss": np.array([3.0, 2.0, 1.0]), "step": np.arange(3)},
    "infeasible": {"rows": np.arange(4), "infeasible": np.array([0, 0, 1, 1], bool), "x": np.array([0.01, 0.1, 1, 3]),
                   "name": "lr / (1 - momentum)", "threshold": 0.4, "low": 0.2, "high": 0.8, "grid": GRID + 0.01, "p": GRID,
                   "best": 0.1},
    "interaction": {"names": ("a", "b", "c"), "share": np.array([[0, 0.2, 0], [0.2, 0, 0.1], [0, 0.1, 0]])},
    "isolation": {"name": "k", "values": ("x", "y"), "best": np.array([1.0, 2]), "typical": np.array([1.5, 2.5]),
                  "low": np.array([1.2, 2.1]), "high": np.array([1.9, 2.9]), "n": np.array([5, 9]), "k": 5,
                  "in_set": np.array([True, False])},
    "labels": {"names": ("overfit",), "all": np.array([0.2]), "top": np.array([0.4]), "n": 12},
    "retune": {"name": "lr", "grid": GRID, "before": GRID**2, "after": (1 - GRID) ** 2, "argmin_before": 0.0,
               "argmin_after": 1.0, "low": 0.5, "high": 1.0},
    "representative": {"proxy": np.arange(5.0), "target": np.arange(5.0)[::-1], "rows": np.arange(5)},
    "sensitivity": {"names": ("a", "b"), "effect": np.array([0.1, 0.3]), "low": np.array([0.05, 0.2]),
                    "high": np.array([0.2, 0.4]), "unit": np.array(0.05)},
    "shift": {"name": "lr", "by": "k", "values": ("x", "y"), "argmin": np.array([0.2, 0.8]), "low": np.array([0.1, 0.7]),
              "high": np.array([0.3, 0.9])},
    "steps": {"lr": np.array([0.1, 1.0, 10.0]), "steps": np.array([100.0, 50.0, np.inf]),
              "censored": np.array([False, False, True]), "grid": np.array([0.1, 1, 10]), "fit": np.array([90, 55, 200.0]),
              "best": 52.0, "low": 45.0, "high": 60.0},
    "transfer": {"short": np.arange(5.0), "long": np.arange(5.0) ** 2, "rows": np.arange(5)},
    "batch": {"size": [8, 16, 32], "seconds": [0.1, 0.11, 0.2]},
    "variance": {"names": ("seed", "study"), "sds": np.array([0.1, np.nan]), "lows": np.array([0.05, np.nan]),
                 "highs": np.array([0.2, np.nan])},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_in_both_directions(kind, trials, valid):
    sign = trials.goals[0].sign
    picture = picture_of({"kind": kind, "sign": sign, **KINDS[kind]}, trials)
    assert picture.title
    assert picture.caption.endswith(".")
    valid(picture.chart)


def test_every_picture_of_a_real_check_is_valid(trials, valid):
    drawn = [picture_of(f.arrays, trials) for f in check(trials)]
    assert sum(picture is not None for picture in drawn) >= 3
    for picture in drawn:
        if picture is not None:
            valid(picture.chart)


def test_every_documented_kind_has_a_picture():
    import re

    from tunewise.playbook import finding

    table = finding.__doc__.split("kind            arrays")[1]
    documented = set(re.findall(r"^([a-z_]+) {2,}\S", table, re.MULTILINE))
    assert documented - {"axis", "adoption"} <= set(KINDS)  # these two are tested by themselves


def test_a_finding_without_a_picture_has_none(trials):
    assert picture_of({}, trials) is None
    assert picture_of({"kind": "something new"}, trials) is None
    assert picture_of({"kind": "axis", "name": "not there"}, trials) is None
    assert (
        picture_of({"kind": "infeasible", "rows": np.arange(3), "infeasible": np.zeros(3, bool)}, trials)
        is None
    )
    assert Finding("P1", "x", "OK", "fine").arrays == {}


def test_values_in_isolation_are_the_users(trials):
    sign = -1.0
    rows = figures.isolation_rows({"kind": "isolation", "sign": sign, **KINDS["isolation"]})
    assert rows[0]["typical"] == -1.5
    assert all(row["low"] < row["typical"] < row["high"] for row in rows)
    assert [row["set"] for row in rows] == ["may be the best", "worse"]


def test_diverged_trials_are_kept_where_many_are_left_out():
    bad = np.arange(20_000) % 1000 == 7
    x = np.where(np.arange(20_000) % 3 == 0, np.nan, np.linspace(1, 2, 20_000))
    rows = figures.infeasible_rows({"rows": np.arange(20_000), "infeasible": bad, "x": x})
    assert len(rows) == 1000
    assert sum(row["what"] == "diverged" for row in rows) == (bad & ~np.isnan(x)).sum()


def test_a_chart_holds_plain_json_whatever_its_rows_hold():
    data = style.values([{"x": 1.0, "y": float("nan")}, {"x": float("inf"), "y": "a"}])
    assert json.loads(data.values) == [{"x": 1.0, "y": None}, {"x": None, "y": "a"}]


def test_a_tuning_curves_open_ends_are_no_numbers():
    rows = figures.tuning_rows({"sign": -1.0, **KINDS["best_of_k"]})
    assert [row["expected"] for row in rows] == [-3.0, -2.0, -1.0]
    assert rows[0]["high"] is None  # the loss is not bounded below, so the value is not bounded above
    assert rows[2]["low"] is None


def test_the_map_has_every_trial_with_both_parameters(trials, valid):
    rows = figures.map_rows(trials, trials.space, ("lr", "n"))
    wanted = {t.number for t in trials if "n" in t.params and t.state.name in ("COMPLETE", "INFEASIBLE")}
    assert {row["number"] for row in rows} == wanted
    valid(figures.map_chart(rows, trials.space, ("lr", "n"), "m", trials.goals[0].sign))
    valid(
        figures.map_chart(figures.map_rows(trials, trials.space, ("k", "lr")), trials.space, ("k", "lr"), "m")
    )


def test_a_dossier_shows_runs_posterior_and_looks(valid):
    decision = decide([0.11, 0.12, 0.10], [0.2, 0.21, float("nan")], min_effect=0.01, looks=(3,))
    arrays = {"candidate": decision.candidate_values, "baseline": decision.baseline_values, **decision.arrays}
    pictures = dossier(arrays, "error")
    assert [picture.title for picture in pictures] == [
        "Fresh runs of both arms",
        "How large is it",
        "Look by look",
    ]
    specs = [valid(picture.chart) for picture in pictures]
    assert "baseline (1 diverged)" in str(specs[0])
    rows = figures.posterior_rows(decision.arrays)
    assert {row["part"] for row in rows if row["improvement"] > 0.01} == {"worth it"}
    assert {row["part"] for row in rows if row["improvement"] <= 0} <= {"worse"}
    assert dossier({"candidate": [], "baseline": []}, "error") == []


def test_diverged_runs_are_left_out_of_the_dots():
    rows = figures.adoption_rows([1.0, float("nan")], [2.0])
    assert [(row["arm"], row["value"]) for row in rows] == [("candidate", 1.0), ("baseline", 2.0)]


def test_unmeasured_variance_has_words_not_numbers(valid):
    rows = figures.variance_rows(["seed", "data"], [0.1, None], [(0.05, 0.3), None])
    assert rows[1]["text"] == "not measured"
    assert rows[1]["sd"] is None
    valid(figures.variance_chart(rows, "m"))


def test_a_launch_log_is_drawn_with_what_it_has(valid):
    log = [
        {"verdict": "ADOPT", "improvement": 0.1, "low": 0.02, "high": 0.2, "at": 1.7e9, "cost": "one layer"},
        {"verdict": "KEEP", "headline": "an entry of an older version"},
        {"verdict": "UNDECIDED", "improvement": -0.01},
    ]
    rows = figures.launch_rows(log)
    assert [row["label"].split()[0] for row in rows] == ["1", "3"]
    assert (rows[1]["low"], rows[1]["high"]) == (-0.01, -0.01)
    valid(figures.launch_chart(rows, "m"))


def test_importances_are_bars(trials, valid):
    from tunewise.importance import ped_anova

    rows = figures.importance_rows(ped_anova(trials, trials.space))
    assert [row["share"] for row in rows] == sorted((row["share"] for row in rows), reverse=True)
    valid(figures.importance_chart(rows))


def test_pictures_can_be_saved(trials, tmp_path):
    picture = picture_of({"kind": "curve", **KINDS["curve"]}, trials)
    picture.chart.properties(width=400).save(str(tmp_path / "a.svg"))
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert isinstance(trials, tw.Trials)
