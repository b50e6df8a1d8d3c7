"""What a sampler is: settings, and one pure function of the table."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tunewise.errors import SettingError
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import FloatArray


class Sampler(Protocol):
    """A frozen dataclass of settings. The same table and random numbers always give the same suggestion.

    It keeps nothing: what it must remember is a function of the table, see ``Trials.memo`` and ``Trials.fold``.
    """

    @property
    def name(self) -> str:
        """Under which its trials are found again by ``Trials.started_by``; for most samplers a class variable."""
        ...

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """Raw values (d,) for trial ``number``, in the order of ``space.names``; NaN where inactive.

        Points made by ``space.mask(space.from_unit(u))`` respect the space's conditions and pins.

        The rows of ``number`` and of other running trials are in the table already; the latter are pending.

        Raises:
            SettingError: this sampler cannot search such a study or space.
            SearchExhausted: there is nothing left to visit.
        """
        ...


def require_one_goal(sampler: Sampler, trials: Trials) -> None:
    """Raises SettingError where the study has several goals."""
    if len(trials.goals) > 1:
        raise SettingError(
            f"The sampler {sampler.name!r} needs one goal and this study has {len(trials.goals)}; "
            'use "tpe", "nsga2", "nsga3", "qmc" or "random".'
        )
