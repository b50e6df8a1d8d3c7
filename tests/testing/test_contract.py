"""The contract holds for every sampler of the house, and catches samplers that break it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given

from tunewise import samplers
from tunewise.testing import check_sampler, spaces

FREE = ["Auto", "GP", "TPE", "CmaEs", "QMC", "Random", "NSGA2", "NSGA3"]


@pytest.mark.parametrize("name", FREE)
def test_samplers_keep_the_contract(name):
    check_sampler(getattr(samplers, name))


@pytest.mark.parametrize("name", ["Grid", "BruteForce"])
def test_finite_searches_keep_the_contract(name):
    check_sampler(getattr(samplers, name), finite_only=True)


def test_a_partly_fixed_sampler_keeps_its_values():
    sampler = samplers.PartialFixed({"n": 2}, samplers.Random())
    check_sampler(lambda: sampler)


@dataclass(frozen=True)
class Outside:
    name: ClassVar[str] = "outside"

    def suggest(self, trials, space, number, rng):
        return np.full(space.n_dims, np.nan)


@dataclass(frozen=True)
class Moody:
    name: ClassVar[str] = "moody"

    def suggest(self, trials, space, number, rng):
        return space.sample(np.random.default_rng(), 1)[0]


@pytest.mark.parametrize("broken", [Outside, Moody])
def test_a_broken_sampler_is_caught(broken):
    with pytest.raises(AssertionError):
        check_sampler(broken)


@given(spaces())
def test_drawn_spaces_are_usable(space):
    raw = space.sample(np.random.default_rng(0), 5)
    for row in raw:
        assert set(space.decode(row)) == set(space)
