import numpy as np
import pytest

import tunewise as tw
from tunewise import figures


def test_curves_are_those_of_the_best(trials, valid):
    rows = figures.curves_rows(trials, n_best=3)
    assert rows[0]["trial"] == f"trial {trials.best()}"
    assert len({row["trial"] for row in rows}) == 3
    assert len(rows) == 15
    sign = trials.goals[0].sign
    for trial in {row["trial"] for row in rows}:
        mine = [row for row in rows if row["trial"] == trial]
        assert [row["best"] for row in mine].count(True) == 1
        ring = next(row for row in mine if row["best"])
        assert sign * ring["value"] == min(sign * row["value"] for row in mine)
    valid(figures.curves_chart(rows, "m", sign))


def test_long_curves_are_thinned_but_keep_their_best(valid):
    study = tw.create_study(sampler="random", seed=0)

    def objective(trial):
        for step in range(2000):
            trial.report(0.0 if step == 777 else 1.0 + 1 / (step + 1), step)
        return trial.suggest_float("x", 0, 1)

    study.optimize(objective, 2)
    rows = figures.curves_rows(study.trials)
    assert len(rows) <= 2 * 251
    assert {row["step"] for row in rows if row["best"]} == {777}


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_findings_curve_is_in_the_users_values(sign, valid):
    loss = np.array([0.5, 0.3, 0.2, 0.4, 0.6, 0.7])
    arrays = {"kind": "curve", "number": 3, "loss": loss, "step": np.arange(6) * 10, "sign": sign, "train": loss[:3],
              "fit_step": np.array([30, 50]), "fit_loss": np.array([0.4, 0.7]), "onset": 20.0, "best": np.nan}  # fmt: skip
    rows = figures.curve_rows(arrays)
    assert [row["value"] for row in rows if row["what"] == "validation"] == (sign * loss).tolist()
    assert {row["what"] for row in rows} == {"validation", "training", "fit"}
    text = str(valid(figures.curve_chart(rows, arrays, "m")))
    assert "turns here" in text
    assert "best here" not in text


def test_shapes_and_places_of_the_best(valid):
    rows = figures.label_rows({"names": ("a", "b"), "all": [0.5, 0.1], "top": [0.2, 0.0], "n": 20})
    assert [(row["name"], row["of"], row["share"]) for row in rows] == [
        ("a", "all trials", 0.5), ("b", "all trials", 0.1), ("a", "best quarter", 0.2), ("b", "best quarter", 0.0),
    ]  # fmt: skip
    valid(figures.label_chart(rows))
    rows = figures.best_step_rows({"rows": np.array([4, 5]), "fraction": np.array([0.5, np.nan])})
    assert rows == [{"number": 4, "fraction": 0.5}]
    valid(figures.best_step_chart(rows))


def test_the_best_of_another_metric_is_marked_where_it_is_known():
    study = tw.create_study(goals={"error": "minimize"}, sampler="random", seed=0)

    def train(trial):
        x = trial.suggest_float("x", 0, 1)
        for step in range(5):
            trial.report(
                {"error": x + 1 / (step + 1), "accuracy": 1 - x - 1 / (step + 1), "norm": 1.0 + step}, step
            )
        return x

    study.optimize(train, 3)
    marked = {
        (metric, sign): {r["step"] for r in figures.curves_rows(study.trials, metric, sign=sign) if r["best"]}
        for metric, sign in (("error", None), ("accuracy", -1.0), ("accuracy", 1.0), ("norm", None))
    }
    assert marked == {
        ("error", None): {4},
        ("accuracy", -1.0): {4},
        ("accuracy", 1.0): {0},
        ("norm", None): set(),
    }
