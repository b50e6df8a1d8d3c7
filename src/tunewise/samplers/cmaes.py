"""CMA-ES as a function of the log: each population of finished trials moves a distribution over the space.

The normal distribution of the numeric parameters is that of `tunewise.stats.cma`; each parameter whose choices have no
order has a categorical distribution of its own, which keeps a margin for every choice as in CatCMA (Hamano et al.,
arXiv:2405.09962).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tunewise.errors import SettingError
from tunewise.records import TrialState
from tunewise.samplers._order import best_of_first, sorted_by_merit
from tunewise.samplers._transfer import best_of, source_of
from tunewise.samplers._tried import untried
from tunewise.samplers.base import of_what_varies, require_one_goal
from tunewise.space import Domain, Int, Space
from tunewise.stats import cma
from tunewise.stats.truncnorm import quantile
from tunewise.trials import Trials
from tunewise.types import FloatArray, IntArray

_DRAWS = 32
_COLLAPSED = 1e-9
_MOST_CELLS = 1000
_CHOICE_RATE = 0.3


@dataclass(frozen=True)
class CmaEs:
    """Covariance matrix adaptation, for one goal and rather many trials (above 10 a parameter).

    Every ``population`` finished trials that this sampler started, in the order in which they finished, make one
    generation, so that any number of workers can take part. Diverged trials come last in their generation, violated
    constraints before them. Where the distribution has collapsed the search starts anew at a random place with
    twice the population (IPOP: Auger and Hansen, CEC 2005). A suggestion costs O(d^2), a generation O(d^3).

    Args:
        population: trials a generation; by default 4 + floor(3 ln d).
        sigma: the first standard deviation, as a share of each range; by default the box is six of them wide.
        warm_start_from: earlier studies of similar problems, whose best 10 + 3d points (shared among them) make the first
            distribution (Nomura et al., AAAI 2021); where fewer than d + 1 of them lie in the space it is the usual one.

    Raises:
        SettingError: a population below 2 or a sigma not above 0; what is to be started from is no study of one goal with 3
            complete trials; (when used) several goals.
    """

    population: int | None = None
    sigma: float = 1 / 6
    warm_start_from: Sequence[Any] = ()
    name: ClassVar[str] = "cmaes"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.population is not None and self.population < 2:
            raise SettingError(f"The population is {self.population}; it must be at least 2.")
        if not self.sigma > 0:
            raise SettingError(f"sigma is {self.sigma}; it must be above 0.")
        object.__setattr__(self, "warm_start_from", tuple(map(source_of, self.warm_start_from)))

    @of_what_varies
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """A draw from the distribution after the last whole generation."""
        require_one_goal(self, trials)
        known = best_of(space, self.warm_start_from, _n_source(space))
        plain = replace(self, warm_start_from=())  # a key must be hashable
        return _draw(trials, space, _learner(plain, space, Turns(self.name), known), number, rng)


def continued(
    trials: Trials, space: Space, turns: Turns, number: int, rng: np.random.Generator
) -> FloatArray:
    """A draw from a CMA-ES that starts where another search has come to: at the best trial before its first turn.

    Its first covariance is that of the 10 + 3d best trials (warm start: Nomura et al., AAAI 2021).
    """
    known, _ = trials.unit_of(space, best_of_first(trials, turns.first)[: _n_source(space)])
    return _draw(trials, space, _learner(CmaEs(), space, turns, known), number, rng)


def _n_source(space: Space) -> int:
    """How many points make a first distribution."""
    return 10 + 3 * space.n_dims


def _learner(sampler: CmaEs, space: Space, turns: Turns, known: FloatArray) -> _Learner:
    """The search that starts from known points (k, d) of the unit cube."""
    return _Learner(sampler, space.pinned({}), turns, tuple(map(tuple, known.tolist())))


def _draw(
    trials: Trials, space: Space, learner: _Learner, number: int, rng: np.random.Generator
) -> FloatArray:
    state = trials.fold(("cmaes", learner), learner.begin(), learner)
    raw = space.mask(space.from_unit(_point(state, _axes_of(space), rng)))
    return untried(trials, space, number, raw[None], rng)


class Turns(NamedTuple):
    """Which trials are those of this method: from ``first`` on, but not every ``except_every``-th (0: all)."""

    sampler: str
    first: int = 0
    except_every: int = 0

    def __contains__(self, number: object) -> bool:
        """Whether a trial of that sampler with this number is."""
        later = int(number) - self.first  # type: ignore[call-overload]
        return bool(later >= 0 and not (self.except_every and later % self.except_every == 0))


class _Axes(NamedTuple):
    """The columns of a space as this sampler sees them."""

    numeric: IntArray
    unordered: IntArray
    n_choices: tuple[int, ...]  # of each unordered column
    borders: tuple[FloatArray, ...]  # of each numeric column: between its cells in the unit interval


class _State(NamedTuple):
    """Never changed in place, as `Trials.fold` requires."""

    normal: cma.Normal
    choice: tuple[FloatArray, ...]  # probabilities of each unordered column
    population: int
    n_starts: int
    waiting: tuple[int, ...]  # finished trials that have not been learnt from


@dataclass(frozen=True)
class _Learner:
    """The step of the fold: collect finished trials, and learn from each full generation."""

    sampler: CmaEs
    space: Space
    turns: Turns
    source: tuple[tuple[float, ...], ...] = ()  # points of the unit cube

    def begin(self) -> _State:
        """The distribution before the first generation: around the centre, or that of the source."""
        axes = _axes_of(self.space)
        population = self.sampler.population or 4 + int(3 * math.log(max(1, self.space.n_dims)))
        state = self._start(np.full(len(axes.numeric), 0.5), population, 0)
        U = np.array(self.source).reshape(len(self.source), self.space.n_dims)
        choice = tuple(
            _frequencies(U[:, j], len(p)) for p, j in zip(state.choice, axes.unordered, strict=True)
        )
        X = U[:, axes.numeric]
        X = X[~np.isnan(X).any(axis=1)]
        if len(X) <= len(axes.numeric) or not len(axes.numeric):
            return state._replace(choice=choice)
        return state._replace(normal=cma.start_like(X), choice=choice)

    def __call__(self, state: _State, trials: Trials, number: int) -> _State:
        """One more finished trial."""
        mine = trials.sampler_of(number) == self.turns.sampler and number in self.turns
        if not mine or trials.state[number] == TrialState.FAILED:
            return state
        state = state._replace(waiting=(*state.waiting, number))
        if len(state.waiting) < state.population:
            return state
        state = self._learnt(state, trials)
        if len(state.normal.mean) and state.normal.deviation.max() < _COLLAPSED:
            rng = _generator(trials.seed, number)
            return self._start(rng.random(len(state.normal.mean)), 2 * state.population, state.n_starts)
        return state

    def _start(self, mean: FloatArray, population: int, n_starts: int) -> _State:
        choice = tuple(np.full(k, 1.0 / k) for k in _axes_of(self.space).n_choices)
        return _State(cma.start(mean, self.sampler.sigma), choice, population, n_starts + 1, ())

    def _learnt(self, state: _State, trials: Trials) -> _State:
        axes = _axes_of(self.space)
        rows = sorted_by_merit(trials, np.array(state.waiting))
        U = self.space.to_unit(self.space.mask(trials.raw(self.space, rows)))
        normal = state.normal
        if len(axes.numeric):
            X = _spread_in_cells(U[:, axes.numeric], normal, axes, _generator(trials.seed, int(rows[0])))
            normal = cma.update(normal, np.where(np.isnan(X), normal.mean, X))
            normal = normal._replace(mean=np.clip(normal.mean, 0.0, 1.0))
            normal = cma.with_margin(normal, axes.borders, 1.0 / (self.space.n_dims * state.population))
        choice = tuple(
            _learnt_choice(p, U[:, j], self.space.n_dims)
            for p, j in zip(state.choice, axes.unordered, strict=True)
        )
        return state._replace(normal=normal, choice=choice, waiting=())


@lru_cache(maxsize=256)
def _axes_of(space: Space) -> _Axes:
    numeric = [j for j, domain in enumerate(space.domains) if domain.is_numeric]
    unordered = [j for j in range(space.n_dims) if j not in numeric]
    n_choices = tuple(space.domains[j].n_values or 1 for j in unordered)
    borders = tuple(_borders(space.domains[j]) for j in numeric)
    return _Axes(np.array(numeric, dtype=np.int64), np.array(unordered, dtype=np.int64), n_choices, borders)


def _borders(domain: Domain) -> FloatArray:
    """Borders between the cells of a discrete domain; none where there are so many that it is all but continuous."""
    if domain.n_values is None or domain.n_values > _MOST_CELLS:
        return np.zeros(0)
    if isinstance(domain, Int) and domain.log:
        return domain.to_unit(domain.values()[:-1] + 0.5)
    return np.arange(1, domain.n_values) / domain.n_values


def _point(state: _State, axes: _Axes, rng: np.random.Generator) -> FloatArray:
    """A point of the unit cube (d,): of some draws the first inside it, else the last one clipped."""
    u = np.empty(len(axes.numeric) + len(axes.unordered))
    if len(axes.numeric):
        X = cma.points(state.normal, rng.standard_normal((_DRAWS, len(axes.numeric))))
        inside = np.asarray(((X >= 0.0) & (X <= 1.0)).all(axis=1))
        inside[-1] = True
        u[axes.numeric] = np.clip(X[np.argmax(inside)], 0.0, 1.0)
    for j, p in zip(axes.unordered, state.choice, strict=True):
        u[j] = (min(int(np.searchsorted(np.cumsum(p), rng.random())), len(p) - 1) + 0.5) / len(p)
    return u


def _spread_in_cells(X: FloatArray, normal: cma.Normal, axes: _Axes, rng: np.random.Generator) -> FloatArray:
    """Discrete coordinates, of which the log has only the cell, drawn anew within it from the distribution.

    Without that the cell centres would make the distribution shrink as soon as all trials fall into one cell.
    """
    X = X.copy()
    for j, border in enumerate(axes.borders):
        if len(border):
            edges = np.concatenate([[0.0], border, [1.0]])
            cell = np.searchsorted(border, X[:, j])
            m, s = normal.mean[j], normal.deviation[j]
            z = quantile(rng.random(len(X)), (edges[cell] - m) / s, (edges[cell + 1] - m) / s)
            X[:, j] = np.where(np.isnan(X[:, j]), np.nan, m + s * z)
    return X


def _learnt_choice(p: FloatArray, u: FloatArray, n_dims: int) -> FloatArray:
    """Move towards the choices of the better half, the best weighing most; every choice keeps a margin."""
    k = len(p)
    better = u[: max(1, len(u) // 2)]
    weight = np.log(len(u) / 2 + 0.5) - np.log(np.arange(1, len(better) + 1))
    known = ~np.isnan(better)
    if k == 1 or not known.any():
        return p
    index = np.minimum((better[known] * k).astype(np.int64), k - 1)
    wanted = np.bincount(index, weights=weight[known], minlength=k) / weight[known].sum()
    least = (1.0 - 0.73 ** (1.0 / n_dims)) / (k - 1)
    moved = np.maximum((1.0 - _CHOICE_RATE) * p + _CHOICE_RATE * wanted, least)
    return np.asarray(moved / moved.sum())


def _frequencies(u: FloatArray, k: int) -> FloatArray:
    """How often each of k choices was taken, with one more of each."""
    index = np.minimum((u[~np.isnan(u)] * k).astype(np.int64), k - 1)
    counts = np.bincount(index, minlength=k) + 1.0
    return np.asarray(counts / counts.sum())


def _generator(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed, counter=number))
