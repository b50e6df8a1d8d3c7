"""NSGA-II: Deb, Pratap, Agarwal and Meyarivan, IEEE Trans. Evol. Comp. 6(2), 2002."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewise.errors import SettingError
from tunewise.samplers._evolution import child, first_point, parents_of
from tunewise.samplers._tried import untried
from tunewise.samplers.base import of_what_varies
from tunewise.space import Space
from tunewise.stats.pareto import best_first
from tunewise.trials import Trials
from tunewise.types import FloatArray, IntArray


@dataclass(frozen=True)
class NSGA2:
    """A genetic algorithm for one to three goals and many trials; any kind of space.

    Survivors are chosen by non-domination and crowding; trials that violate constraints come after all others, those
    without values (diverged, pruned) last. Only the order of the losses and the distances on a front matter. A
    suggestion costs O(d), a generation O(population^2).

    Args:
        population: trials a generation and survivors; the first generation is a Sobol sequence.

    Raises:
        SettingError: a population below 2.
    """

    population: int = 50
    name: ClassVar[str] = "nsga2"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.population < 2:
            raise SettingError(f"The population is {self.population}; it must be at least 2.")

    @of_what_varies
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """A child of two parents, each the better of two drawn at random."""
        return untried(trials, space, number, self._point(trials, space, number, rng)[None], rng)

    def _point(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        parents = parents_of(trials, self.name, self.population, survivors)
        X, rows = trials.unit(space)
        here = parents[np.isin(parents, rows)]
        if len(here) < 2:
            return first_point(trials, space, self.name, number)
        pairs = np.sort(rng.integers(len(here), size=(2, 2)), axis=1)
        one, other = X[np.searchsorted(rows, here[pairs[:, 0]])]
        return child(space, one, other, rng)


def survivors(loss: FloatArray, violation: FloatArray, size: int) -> IntArray:
    """Rows of the ``size`` best, in order of rank and crowding."""
    return best_first(loss, violation, enough=size)[:size]
