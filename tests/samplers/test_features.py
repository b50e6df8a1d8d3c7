"""How parameters look to a model: scales, orders and names of choices must not matter, neighbours must."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.space import Space


def best(objective, space, n_trials=30, seeds=2):
    values = []
    for seed in range(seeds):
        study = tw.create_study(sampler="auto", seed=seed, space=space)
        study.optimize(lambda trial: objective(trial.params), n_trials)
        values.append(study.best_value)
    return float(np.median(values))


def trace(objective, space, n_trials=14):
    """The points in the unit cube, names sorted."""
    study = tw.create_study(sampler="auto", seed=2, space=space)
    study.optimize(lambda trial: objective(trial.params), n_trials)
    return study.trials.unit(space)[0]


def test_a_range_has_no_unit():
    """The same loss over the unit interval and over eight of them: the same points (a power of two rounds alike)."""
    near = trace(lambda p: (p["x"] - 0.3) ** 2 + p["y"], Space({"x": tw.Float(0, 1), "y": tw.Float(0, 1)}))
    far = trace(lambda p: (p["x"] / 8 - 0.3) ** 2 + p["y"], Space({"x": tw.Float(0, 8), "y": tw.Float(0, 1)}))
    assert near == pytest.approx(far, abs=1e-6)


def test_choices_have_no_names():
    def renamed(names):
        space = Space({"k": tw.Categorical(names), "x": tw.Float(0, 1)})
        return trace(lambda p: (p["k"] != names[1]) + (p["x"] - 0.7) ** 2, space)

    assert renamed(("a", "b", "c")) == pytest.approx(renamed((None, 7, True)))


def test_a_log_scale_is_searched_on_its_scale():
    space = Space({"lr": tw.Float(1e-6, 1, log=True), "n": tw.Int(1, 4096, log=True)})
    assert best(lambda p: (math.log10(p["lr"]) + 4) ** 2 + (math.log2(p["n"]) - 3) ** 2, space) < 0.05


def test_unordered_choices_are_no_numbers():
    """The best of seven choices lies between the two worst."""
    cost = dict(zip("abcdefg", (4, 2, 5, 0, 5, 3, 1), strict=True))
    space = Space({"k": tw.Categorical(tuple(cost)), "x": tw.Float(0, 1)})
    assert best(lambda p: cost[p["k"]] + (p["x"] - 0.2) ** 2, space) < 0.01


def test_ordered_choices_and_whole_numbers_have_neighbours():
    """Thirty trials among 2,500 points are enough where the loss is smooth."""
    sizes = tuple(range(1, 51))
    space = Space({"o": tw.Categorical(sizes, ordered=True), "n": tw.Int(1, 50)})
    assert best(lambda p: ((p["o"] - 37) ** 2 + (p["n"] - 11) ** 2) / 625, space, 25) < 0.02
