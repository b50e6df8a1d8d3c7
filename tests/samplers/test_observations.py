"""What a model learns from: results, pruned curves, divergence and constraints, but not from crashes."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.space import Space

SPACE = Space({"x": tw.Float(0, 1), "y": tw.Float(0, 1)})


def bowl(trial):
    return (trial.params["x"] - 0.3) ** 2 + (trial.params["y"] - 0.6) ** 2


def run(objective, n_trials=36, seed=0, catch=(), **settings):
    study = tw.create_study(sampler="auto", seed=seed, **{"space": SPACE, **settings})
    study.optimize(objective, n_trials, catch=catch)
    return study


def late(study, name="x"):
    return np.array([t.params[name] for t in list(study.trials)[len(study.trials) // 2 :]])


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_pruned_trials_are_learnt_from(direction):
    """Nearly all are pruned, and only their last reports say where to go."""
    sign = 1 if direction == "minimize" else -1

    def objective(trial):
        trial.report(sign * (bowl(trial) + 1), 0)
        trial.report(sign * bowl(trial), 5)
        if trial.number % 8:
            raise tw.TrialPruned
        return sign * bowl(trial)

    study = run(objective, direction=direction)
    assert np.median([bowl(t) for t in list(study.trials)[18:]]) < 0.03  # 0.13 at random


def test_diverged_trials_are_learnt_from():
    def objective(trial):
        return math.nan if trial.params["x"] > 0.6 else -trial.params["x"]

    studies = [run(objective, seed=seed) for seed in range(2)]
    assert np.mean([(late(study) > 0.6).mean() for study in studies]) < 0.3
    assert all(study.best_value < -0.55 for study in studies)


def test_crashes_say_nothing():
    """The optimum lies where every second trial crashes, and is sought there all the same."""

    def objective(trial):
        if trial.params["x"] < 0.5 and trial.number % 2:
            raise ValueError
        return bowl(trial)

    study = run(objective, catch=ValueError)
    assert np.median(np.abs(late(study) - 0.3)) < 0.12
    assert study.best_value < 0.01


def test_constraints_are_learnt_from():
    def objective(trial):
        trial.set_constraints({"c": 0.5 - trial.params["x"]})
        return trial.params["x"] + trial.params["y"]

    study = run(objective)
    assert study.best_value < 0.65
    assert (late(study) > 0.45).mean() > 0.6


def test_results_from_elsewhere_are_learnt_from():
    source = tw.create_study(sampler="random", seed=1, space=SPACE)
    source.optimize(bowl, 40)
    study = tw.create_study(sampler="auto", seed=0, space=SPACE)
    for record in source.trials:
        study.add_trial(record)
    assert np.median([bowl(study.ask()) for _ in range(5)]) < 0.05


def test_the_order_in_which_results_arrive_is_that_of_the_log():
    """Two workers ask and tell in turns; a third who reads the log later would suggest the same."""
    study = tw.create_study(sampler="auto", seed=0, space=SPACE)
    waiting = []
    for number in range(14):
        waiting.append(study.ask())
        if number % 3 == 2:
            for trial in reversed(waiting):
                study.tell(trial, bowl(trial))
            waiting.clear()
    other = tw.load_study(study.name, study.storage)
    copy = tw.copy_study(study.name, study.storage, None, "copy")
    assert other.ask().params == copy.ask().params
