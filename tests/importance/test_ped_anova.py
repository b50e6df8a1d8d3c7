"""Importances against planted truth, and what must not change them."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.importance import ped_anova

SPACE = tw.Space({"a": tw.Float(0, 1), "b": tw.Categorical(("x", "y", "z")), "c": tw.Float(0, 1)})


def table(loss, n=120, seed=0):
    tw.logging.set_verbosity(50)
    study = tw.create_study(sampler="qmc", seed=seed, space=SPACE)
    study.optimize(lambda t: loss(t.params), n)
    return study.trials


def test_what_matters_is_found():
    shares = ped_anova(table(lambda p: (p["a"] - 0.3) ** 2 + 0.02 * (p["b"] == "x")), SPACE)
    assert next(iter(shares)) == "a"
    assert shares["c"] < 0.1
    assert sum(shares.values()) == pytest.approx(1)


def test_only_ranks_matter():
    loss = lambda p: p["a"] + 0.5 * (p["b"] == "y")  # noqa: E731
    assert ped_anova(table(loss), SPACE) == ped_anova(table(lambda p: math.exp(5 * loss(p))), SPACE)


def test_the_order_of_parameters_changes_nothing():
    trials = table(lambda p: p["a"] ** 2 + p["c"])
    other = tw.Space({name: SPACE[name] for name in ("c", "b", "a")})
    assert ped_anova(trials, SPACE) == ped_anova(trials, other)


def test_divergence_counts_as_worst_and_few_trials_say_nothing():
    trials = table(lambda p: math.nan if p["c"] > 0.5 else float(np.sin(900 * p["a"])))
    assert next(iter(ped_anova(trials, SPACE))) == "c"
    assert set(ped_anova(table(lambda p: p["a"], n=5), SPACE).values()) == {1 / 3}
