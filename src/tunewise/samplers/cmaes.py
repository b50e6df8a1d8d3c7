"""CMA-ES as a function of the log: each population of finished trials moves a normal distribution.

Hansen, The CMA evolution strategy: a tutorial, arXiv:1604.00772 (its equation numbers below); the margin that keeps
discrete parameters alive: Hamano et al., arXiv:2205.13482; choices without order by a product of categorical
distributions with the margin of Hamano et al., arXiv:2405.09962; late and repaired points enter with bounded length:
Hansen, arXiv:1110.4181.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np

from tunewise.errors import SettingError
from tunewise.samplers._order import best_to_worst
from tunewise.samplers.base import require_one_goal
from tunewise.space import Space
from tunewise.stats.margin import with_margin
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray

_DRAWS = 32
_COLLAPSED = 1e-9


@dataclass(frozen=True)
class CmaEs:
    """Covariance matrix adaptation, for one goal and rather many trials (above 10 a parameter).

    Every ``population`` finished trials that this sampler started, in the order in which they finished, make one
    generation, so that any number of workers can take part. Diverged trials come last in their generation, violated
    constraints before them. Where the distribution has collapsed the search starts anew at a random place with
    twice the population (IPOP: Auger and Hansen, CEC 2005). A suggestion costs O(d^2), a generation O(d^3).

    Args:
        population: trials a generation; by default 4 + floor(3 ln d).
        sigma: the first standard deviation, as a share of each range.

    Raises:
        SettingError: a population below 2 or a sigma not above 0; (when used) several goals.
    """

    population: int | None = None
    sigma: float = 0.25
    name: ClassVar[str] = "cmaes"

    def __post_init__(self) -> None:
        if self.population is not None and self.population < 2:
            raise SettingError(f"The population is {self.population}; it must be at least 2.")
        if not self.sigma > 0:
            raise SettingError(f"sigma is {self.sigma}; it must be above 0.")

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """A draw from the distribution after the last whole generation."""
        require_one_goal(self, trials)
        axes = _axes_of(space)
        state = trials.fold(("cmaes", self, space), _begin(axes, self), _Learner(self, space))
        return space.mask(space.from_unit(_draw(state, axes, rng)))


@dataclass(frozen=True)
class _Learner:
    """The step of the fold: collect trials, and learn from each full generation."""

    sampler: CmaEs
    space: Space

    def __call__(self, state: _State, trials: Trials, number: int) -> _State:
        if trials.sampler_of(number) != self.sampler.name or trials.state[number] == 4:
            return state
        waiting = (*state.waiting, number)
        if len(waiting) < state.population:
            return replace(state, waiting=waiting)
        place = np.full(len(trials), len(trials), dtype=np.int64)
        order = best_to_worst(trials)
        place[order] = np.arange(len(order))
        rows = np.array(sorted(waiting, key=lambda row: (place[row], row)))
        X = self.space.to_unit(self.space.mask(trials.raw(self.space)[rows]))
        axes = _axes_of(self.space)
        learnt = _learn(state, X, axes)
        return _restarted(learnt, axes, self.sampler, trials.seed) if _has_collapsed(learnt, axes) else learnt
