"""`tunewise.optuna.trial` beside Optuna's: trials that replay known parameters."""

import pytest

import tunewise.optuna
from tunewise.optuna.trial import native, native_state


def objective(trial):
    x = trial.suggest_float("x", 0.0, 1.0)
    y = trial.suggest_int("y", 1, 8, log=True)
    c = trial.suggest_categorical("c", ["a", "b"])
    trial.report(x, 0)
    assert not trial.should_prune()
    return x + y + (c == "b")


def test_a_fixed_trial_hands_out_its_params(lib):
    trial = lib.trial.FixedTrial({"x": 0.25, "y": 4, "c": "b"}, number=7)
    assert objective(trial) == 5.25
    assert trial.number == 7
    assert trial.params == {"x": 0.25, "y": 4, "c": "b"}
    trial.set_user_attr("seen", True)
    assert trial.user_attrs == {"seen": True}
    with pytest.raises(ValueError, match="z"):
        trial.suggest_float("z", 0, 1)


def test_a_frozen_trial_replays_an_objective(lib, study):
    study.optimize(objective, n_trials=1)
    assert objective(study.best_trial) == study.best_value


def test_older_names_of_the_suggest_methods():
    trial = tunewise.optuna.FixedTrial({"u": 0.5, "l": 0.01, "d": 0.75})
    assert trial.suggest_uniform("u", 0.0, 1.0) == 0.5
    assert trial.suggest_loguniform("l", 1e-3, 1.0) == 0.01
    assert trial.suggest_discrete_uniform("d", 0.0, 1.0, 0.25) == 0.75
    with pytest.raises(ValueError, match=r"0\.5 is not in"):
        trial.suggest_uniform("u", 0.6, 1.0)


def test_states_are_optunas(lib):
    states = {state.name: (int(state), state.is_finished()) for state in lib.trial.TrialState}
    assert states == {
        "RUNNING": (0, False),
        "COMPLETE": (1, True),
        "PRUNED": (2, True),
        "FAIL": (3, True),
        "WAITING": (4, False),
    }


def test_a_trial_that_runs_cannot_be_added(lib):
    running = lib.create_trial(state=lib.trial.TrialState.RUNNING)
    assert running.datetime_complete is None
    if lib is tunewise.optuna:
        assert native_state(running.state).name == "RUNNING"
        with pytest.raises(ValueError, match="RUNNING"):
            native(running, "value")


def test_constraints_decide_what_is_best(study):
    for value, violation in ((1.0, 2.0), (3.0, -1.0), (2.0, 0.0)):
        trial = study.ask()
        trial.set_constraint("memory", violation)
        study.tell(trial, value)
    assert study.best_trial.number == 2
