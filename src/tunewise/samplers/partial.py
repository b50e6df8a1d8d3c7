"""Some parameters held fixed, the others suggested by another sampler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tunewise.samplers import make
from tunewise.samplers.base import Sampler
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray


@dataclass(frozen=True)
class PartialFixed:
    """``base`` searches the space without the parameters ``fixed``, which always have the given value.

    Args:
        fixed: values by parameter name; names that an objective does not ask for have no effect.
        base: a sampler or its name.

    Raises:
        SpaceError: (when used) a fixed value that its domain does not hold.
    """

    fixed: Mapping[str, Choice]
    base: Sampler | str = "auto"

    @property
    def name(self) -> str:
        """The name of ``base``, which finds its own trials by it."""
        return make(self.base).name

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """The base sampler's point of the free parameters, and the fixed ones."""
        raw = np.full(space.n_dims, np.nan)
        column = {name: j for j, name in enumerate(space.names)}
        free = [name for name in space.names if name not in self.fixed]
        for name in set(space.names) - set(free):
            raw[column[name]] = space[name].encode(self.fixed[name])
        if free:
            raw[[column[name] for name in free]] = make(self.base).suggest(
                trials, space.subset(free), number, rng
            )
        return space.mask(raw)
