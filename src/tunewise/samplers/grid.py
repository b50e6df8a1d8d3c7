"""Grid search: every point of a finite list once, in a shuffled order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np

from tunewise.errors import SearchExhausted, SettingError
from tunewise.records import TrialState
from tunewise.samplers.base import in_name_order
from tunewise.space import Float, Space
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray, IntArray

_LARGEST_GRID = 1_000_000


@dataclass(frozen=True)
class Grid:
    """The points of a grid in an order shuffled by the study's seed; any number of goals and workers.

    A trial takes the first point that no other trial holds; running trials of lower numbers that hold none yet go first.
    The space should be declared, or have no conditions: a grid needs to know all parameters at once. Where the objective
    shows them only as it runs, workers that begin together may take the same point. A suggestion costs O(n d + points).

    Args:
        values: the values to try, by parameter. Parameters that are not named have all their values, or ``n_each``
            evenly spaced ones where they are continuous.
        n_each: points on each continuous axis that ``values`` does not name.

    Raises:
        SettingError: n_each below 1, an empty list of values, or (when used) a parameter that the declared space has
            not, or a grid of more than a million points.
        SpaceError: (when used) a value that its domain does not hold.
        SearchExhausted: (when used) every point has been visited.
    """

    values: Mapping[str, Sequence[Choice]] | None = None
    n_each: int = 5
    name: ClassVar[str] = "grid"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.n_each < 1:
            raise SettingError(f"n_each is {self.n_each}; a continuous axis needs at least 1 point.")
        for name, listed in (self.values or {}).items():
            if not len(listed):
                raise SettingError(
                    f"The grid has no values for {name!r}; list at least one, or leave the name out."
                )

    @in_name_order
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """The next point; ``rng`` is not used."""
        self._check_names(trials)
        lattice = _lattice(space, _frozen(space, self.values), self.n_each, trials.seed)
        raw = trials.raw(space)
        incomplete = np.asarray((space.active(raw) & np.isnan(raw)).any(axis=1))
        holding = ~incomplete & (np.arange(len(trials)) != number)
        free = lattice.order[~np.isin(lattice.order, lattice.places(space, raw[holding]))]
        started = trials.started_by(self.name)
        before = started[: trials.index_of_start(self.name, number)]
        n_ahead = np.count_nonzero(incomplete[before] & (trials.state[before] == TrialState.RUNNING))
        n_left = len(free) - n_ahead if trials.info.space is not None else len(free)
        if n_left <= 0 and _is_all(trials, space, number):
            raise SearchExhausted(f"All {len(lattice.order)} points of the grid have been visited.")
        free = free if len(free) else lattice.order
        return lattice.point(space, int(free[n_ahead % len(free)]))

    def _check_names(self, trials: Trials) -> None:
        declared = trials.info.space
        unknown = [name for name in self.values or () if declared is not None and name not in declared]
        if unknown:
            raise SettingError(
                f"The grid lists values for {unknown}, which the declared space does not have; leave them out."
            )


def _is_all(trials: Trials, space: Space, number: int) -> bool:
    """Whether ``space`` is all that there is to visit, and not a part that is asked for first or left by the queue."""
    if trials.fixed_params(number):
        return False
    if trials.info.space is None and not trials.n_finished:
        return False
    groups = trials.structure().groups or (trials.names,)
    return all(set(group) <= set(space) or set(group).isdisjoint(space) for group in groups)


class _Lattice(NamedTuple):
    """The levels of each axis, and the different points as flat indices into their product."""

    axes: tuple[FloatArray, ...]  # raw values, ascending
    order: IntArray  # shuffled; an inactive parameter is at its level 0

    @property
    def shape(self) -> tuple[int, ...]:
        """How many levels each axis has."""
        return tuple(len(axis) for axis in self.axes)

    def point(self, space: Space, place: int) -> FloatArray:
        """The raw point (d,) at a flat index."""
        levels = np.unravel_index(place, self.shape)
        return space.mask(np.array([axis[i] for axis, i in zip(self.axes, levels, strict=True)]))

    def places(self, space: Space, raw: FloatArray) -> IntArray:
        """The flat indices of those rows of raw (n, d) that are points of the lattice."""
        inactive = ~space.active(raw)
        levels = np.zeros(raw.shape, dtype=np.int64)
        for j, axis in enumerate(self.axes):
            levels[:, j] = np.minimum(np.searchsorted(axis, raw[:, j]), len(axis) - 1)
        on_axis = np.stack([axis[levels[:, j]] for j, axis in enumerate(self.axes)], axis=1) == raw
        return _flat(np.where(inactive, 0, levels)[(on_axis | inactive).all(axis=1)], self.shape)


def _frozen(
    space: Space, values: Mapping[str, Sequence[Choice]] | None
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The listed values in raw coding, as something that can be a key."""
    listed = values or {}
    return tuple(
        (name, tuple(space[name].encode(v) for v in listed[name])) for name in space if name in listed
    )


@lru_cache(maxsize=32)
def _lattice(
    space: Space, listed: tuple[tuple[str, tuple[float, ...]], ...], n_each: int, seed: int
) -> _Lattice:
    given = dict(listed)
    axes = tuple(
        np.unique(given[name]) if name in given and name not in space.pins else _axis(space, name, n_each)
        for name in space
    )
    shape = tuple(len(axis) for axis in axes)
    total = math.prod(shape)
    if total > _LARGEST_GRID:
        raise SettingError(f"The grid has {total} points, more than {_LARGEST_GRID}; list fewer values.")
    places = np.arange(total)
    if space.when or space.has_limits:
        levels = np.stack(np.unravel_index(places, shape), axis=1)
        raw = np.stack([axis[levels[:, j]] for j, axis in enumerate(axes)], axis=1)
        levels = np.where(space.active(raw), levels, 0)[space.allowed(space.mask(raw))]
        places = np.unique(_flat(levels, shape))
    return _Lattice(axes, np.random.Generator(np.random.Philox(key=seed)).permutation(places))


def _flat(levels: IntArray, shape: tuple[int, ...]) -> IntArray:
    return np.asarray(np.ravel_multi_index(tuple(levels.T), shape), dtype=np.int64)


def _axis(space: Space, name: str, n_each: int) -> FloatArray:
    domain = space[name]
    if isinstance(domain, Float) and domain.n_values is None and name not in space.pins:
        return domain.from_unit(np.linspace(0.0, 1.0, n_each) if n_each > 1 else np.array([0.5]))
    return space.axis(name)
