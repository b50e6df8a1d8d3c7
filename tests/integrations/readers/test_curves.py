"""Curves in every form that tables have them in."""

import math

import pytest

from tunewise.errors import DataError
from tunewise.integrations.readers import read_study
from tunewise.records import TrialState

N, STEPS = 12, 6


def curve(i):
    return [1 / (step + 1) + 0.1 * i for step in range(STEPS)]


TRIALS = [{"name": f"run-{i}", "lr": 10.0**-i, "val_loss": curve(i)[-1]} for i in range(N)]


def check(trials):
    for i in range(N):
        assert list(trials.row(i).curves["val_loss"].values()) == pytest.approx(curve(i))
        assert list(trials.row(i).curves["val_loss"]) == list(range(STEPS))
        assert trials.row(i).value == pytest.approx(curve(i)[-1])


def test_rows_that_repeat_a_trial_are_its_curve():
    rows = [
        {"run": f"r{i}", "epoch": s, "lr": 10.0**-i, "val_loss": v, "train_loss": v / 2}
        for i in range(N)
        for s, v in enumerate(curve(i))
    ]
    trials = read_study(rows[::-1], metric="val_loss")  # in any order
    assert len(trials) == N
    assert set(trials.metrics) == {"val_loss", "train_loss"}
    trials = read_study(rows, metric="val_loss")
    check(trials)
    best = read_study(rows, metric="val_loss", value="best")
    assert best.row(0).value == min(curve(0))
    assert "best val_loss of its curve" in " ".join(best.user_attrs["reader"]["notes"])


@pytest.mark.parametrize(
    "pattern", ["val_loss_{}", "val_loss@{}", "val_loss.{}", "val_loss[{}]", "val_loss_epoch_{}"]
)
def test_columns_that_count_steps(pattern):
    rows = [{**row, **{pattern.format(s): v for s, v in enumerate(curve(i))}} for i, row in enumerate(TRIALS)]
    trials = read_study(rows, metric="val_loss")
    check(trials)
    assert trials.names == ("lr",)


def test_cells_that_hold_a_curve():
    check(read_study([{**row, "val_loss": curve(i)} for i, row in enumerate(TRIALS)], metric="val_loss"))
    nested = [
        {**row, "curves": {"val_loss": [[s, v] for s, v in enumerate(curve(i))]}}
        for i, row in enumerate(TRIALS)
    ]
    check(read_study(nested))


def test_a_file_of_its_own_long_or_wide(tmp_path):
    long = tmp_path / "long.csv"
    long.write_text(
        "name,step,val_loss\n"
        + "".join(f"run-{i},{s},{v}\n" for i in range(N) for s, v in enumerate(curve(i)))
    )
    wide = tmp_path / "chart.csv"  # as Weights & Biases exports a chart
    head = ",".join(f"run-{i} - val_loss,run-{i} - val_loss__MIN,run-{i} - val_loss__MAX" for i in range(N))
    lines = [",".join([str(s), *(f"{curve(i)[s]},0,9" for i in range(N))]) for s in range(STEPS)]
    wide.write_text(f"Step,{head}\n" + "\n".join(lines) + "\n")
    steps = tmp_path / "steps.csv"
    body = "".join(f"run-{i}," + ",".join(map(str, curve(i))) + "\n" for i in range(N))
    steps.write_text("name," + ",".join(f"step_{s}" for s in range(STEPS)) + "\n" + body)
    for curves in (
        long,
        wide,
        steps,
        [{"name": f"run-{i}", "step": s, "val_loss": v} for i in range(N) for s, v in enumerate(curve(i))],
    ):
        check(read_study(TRIALS, curves=curves))
    without_value = [{k: v for k, v in row.items() if k != "val_loss"} for row in TRIALS]
    check(read_study(without_value, metric="val_loss", curves=long))
    by_number = [{"trial": i, "step": s, "val_loss": v} for i in range(N) for s, v in enumerate(curve(i))]
    check(read_study(without_value, metric="val_loss", curves=by_number))


def test_curves_of_nobody_are_a_sentence():
    with pytest.raises(DataError, match="No trial of the study appears"):
        read_study(TRIALS, curves=[{"name": "other", "step": 0, "val_loss": 1.0}])
    with pytest.raises(DataError, match="neither a column that names the trial nor one of steps"):
        read_study(TRIALS, curves=[{"foo": "other", "bar": 0}])


def test_different_lengths_and_holes_stay_as_they_are():
    rows = [
        {"run": i, "step": s, "lr": 10.0**-i, "loss": math.nan if (i, s) == (2, 3) else 1 / (s + 1)}
        for i in range(N)
        for s in range(2 + i % 5)
    ]
    trials = read_study(rows)
    assert [len(t.curves["loss"]) for t in trials] == [2 + i % 5 for i in range(N)]
    assert trials.row(2).state == TrialState.INFEASIBLE  # its last report is NaN
