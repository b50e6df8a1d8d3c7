"""What a sampler is: settings, and one pure function of the table."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Protocol, TypeVar

import numpy as np

from tunewise.errors import SettingError
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import FloatArray, IntArray

S = TypeVar("S")


class Sampler(Protocol):
    """A frozen dataclass of settings. The same table and random numbers always give the same suggestion.

    It keeps nothing: what it must remember is a function of the table, see ``Trials.memo`` and ``Trials.fold``. Those of the
    package have a class variable ``version``, raised with every change that gives another point after the same trials.
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


Predict = Callable[[Trials, Space, FloatArray], tuple[FloatArray, FloatArray]]
"""Mean and standard deviation (m,) of the first goal's loss at raw (m, d)."""
Suggest = Callable[[S, Trials, Space, int, np.random.Generator], FloatArray]


def of_what_varies(suggest: Suggest[S]) -> Suggest[S]:
    """Let ``suggest`` see the parameters that have more than one value, in the order of their sorted names.

    So neither the order of asking nor a constant parameter changes the points. A constant that a condition or a limit refers to
    is seen all the same.
    """

    @wraps(suggest)
    def varying(self: S, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        smaller, columns, constants = what_varies(space)
        raw = constants.copy()
        if len(smaller):
            raw[columns] = suggest(self, trials, smaller, number, rng)
        return space.mask(raw)

    return varying


@lru_cache(maxsize=256)
def what_varies(space: Space) -> tuple[Space, IntArray, FloatArray]:
    """The space that `of_what_varies` shows, its columns among those of ``space``, and raw (d,) with the values of the others."""
    referred = {parent for parent, _ in space.when.values()} | space.limits.names
    names = sorted(name for name, d in space.items() if d.n_values != 1 or name in referred)
    columns = np.array([space.names.index(name) for name in names], dtype=np.int64)
    raw = np.array([domain.values()[0] if domain.n_values == 1 else np.nan for domain in space.domains])
    return space.subset(names), columns, raw


def names_that_vary(trials: Trials) -> tuple[str, ...]:
    """Of the parameters that a study knows, in its order, those with more than one value. O(p)."""
    return tuple(name for name in trials.names if trials.domains[name].n_values != 1)


def in_name_order(suggest: Suggest[S]) -> Suggest[S]:
    """Let ``suggest`` see the parameters in the order of their sorted names, so that the order of asking changes nothing."""

    @wraps(suggest)
    def ordered(self: S, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        by_name, column = _by_name(space)
        return suggest(self, trials, by_name, number, rng)[column]

    return ordered


@lru_cache(maxsize=256)
def _by_name(space: Space) -> tuple[Space, IntArray]:
    """The space with sorted names, and where its columns are for the names as they were."""
    names = sorted(space.names)
    return space.subset(names), np.array([names.index(name) for name in space.names], dtype=np.int64)


def predict_by(sampler: Sampler) -> Predict:
    """What predicts by the surrogate of a sampler. Raises SettingError where it has none."""
    predict: Predict | None = getattr(sampler, "predict", None)
    if predict is None:
        raise SettingError(
            f'The sampler {sampler.name!r} has no surrogate that could predict; use "auto" or "gp".'
        )
    return predict


def require_one_goal(sampler: Sampler, trials: Trials) -> None:
    """Raises SettingError where the study has several goals."""
    if len(trials.goals) > 1:
        raise SettingError(
            f"The sampler {sampler.name!r} needs one goal and this study has {len(trials.goals)}; "
            'use "tpe", "nsga2", "nsga3", "qmc" or "random".'
        )
