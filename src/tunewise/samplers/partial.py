"""Some parameters held fixed, the others suggested by another sampler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewise.samplers import make
from tunewise.samplers.base import Sampler, predict_by
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray


@dataclass(frozen=True)
class PartialFixed:
    """``base`` searches the space without the parameters ``fixed``, which have the given value (unless the queue has another).

    Args:
        fixed: values by parameter name; names that an objective does not ask for have no effect.
        base: a sampler or its name.

    Raises:
        SpaceError: (when used) a fixed value that its domain does not hold.
    """

    fixed: Mapping[str, Choice]
    base: Sampler | str = "auto"
    version: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """The name of ``base``, which finds its own trials by it."""
        return make(self.base).name

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """The base sampler's point with the fixed values."""
        fixed = {name: value for name, value in self.fixed.items() if name in space}
        return make(self.base).suggest(trials, space.pinned({**fixed, **space.pins}), number, rng)

    def predict(self, trials: Trials, space: Space, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What ``base`` expects, at fixed and other values alike. Raises SettingError where it has no surrogate."""
        return predict_by(make(self.base))(trials, space, raw)
