"""Figures: the arrays say what is in the table, and every chart is a valid specification."""

import json
import math

import pytest

import tunewise as tw
from tunewise import figures
from tunewise.playbook import check
from tunewise.report.charts import round_pictures
from tunewise.report.data import RoundData

SPACE = tw.Space(
    {"lr": tw.Float(1e-4, 1.0, log=True), "k": tw.Categorical(("a", "b")), "n": tw.Int(1, 4)},
    {"n": ("k", ["a"])},
)


def objective(trial):
    p = trial.params
    for step in range(5):
        trial.report(p["lr"] + 1 / (step + 1), step)
    return math.nan if p["lr"] > 0.3 else p["lr"] + 0.1 * (p["k"] == "a")


@pytest.fixture(params=["minimize", "maximize"])
def trials(request):
    tw.logging.set_verbosity(50)
    study = tw.create_study(sampler="qmc", seed=0, space=SPACE, direction=request.param)
    study.optimize(objective, 30)
    return study.trials


def test_history_keeps_the_best_so_far(trials):
    rows = figures.history_rows(trials)
    assert [row["number"] for row in rows] == list(range(30))
    best = [row["best"] for row in rows if row["best"] is not None]
    ordered = sorted(best, reverse=trials.goals[0].direction == "minimize")
    assert best == ordered
    assert best[-1] == trials.row(trials.best()).value
    assert (
        sum(row["state"] == "infeasible" for row in rows) == (trials.state == tw.TrialState.INFEASIBLE).sum()
    )


def test_an_axis_shows_every_trial_that_has_the_parameter(trials):
    rows = figures.axis_rows(trials, SPACE, "n")
    assert {row["number"] for row in rows} == {t.number for t in trials if "n" in t.params}
    rows = figures.axis_rows(trials, SPACE, "lr")
    assert sum(row["group"] == "best 5" for row in rows) == 5
    assert all((row["value"] is None) == (row["group"] == "diverged") for row in rows)


def test_curves_are_those_of_the_best(trials):
    rows = figures.curves_rows(trials, n_best=3)
    assert rows[0]["trial"] == f"trial {trials.best()}"
    assert len({row["trial"] for row in rows}) == 3
    assert len(rows) == 15


def test_unmeasured_variance_has_words_not_numbers():
    rows = figures.variance_rows(["seed", "data"], [0.1, None], [(0.05, 0.3), None])
    assert rows[1]["text"] == "not measured"
    assert rows[1]["sd"] is None


def test_diverged_runs_are_left_out_of_the_dots():
    rows = figures.adoption_rows([1.0, math.nan], [2.0])
    assert [(row["arm"], row["value"]) for row in rows] == [("candidate", 1.0), ("baseline", 2.0)]


def test_every_chart_is_valid_and_plain_json(trials):
    data = RoundData("g", {}, trials, SPACE, check(trials, SPACE))
    charts = [picture.chart for picture in round_pictures(data)]
    charts.append(figures.variance_chart(figures.variance_rows(["a"], [0.1], [(0.05, 0.2)]), "m"))
    charts.append(figures.adoption_chart(figures.adoption_rows([1.0], [2.0]), "m"))
    for chart in charts:
        assert json.loads(json.dumps(chart.to_dict(), allow_nan=False))["width"] == "container"
