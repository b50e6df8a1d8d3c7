"""Quasi-random search: trial by trial along one scrambled low-discrepancy sequence.

The index of a trial's point is the number of trials that this sampler started before it, so that any number of
workers, stops and restarts walk along the sequence without a gap or a repetition.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import ClassVar

import numpy as np

from tunewise.errors import SettingError
from tunewise.samplers.base import names_that_vary, of_what_varies
from tunewise.space import Space
from tunewise.stats.quasirandom import SOBOL_DIMS, Points, halton, sobol
from tunewise.trials import Trials
from tunewise.types import FloatArray


@dataclass(frozen=True)
class QMC:
    """Points of a Sobol or Halton sequence; non-adaptive, any number of goals. O(d) a suggestion.

    Args:
        kind: "sobol" or "halton". Beyond 256 parameters Sobol points are not known, and Halton points are taken.
        scramble: randomise the sequence by the study's seed and the parameters' names, so that replicated studies
            are independent. Without it all studies see the same points, the first of which is a corner of the box.

    Coordinates belong to the parameters in the order of their sorted names; where an objective decides as it
    runs which parameters it asks for, in the order in which the study met the names.

    Raises:
        SettingError: an unknown kind.
    """

    kind: str = "sobol"
    scramble: bool = True
    name: ClassVar[str] = "qmc"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.kind not in ("sobol", "halton"):
            raise SettingError(f'The kind of sequence is {self.kind!r}; it must be "sobol" or "halton".')

    @of_what_varies
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """The next point of the sequence; ``rng`` is not used."""
        index = trials.index_of_start(self.name, number)
        seed = trials.seed if self.scramble else None
        return space.mask(space.from_unit(sequence(self.kind, trials, space, seed)(np.array([index]))[0]))


def sequence(kind: str, trials: Trials, space: Space, seed: int | None) -> Points:
    """`points_of` a space in a study; constants take no coordinate."""
    return points_of(kind, seed, space.names, names_that_vary(trials))


@lru_cache(maxsize=256)
def points_of(kind: str, seed: int | None, names: tuple[str, ...], known: tuple[str, ...] = ()) -> Points:
    """The sequence (k,) -> (k, d) for parameters ``names``, one column a name, in a study that knows ``known``.

    ``seed`` None means not scrambled.
    """
    dims = _coordinates(names, known)
    draw = sobol if kind == "sobol" and max(dims, default=0) < SOBOL_DIMS else halton
    if seed is None:
        return draw(dims)
    by_name = sorted(range(len(names)), key=names.__getitem__)
    column = np.argsort(by_name)
    text = json.dumps([kind, seed, sorted(names)])
    key = int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "little")
    points = draw([dims[j] for j in by_name], np.random.Generator(np.random.Philox(key=key)))
    return lambda index: points(index)[:, column]


def _coordinates(names: Sequence[str], known: Sequence[str]) -> list[int]:
    """Which coordinate of the sequence each name takes."""
    if set(known) <= set(names):
        order = sorted(names)
    else:
        order = [*known, *sorted(set(names) - set(known))]
    return [order.index(name) for name in names]
