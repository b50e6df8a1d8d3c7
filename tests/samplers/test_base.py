"""The laws that hold for every sampler of the house, whatever its method."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import tunewise as tw
from tunewise import samplers
from tunewise.dice import Dice
from tunewise.errors import SettingError
from tunewise.samplers.base import in_name_order
from tunewise.space import Space

RANK_BASED = [
    samplers.BruteForce(),
    samplers.CmaEs(population=5),
    samplers.Grid(n_each=3),
    samplers.NSGA2(population=5),
    samplers.NSGA3(population=5),
    samplers.PartialFixed({"depth": 2}, samplers.TPE(n_startup=4)),
    samplers.QMC(),
    samplers.QMC(kind="halton"),
    samplers.Random(),
    samplers.TPE(n_startup=4),
]
MODELS = [samplers.Auto(), samplers.GP(n_startup=4)]  # which cost more a trial
ALL = [*RANK_BASED, *MODELS]


def of(sampler):
    return pytest.mark.parametrize("sampler", sampler, ids=lambda s: f"{type(s).__name__}-{s.name}")


def without_continuum(space):
    """The same space for those samplers that need a finite one."""
    return space.replace(
        rate=tw.Categorical((1e-4, 1e-3, 1e-2, 0.1), ordered=True), momentum=tw.Float(0, 1, step=0.5)
    )


def points(sampler, space, loss, direction="minimize"):
    """Run a study and return its points, names sorted."""
    if isinstance(sampler, samplers.BruteForce):
        space = without_continuum(space)
    study = tw.create_study(sampler=sampler, seed=11, space=space, direction=direction)
    study.optimize(lambda trial: loss(trial.params), 9 if sampler in MODELS else 18)
    return [tuple(sorted(record.params.items())) for record in study.trials]


@of([each for each in ALL if not isinstance(each, samplers.BruteForce)])
def test_the_order_of_the_parameters_changes_nothing(sampler, mixed, loss):
    backwards = Space(dict(reversed(mixed.items())), mixed.when)
    assert points(sampler, mixed, loss) == points(sampler, backwards, loss)


@of(RANK_BASED)
def test_a_monotone_transform_of_the_loss_changes_nothing(sampler, mixed, loss):
    bent = points(sampler, mixed, lambda params: math.expm1(3 * loss(params)) - 50)
    assert points(sampler, mixed, loss) == bent


@of(ALL)
def test_maximising_is_minimising_the_negative(sampler, mixed, loss):
    up = points(sampler, mixed, lambda params: -loss(params), "maximize")
    assert points(sampler, mixed, loss) == up


@of(ALL)
def test_constant_parameters_keep_their_value(sampler, mixed, loss):
    for point in points(sampler, mixed, loss):
        params = dict(point)
        assert (params["fixed"], params["only"]) == (3.0, "it")
        assert mixed["depth"].contains(params["depth"])


@of(ALL)
def test_asking_writes_nothing_and_asking_again_gives_the_same(sampler, mixed, loss):
    space = without_continuum(mixed) if isinstance(sampler, samplers.BruteForce) else mixed
    study = tw.create_study(sampler=sampler, seed=3, space=space)
    study.optimize(lambda trial: loss(trial.params), 12)
    study.ask()
    trials, before = study.trials, repr(list(study.trials))
    dice = Dice(trials.seed)
    asked = [sampler.suggest(trials, space, 12, dice.stream(12, space.code)) for _ in range(2)]
    assert np.array_equal(*asked, equal_nan=True)
    assert repr(list(study.trials)) == before
    assert space.decode(asked[0]) == study.trials[12].params


@of([each for each in ALL if each.name not in ("brute_force", "grid")])
def test_values_that_cannot_be_compared_stop_nobody(sampler):
    """A range that changed, a choice that was added, a trial from elsewhere that has other parameters."""
    study = tw.create_study(sampler=sampler, seed=5)
    study.optimize(lambda t: t.suggest_float("x", 0, 1) + t.suggest_int("depth", 1, 4), 8)
    study.enqueue_trial({"z": 1.0})
    study.optimize(lambda t: t.suggest_float("x", 2, 5) + t.suggest_int("depth", 2, 9), 8)
    assert all(2 <= record.params["x"] <= 5 for record in list(study.trials)[8:])
    assert all(2 <= record.params["depth"] <= 9 for record in list(study.trials)[8:])


@dataclass(frozen=True)
class Places:
    """Suggests to every parameter its place among the sorted names."""

    name: ClassVar[str] = "places"

    @in_name_order
    def suggest(self, trials, space, number, rng):
        """The places themselves."""
        return np.arange(space.n_dims, dtype=np.float64)


def test_columns_find_their_way_back():
    space = Space({name: tw.Float(0, 9) for name in "cabd"})
    assert tw.create_study(sampler=Places(), space=space).ask().params == {"a": 0, "b": 1, "c": 2, "d": 3}


@of([samplers.CmaEs()])
def test_a_sampler_for_one_goal_refuses_several_in_a_sentence(sampler):
    study = tw.create_study(directions=["minimize", "maximize"], sampler=sampler)
    with pytest.raises(SettingError, match=r"'cmaes' needs one goal and this study has 2; use"):
        study.ask().suggest_float("x", 0, 1)
