"""Uniform random search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewise.samplers.base import of_what_varies
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import FloatArray


@dataclass(frozen=True)
class Random:
    """Every point uniform in the unit cube, whatever the results; any number of goals. O(d)."""

    name: ClassVar[str] = "random"
    version: ClassVar[int] = 1

    @of_what_varies
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """One uniform point."""
        return space.mask(space.from_unit(rng.random(space.n_dims)))
