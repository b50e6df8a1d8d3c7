"""Which laws which sampler keeps; and that a law is broken by a sampler that does not keep it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from tunewise import samplers
from tunewise.testing import SAMPLER_LAWS
from tunewise.testing.laws import (
    a_constant_parameter_changes_nothing,
    the_order_of_parameters_changes_nothing,
    the_same_seed_gives_the_same_points,
    the_sign_of_the_loss_changes_nothing,
    the_unit_and_the_zero_of_the_loss_change_nothing,
)

SAMPLERS = [
    samplers.Auto(),
    samplers.Auto(n_model=6),
    samplers.BruteForce(),
    samplers.CmaEs(population=4),
    samplers.GP(n_startup=4),
    samplers.Grid(n_each=3),
    samplers.NSGA2(population=4),
    samplers.NSGA3(population=4),
    samplers.PartialFixed({"n": 2}, samplers.TPE(n_startup=4)),
    samplers.QMC(),
    samplers.QMC(kind="halton"),
    samplers.Random(),
    samplers.TPE(n_startup=4),
]
MODELS = (samplers.Auto, samplers.GP)  # a suggestion costs more


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
@pytest.mark.parametrize("law", SAMPLER_LAWS, ids=lambda law: law.__name__)
def test_every_sampler_keeps_the_laws(law, sampler):
    is_brute = isinstance(sampler, samplers.BruteForce)
    if is_brute and law is the_order_of_parameters_changes_nothing:
        with pytest.raises(AssertionError):  # its tree has the parameters in the order in which they were met
            law(lambda: sampler, finite_only=True)
        return
    law(lambda: sampler, finite_only=is_brute, n_trials=10 if isinstance(sampler, MODELS) else 16)


@dataclass(frozen=True)
class Naive:
    """Draws for each parameter in turn, and follows the size of the loss."""

    name: ClassVar[str] = "naive"

    def suggest(self, trials, space, number, rng):
        last = trials.loss[number - 1, 0] if number else 1.0
        return space.mask(space.from_unit((rng.random(space.n_dims) + last) % 1.0))


@dataclass(frozen=True)
class Moody:
    name: ClassVar[str] = "moody"

    def suggest(self, trials, space, number, rng):
        return space.sample(np.random.default_rng(), 1)[0]


@dataclass(frozen=True)
class Stubborn:
    """One point for ever, which looks at the direction."""

    name: ClassVar[str] = "stubborn"

    def suggest(self, trials, space, number, rng):
        return space.mask(space.from_unit(np.full(space.n_dims, 0.1 if trials.goals[0].sign > 0 else 0.9)))


@pytest.mark.parametrize(
    ("law", "broken"),
    [
        (the_same_seed_gives_the_same_points, Moody),
        (the_same_seed_gives_the_same_points, Stubborn),
        (the_order_of_parameters_changes_nothing, Naive),
        (a_constant_parameter_changes_nothing, Naive),
        (the_unit_and_the_zero_of_the_loss_change_nothing, Naive),
        (the_sign_of_the_loss_changes_nothing, Stubborn),
    ],
)
def test_a_sampler_that_breaks_a_law_is_caught(law, broken):
    with pytest.raises(AssertionError):
        law(broken)
