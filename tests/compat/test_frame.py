"""`tunewise.optuna.frame` beside Optuna's `trials_dataframe`."""

import optuna
import pytest

import tunewise.optuna


def made(lib, n_goals):
    lib.logging.set_verbosity(lib.logging.ERROR)
    study = lib.create_study(directions=["minimize"] * n_goals)

    def objective(trial):
        trial.set_user_attr("seconds", 1.5)
        trial.suggest_float("x", 0, 1)
        if trial.number:
            trial.suggest_int("a", 1, 3)
        return [0.5] * n_goals

    study.optimize(objective, n_trials=2)
    study.optimize(lambda trial: 1 / 0, n_trials=1, catch=ZeroDivisionError)
    return study


@pytest.mark.parametrize("n_goals", [1, 2])
@pytest.mark.parametrize("multi_index", [False, True])
def test_columns_are_optunas(n_goals, multi_index):
    ours = made(tunewise.optuna, n_goals).trials_dataframe(multi_index=multi_index)
    theirs = made(optuna, n_goals).trials_dataframe(multi_index=multi_index)
    if n_goals == 1:
        assert list(ours.columns) == list(theirs.columns)
    assert set(map(str, ours.columns)) == set(map(str, theirs.columns))
    assert ours["state"].tolist() == theirs["state"].tolist() == ["COMPLETE", "COMPLETE", "FAIL"]
    assert ours["number"].tolist() == [0, 1, 2]


def test_values_and_kinds_are_optunas():
    ours, theirs = made(tunewise.optuna, 1).trials_dataframe(), made(optuna, 1).trials_dataframe()
    assert ours["value"].isna().tolist() == theirs["value"].isna().tolist() == [False, False, True]
    assert ours["params_a"].isna().tolist() == [True, False, True]
    for column in ("duration", "datetime_start", "value", "number"):
        assert ours[column].dtype.kind == theirs[column].dtype.kind


def test_attributes_can_be_chosen():
    frame = made(tunewise.optuna, 1).trials_dataframe(attrs=("number", "params"))
    assert list(frame.columns) == ["number", "params_a", "params_x"]
