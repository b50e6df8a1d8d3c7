"""A study with every kind of ending, for the trackers."""

import pytest

import tunewise as tw


def objective(trial):
    x = trial.suggest_float("x", 0.0, 1.0)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    for step in range(1, 4):
        trial.report({"loss": x + 1 / step, "train/loss@1": x}, step)
    if trial.number == 1:
        trial.mark_infeasible("the loss became NaN")
    if trial.number == 2:
        raise tw.TrialPruned
    return x + (kind == "b")


@pytest.fixture
def run_study():
    """A function (callback) -> the study after three trials: complete, infeasible, pruned."""

    def run(callback):
        study = tw.create_study("tracked", goals={"loss": "minimize"}, sampler="random", seed=0)
        study.optimize(objective, n_trials=3, callbacks=[callback])
        return study

    return run
