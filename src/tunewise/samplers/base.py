"""What a sampler is: settings, and one pure function of the table."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import FloatArray


class Sampler(Protocol):
    """A frozen dataclass of settings. The same table and random numbers always give the same suggestion."""

    name: ClassVar[str]

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """Raw values (d,) for trial ``number``, in the order of ``space.names``; NaN where inactive.

        The rows of ``number`` and of other running trials are in the table already; the latter are pending.
        """
        ...
