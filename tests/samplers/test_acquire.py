"""Where a model-based sampler looks next: inside the space, and nowhere twice while something is left."""

import numpy as np
import pytest

import tunewise as tw
from tunewise.space import Space


def run(objective, n_trials, space, sampler="auto", seed=0):
    study = tw.create_study(sampler=sampler, seed=seed, space=space)
    study.optimize(objective, n_trials)
    return study


@pytest.mark.parametrize("seed", range(2))
def test_every_point_of_a_finite_space_is_tried_before_one_is_repeated(seed):
    """Beyond the first points, which a sequence chooses that knows nothing of the others."""
    space = Space(
        {"a": tw.Int(0, 3), "k": tw.Categorical(("x", "y")), "b": tw.Float(0, 1, step=0.5)},
        {"b": ("k", ["x"])},
    )
    study = run(lambda t: t.params["a"] + (t.params["k"] == "x"), 26, space, seed=seed)
    points = [tuple(t.params.items()) for t in study.trials]
    n_start = 4
    fresh = [point not in points[:i] for i, point in enumerate(points)]
    n_seen = len(set(points[:n_start]))
    assert all(fresh[n_start : n_start + 16 - n_seen])
    assert len(set(points)) == 16


def test_an_optimum_on_the_border_is_reached():
    space = Space({"x": tw.Float(0, 1), "y": tw.Float(1e-3, 1, log=True), "n": tw.Int(1, 50)})
    study = run(lambda t: t.params["x"] - t.params["y"] - t.params["n"] / 50, 35, space)
    assert study.best_params == {
        "x": pytest.approx(0, abs=0.02), "y": pytest.approx(1, rel=0.1), "n": pytest.approx(50, abs=2),
    }  # fmt: skip


def test_running_trials_are_not_proposed_again():
    space = Space({"a": tw.Int(0, 3), "k": tw.Categorical(("x", "y"))})
    study = run(lambda t: t.params["a"], 5, space)
    seen = {tuple(t.params.items()) for t in study.trials}
    asked = [tuple(study.ask().params.items()) for _ in range(8 - len(seen))]
    assert len(set(asked) | seen) == 8


def test_a_narrow_valley_is_followed():
    """The longer the study, the closer: the search around the best has no smallest step."""
    space = Space({"x": tw.Float(0, 1), "y": tw.Float(0, 1)})

    def valley(trial):
        return 100 * (trial.params["y"] - trial.params["x"]) ** 2 + (trial.params["x"] - 0.6) ** 2

    best = [run(valley, 40, space, seed=seed).trials.loss[:, 0] for seed in range(2)]
    assert np.median([loss.min() for loss in best]) < 1e-3
    assert all(loss.min() < 0.1 * loss[:12].min() for loss in best)
