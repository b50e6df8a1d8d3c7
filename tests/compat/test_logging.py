import logging

import optuna

import tunewise
import tunewise.optuna


def test_functions_and_levels_are_optunas():
    ours, theirs = tunewise.optuna.logging, optuna.logging
    for name in ("CRITICAL", "DEBUG", "ERROR", "FATAL", "INFO", "WARN", "WARNING"):
        assert getattr(ours, name) == getattr(theirs, name) == getattr(tunewise.logging, name)
    ours.set_verbosity(ours.WARNING)
    assert ours.get_verbosity() == tunewise.logging.get_verbosity() == logging.WARNING


def test_the_handler_can_be_taken_away_and_messages_passed_on(capsys, caplog):
    library = tunewise.optuna.logging
    library.set_verbosity(library.INFO)
    library.disable_default_handler()
    library.enable_propagation()
    tunewise.create_study("quiet", sampler="random")
    assert capsys.readouterr().err == ""
    assert "quiet" in caplog.text
    library.disable_propagation()
    library.enable_default_handler()
    tunewise.create_study("loud", sampler="random")
    assert "loud" in capsys.readouterr().err


def test_lines_have_the_same_words_as_optunas(caplog):
    spoken = []
    for lib in (optuna, tunewise.optuna):
        lib.logging.set_verbosity(lib.logging.INFO)
        lib.logging.enable_propagation()
        caplog.clear()
        study = lib.create_study(study_name="s", sampler=lib.samplers.RandomSampler())

        def objective(trial, lib=lib):
            trial.suggest_float("x", 1.0, 1.0)
            if trial.number == 1:
                raise lib.TrialPruned
            if trial.number == 2:
                raise ZeroDivisionError("no")
            return 0.5

        study.optimize(objective, n_trials=3, catch=ZeroDivisionError)
        lib.logging.disable_propagation()
        spoken.append(list(dict.fromkeys(caplog.messages)))
    theirs, ours = spoken
    assert ours[:3] == theirs[:3]
    assert ours[3].split(": Zero")[0] == theirs[3].split(": Zero")[0]
    assert len(ours) == 4
