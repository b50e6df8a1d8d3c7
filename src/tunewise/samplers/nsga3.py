"""NSGA-III: Deb and Jain, IEEE Trans. Evol. Comp. 18(4), 2014."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewise.errors import SettingError
from tunewise.samplers._evolution import child, first_point, parents_of
from tunewise.samplers._tried import untried
from tunewise.samplers.base import of_what_varies
from tunewise.space import Space
from tunewise.stats.pareto import ranks, reference_directions, subtractable
from tunewise.trials import Trials
from tunewise.types import FloatArray, IntArray

_OFF_AXIS = 1e6
_LEAST_RANGE = 1e-12


@dataclass(frozen=True)
class NSGA3:
    """A genetic algorithm for three and more goals and many trials; any kind of space.

    As `NSGA2`, except that on the last front that survives those are taken that serve reference directions (evenly
    spread over the simplex, about as many as the population) which have the fewest survivors.

    Args:
        population: trials a generation and survivors; the first generation is a Sobol sequence.

    Raises:
        SettingError: a population below 2.
    """

    population: int = 50
    name: ClassVar[str] = "nsga3"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.population < 2:
            raise SettingError(f"The population is {self.population}; it must be at least 2.")

    @of_what_varies
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """A child of two parents drawn at random."""
        return untried(trials, space, number, self._point(trials, space, number, rng)[None], rng)

    def _point(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        parents = parents_of(trials, self.name, self.population, survivors)
        X, rows = trials.unit(space)
        here = parents[np.isin(parents, rows)]
        if len(here) < 2:
            return first_point(trials, space, self.name, number)
        one, other = X[np.searchsorted(rows, rng.choice(here, 2, replace=False))]
        return child(space, one, other, rng)


def survivors(loss: FloatArray, violation: FloatArray, size: int) -> IntArray:
    """Rows of the ``size`` that survive: whole fronts, then the last one by niches (algorithms 1-4)."""
    rank = ranks(loss, violation, enough=size)
    order = np.argsort(rank, kind="stable")
    last = rank[order[size - 1]]
    sure, open_rows = order[rank[order] < last], order[rank[order] == last]
    if (
        len(sure) + len(open_rows) == size
        or np.isnan(loss[open_rows]).any()
        or (violation[open_rows] > 0).any()
    ):
        return order[:size]
    directions = reference_directions(loss.shape[1], size)
    scaled = _normalised(loss[np.concatenate([sure, open_rows])])
    niche, distance = _nearest(scaled, directions)
    counts = np.bincount(niche[: len(sure)], minlength=len(directions))
    taken = _fill(counts, niche[len(sure) :], distance[len(sure) :], size - len(sure))
    return np.concatenate([sure, open_rows[taken]])


def _normalised(Y: FloatArray) -> FloatArray:
    """Losses from the ideal point in units of the intercepts of the plane through the extreme points (algorithm 2).

    The extreme points are sought in units of the ranges, so that the losses' own units do not matter.
    """
    Y = subtractable(Y)
    Y = Y - Y.min(axis=0)
    width = Y.max(axis=0)
    Y = Y / np.where(width > 0, width, 1.0)
    m = Y.shape[1]
    weights = np.where(np.eye(m) > 0, 1.0, _OFF_AXIS)
    extreme = Y[np.argmin((Y[:, None, :] * weights).max(axis=2), axis=0)]
    try:
        intercepts = 1.0 / np.linalg.solve(extreme, np.ones(m))
    except np.linalg.LinAlgError:
        intercepts = np.full(m, np.nan)
    if not (np.isfinite(intercepts) & (intercepts > _LEAST_RANGE)).all():
        intercepts = Y.max(axis=0)
    return np.asarray(Y / np.maximum(intercepts, _LEAST_RANGE))


def _nearest(Y: FloatArray, directions: FloatArray) -> tuple[IntArray, FloatArray]:
    """The direction nearest to each point by perpendicular distance, and that distance (algorithm 3)."""
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    along = Y @ unit.T
    squares = np.maximum((Y * Y).sum(axis=1)[:, None] - along**2, 0.0)
    niche = np.argmin(squares, axis=1)
    return niche, np.sqrt(squares[np.arange(len(Y)), niche])


def _fill(counts: IntArray, niche: IntArray, distance: FloatArray, n: int) -> IntArray:
    """n points: again and again, of the emptiest niche that has candidates, the one nearest to it (algorithm 4)."""
    counts = counts.copy()
    waiting = [list(np.flatnonzero(niche == k)[np.argsort(distance[niche == k])]) for k in range(len(counts))]
    taken: list[int] = []
    while len(taken) < n:
        k = min((k for k in range(len(counts)) if waiting[k]), key=counts.__getitem__)
        taken.append(int(waiting[k].pop(0)))
        counts[k] += 1
    return np.array(taken, dtype=np.int64)
