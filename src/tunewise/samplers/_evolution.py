"""What the genetic algorithms share: a population that is a fold of the log, and children made from it.

Each ``size`` finished trials that the sampler started, in the order in which they finished, are one generation; so any
number of workers can take part, and a restart goes on where the log ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tunewise.records import TrialState
from tunewise.samplers.qmc import sequence
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray

Selection = Callable[[FloatArray, FloatArray, int], IntArray]
"""(loss (n, m), violation (n,), size) -> the rows that survive, best first; a violation is inf without a loss."""

_CROSSOVER_SHARE = 0.9
_CROSSOVER_ETA = 15.0
_MUTATION_ETA = 20.0


class _Population(NamedTuple):
    """Trial numbers; never changed in place, as `Trials.fold` requires."""

    parents: tuple[int, ...]  # best first
    children: tuple[int, ...]  # finished, not yet selected from


def parents_of(trials: Trials, sampler: str, size: int, select: Selection) -> IntArray:
    """Numbers of the present parents, best first; none before the first ``size`` trials have finished."""

    def step(population: _Population, table: Trials, number: int) -> _Population:
        if table.sampler_of(number) != sampler or table.state[number] == TrialState.FAILED:
            return population
        children = (*population.children, number)
        if len(children) < size:
            return population._replace(children=children)
        rows = np.array([*population.parents, *children])
        loss = table.loss[rows]
        violation = np.where(np.isnan(loss).any(axis=1), np.inf, table.violation[rows])
        return _Population(tuple(rows[select(loss, violation, size)].tolist()), ())

    key = ("population", sampler, size, select)
    return np.array(trials.fold(key, _Population((), ()), step).parents, dtype=np.int64)


def first_point(trials: Trials, space: Space, sampler: str, number: int) -> FloatArray:
    """A point of a scrambled Sobol sequence, for the first generation: raw (d,)."""
    points = sequence("sobol", trials, space, trials.seed)
    return space.mask(space.from_unit(points(np.array([trials.index_of_start(sampler, number)]))[0]))


def child(space: Space, one: FloatArray, other: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A child of two points of the unit cube (d,), NaN where inactive: raw (d,)."""
    numeric = np.array([domain.is_numeric for domain in space.domains])
    fresh = rng.random(space.n_dims)
    one = np.where(np.isnan(one), np.where(np.isnan(other), fresh, other), one)
    other = np.where(np.isnan(other), one, other)
    u = crossed(one, other, numeric, rng) if rng.random() < _CROSSOVER_SHARE else one.copy()
    return space.mask(space.from_unit(mutated(u, numeric, rng)))


def crossed(one: FloatArray, other: FloatArray, numeric: BoolArray, rng: np.random.Generator) -> FloatArray:
    """Simulated binary crossover of numeric coordinates (Deb and Agrawal 1995), a coin for the others."""
    u = rng.random(len(one))
    spread = np.where(u <= 0.5, 2.0 * u, 0.5 / (1.0 - u)) ** (1.0 / (_CROSSOVER_ETA + 1.0))
    side = np.where(rng.random(len(one)) < 0.5, 1.0, -1.0)
    blend = 0.5 * (one + other) + side * 0.5 * spread * (one - other)
    taken = np.where(rng.random(len(one)) < 0.5, one, other)
    return np.where(numeric & (rng.random(len(one)) < 0.5), np.clip(blend, 0.0, 1.0), taken)


def mutated(u: FloatArray, numeric: BoolArray, rng: np.random.Generator) -> FloatArray:
    """Change each coordinate with probability 1/d, and at least one.

    Numeric ones by polynomial mutation within [0, 1] (Deb and Goyal 1996), the others to any choice.
    """
    d = len(u)
    chosen = rng.random(d) < 1.0 / d
    chosen[rng.integers(d)] |= not chosen.any()
    v = rng.random(d)
    power = 1.0 / (_MUTATION_ETA + 1.0)
    down = (2.0 * v + (1.0 - 2.0 * v) * (1.0 - u) ** (_MUTATION_ETA + 1.0)) ** power - 1.0
    up = 1.0 - (2.0 * (1.0 - v) + (2.0 * v - 1.0) * u ** (_MUTATION_ETA + 1.0)) ** power
    with_change = np.where(numeric, np.clip(u + np.where(v < 0.5, down, up), 0.0, 1.0), v)
    return np.where(chosen, with_change, u)
