"""The table is a fold of the log: replaying gives the same, views hide evidence, arrays are read-only."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.trials import Trials

tw.logging.set_verbosity(50)


def branching(trial):
    x = trial.suggest_float("x", -1, 1)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    if kind == "a":
        x += trial.suggest_int("n", 1, 8, log=True) * trial.suggest_float("scale", 1e-3, 1, log=True)
    trial.report(x, 0)
    trial.report({"other": 2 * x}, 0)
    if x > 3:
        return math.nan
    return x


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["ask", "tell", "fail", "queue", "report"]), max_size=40), st.integers(0, 5))
def test_replaying_the_log_gives_the_same_table(actions, seed):
    study = tw.create_study("s", sampler="random", seed=seed)
    running = []
    for action in actions:
        if action == "ask" or not running:
            running.append(study.ask())
            running[-1].suggest_float("x", 0, 1)
        elif action == "queue":
            study.enqueue_trial({"x": 0.5})
        elif action == "report":
            running[0].report(float(len(actions)), len(running))
        else:
            study.tell(running.pop(0), 1.0 if action == "tell" else None)
    batches = study.storage.read("s", 0)
    again = Trials()
    again.info = study.info
    again.apply_batches(batches)
    again.apply_all([])
    assert repr(list(again)) == repr(list(study.trials))
    assert json.dumps(again.state.tolist()) == json.dumps(study.trials.state.tolist())


def test_arrays_go_out_read_only():
    study = tw.create_study(sampler="random", seed=0)
    study.optimize(branching, 5)
    trials = study.trials
    for array in (trials.state, trials.values, trials.loss, trials.finished, trials.curves().value):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_where_keeps_numbers_and_hides_evidence():
    study = tw.create_study(sampler="random", seed=0)
    study.optimize(branching, 20)
    trials = study.trials
    mask = np.arange(20) % 2 == 0
    half = trials.where(mask)
    assert len(half) == 20
    assert set(half.finished.tolist()) <= set(range(0, 20, 2))
    assert half.best() % 2 == 0
    assert trials.best() == study.best_trial.number


def test_facts_about_unknown_trials_change_nothing():
    from tunewise.events import (
        Constrained,
        Noted,
        ParamsSet,
        Reported,
        TrialFinished,
        TrialQueued,
        TrialStarted,
    )
    from tunewise.records import TrialState

    trials = Trials()
    trials.apply_all([
        ParamsSet(3, {"x": 1.0}, {"x": tw.Float(0, 2)}, 0), Reported(3, 0, {"value": 1.0}, 0.0), Noted(3, {"a": 1}),
        Constrained(3, {"c": 1.0}), TrialFinished(3, TrialState.COMPLETE, (1.0,), None, 0.0),
        TrialQueued(5, {}, {}, 0.0), TrialStarted(5, "random", "w", 0.0),
    ])  # fmt: skip
    assert len(trials) == 0
    assert trials.best() is None


def test_the_first_start_and_the_first_finish_win():
    from tunewise.events import TrialFinished, TrialStarted
    from tunewise.records import TrialState

    trials = Trials()
    trials.apply_all([
        TrialStarted(0, "random", "first", 1.0), TrialStarted(0, "tpe", "second", 2.0),
        TrialFinished(0, TrialState.COMPLETE, (1.0,), None, 3.0), TrialFinished(0, TrialState.FAILED, None, "late", 4.0),
    ])  # fmt: skip
    record = trials[0]
    assert (record.worker, record.state.name, record.value, record.finished_at) == (
        "first",
        "COMPLETE",
        1.0,
        3.0,
    )


def test_a_joint_sample_without_parameters_is_no_sample():
    from tunewise.events import ParamsSet, TrialStarted

    trials = Trials()
    for number in range(2):
        trials.apply_all([TrialStarted(number, "random", "w", 1.0), ParamsSet(number, {}, {}, 0)])
    assert trials[1].params == {}
