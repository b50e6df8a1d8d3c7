"""Grid search: every point of a finite list once, in a shuffled order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from tunewise.errors import SearchExhausted, SettingError
from tunewise.space import Float, Space
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray

_LARGEST_GRID = 1_000_000


@dataclass(frozen=True)
class Grid:
    """The points of a grid in an order shuffled by the study's seed; any number of goals and workers.

    A trial's point is given by the number of trials that this sampler started before it, so that running trials count.
    The space should be declared, or have no conditions: a grid needs to know all parameters at once.

    Args:
        values: the values to try, by parameter. Parameters that are not named have all their values, or ``n_each``
            evenly spaced ones where they are continuous.
        n_each: points on each continuous axis that ``values`` does not name.

    Raises:
        SettingError: n_each below 1, an empty list of values, or (when used) a parameter the space has not or a
            grid of more than a million points.
        SpaceError: (when used) a value that its domain does not hold.
        SearchExhausted: (when used) every point has been visited.
    """

    values: Mapping[str, Sequence[Choice]] | None = None
    n_each: int = 5
    name: ClassVar[str] = "grid"

    def __post_init__(self) -> None:
        if self.n_each < 1:
            raise SettingError(f"n_each is {self.n_each}; a continuous axis needs at least 1 point.")
        for name, listed in (self.values or {}).items():
            if not len(listed):
                raise SettingError(
                    f"The grid has no values for {name!r}; list at least one, or leave the name out."
                )

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """The next point; ``rng`` is not used."""
        points = _shuffled(space, _frozen(space, self.values), self.n_each, trials.seed)
        index = trials.index_of_start(self.name, number)
        if index >= len(points):
            raise SearchExhausted(f"All {len(points)} points of the grid have been visited.")
        return np.asarray(points[index])


def _frozen(
    space: Space, values: Mapping[str, Sequence[Choice]] | None
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The listed values in raw coding, as something that can be a key."""
    listed = values or {}
    return tuple(
        (name, tuple(space[name].encode(v) for v in listed[name])) for name in space if name in listed
    )


@lru_cache(maxsize=32)
def _shuffled(
    space: Space, listed: tuple[tuple[str, tuple[float, ...]], ...], n_each: int, seed: int
) -> FloatArray:
    given = dict(listed)
    names = sorted(space)
    axes = [
        np.unique(given[name]) if name in given and name not in space.pins else _axis(space, name, n_each)
        for name in names
    ]
    total = int(np.prod([float(len(axis)) for axis in axes]))
    if total > _LARGEST_GRID:
        raise SettingError(f"The grid has {total} points, more than {_LARGEST_GRID}; list fewer values.")
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(total, len(names))
    points = space.mask(points[:, [names.index(name) for name in space.names]])
    if space.when:
        _, first = np.unique(points, axis=0, return_index=True, equal_nan=True)
        points = points[np.sort(first)]
    return np.random.Generator(np.random.Philox(key=seed)).permutation(points)


def _axis(space: Space, name: str, n_each: int) -> FloatArray:
    domain = space[name]
    if isinstance(domain, Float) and domain.n_values is None and name not in space.pins:
        return domain.from_unit(np.linspace(0.0, 1.0, n_each) if n_each > 1 else np.array([0.5]))
    return space.axis(name)
