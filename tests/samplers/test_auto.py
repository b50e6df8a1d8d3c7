"""What the default promises, whatever method it chooses: read through the public interface alone."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.samplers import Auto


def run(objective, n_trials, seed=0, sampler="auto", **settings):
    study = tw.create_study(sampler=sampler, seed=seed, **settings)
    study.optimize(objective, n_trials)
    return study


def test_it_beats_random_search_on_a_space_with_everything(mixed, loss):
    def median(sampler):
        return np.median(
            [run(lambda t: loss(t.params), 35, seed, sampler, space=mixed).best_value for seed in range(3)]
        )

    assert median("auto") < 0.3 * median("random")


@pytest.mark.parametrize("n_model", [0, 500])
def test_a_study_goes_on_where_it_stopped(tmp_path, n_model):
    """The same points, whether it ran in one piece or was loaded again in between."""
    sampler = Auto(n_model=n_model)
    space = tw.Space({"x": tw.Float(0, 1), "k": tw.Categorical(("a", "b", "c"))})

    def objective(trial):
        return trial.params["x"] ** 2 + (trial.params["k"] != "b")

    whole = run(objective, 18, 1, sampler, space=space)
    run(objective, 9, 1, sampler, space=space, study_name="s", storage=tmp_path / "s.db")
    again = tw.load_study("s", tmp_path / "s.db")
    assert again.sampler == sampler
    again.optimize(objective, 9)
    assert [t.params for t in again.trials] == [t.params for t in whole.trials]


def test_the_better_half_of_a_conditional_space_is_explored():
    def objective(trial):
        if trial.suggest_categorical("opt", ["sgd", "adam"]) == "sgd":
            return 1 + (trial.suggest_float("momentum", 0, 1) - 0.9) ** 2
        return abs(math.log10(trial.suggest_float("beta", 1e-4, 1, log=True)) + 2)

    study = run(objective, 40)
    assert study.best_params["opt"] == "adam"
    assert study.best_value < 0.1
    assert [t.params["opt"] for t in list(study.trials)[20:]].count("adam") > 12
