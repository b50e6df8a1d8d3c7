"""Looks at the evidence while it comes in: thresholds that keep the total error, and what a design does.

Two arms of n seeds each, looked at after ``looks`` runs an arm. Looking after every run from 2 to 20 at 5 % has a real error of
21 %; looks at 3, 5, 8, 12 have 12.5 %. Everything here is simulated (50,000 studies from the sufficient statistics of
normal runs, one fixed seed: standard errors of 0.002 or less) and remembered.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import fdtrc, stdtr

from tunewise.stats.moderated import REFUSED_ABOVE
from tunewise.types import BoolArray, FloatArray

_STUDIES = 50_000


def nominal_levels(looks: Sequence[int], error: float = 0.05, shape: str = "constant") -> tuple[float, ...]:
    """One-sided levels for the t-test at each look so that any of them rejects a true null with probability ``error``.

    ``shape`` is "constant" (Pocock: the same level at each look) or "obrien-fleming" (late looks get nearly all of it).

    Raises:
        ValueError: an unknown shape, looks that do not increase or begin below 2.
    """
    known = _checked(looks)
    if shape not in ("constant", "obrien-fleming"):
        raise ValueError(f'shape is {shape!r}; it must be "constant" or "obrien-fleming".')
    return _nominal_levels(known, error, shape)


@lru_cache(maxsize=64)
def _nominal_levels(looks: tuple[int, ...], error: float, shape: str) -> tuple[float, ...]:
    p = np.array([1 - stdtr(2 * n - 2, t) for n, t, _ in _tests(looks, 0.0, 0.0, math.inf)])
    if shape == "constant":
        return (float(np.quantile(p.min(axis=0), error)),) * len(looks)
    from scipy.special import ndtr, ndtri

    ease = np.sqrt(looks[-1] / np.array(looks))[:, None]
    least = float(np.quantile((-ndtri(np.maximum(p, 1e-300)) / ease).max(axis=0), 1 - error))
    return tuple(float(1 - ndtr(least * e)) for e in ease[:, 0])


class Operating(NamedTuple):
    """What a design does at a true improvement: P(adopt), P(keep), mean runs of each arm."""

    adopt: float
    keep: float
    runs: float


def operating(
    looks: Sequence[int],
    p: Sequence[float],
    keep: float,
    improvement: float = 0.0,
    min_effect: float = 0.0,
    prior_df: float = 0.0,
) -> Operating:
    """The operating characteristics of "adopt as soon as P(better by min_effect) >= p at a look, keep at <= keep".

    ``improvement`` and ``min_effect`` are in SDs over seeds; ``prior_df`` is the worth of the noise ledger (0: none). With a
    ledger min_effect is in its SDs, as it is when it comes from a cost in words.
    """
    known = _checked(looks)
    return _operating(known, tuple(np.broadcast_to(p, len(known))), keep, improvement, min_effect, prior_df)


@lru_cache(maxsize=256)
def _operating(
    looks: tuple[int, ...],
    p: tuple[float, ...],
    keep: float,
    improvement: float,
    least: float,
    prior_df: float,
) -> Operating:
    undecided = np.ones(_STUDIES, dtype=bool)
    adopted = kept = runs = 0.0
    for (n, t, df), enough in zip(_tests(looks, improvement, least, prior_df), p, strict=True):
        chance = stdtr(df, t)
        adopts: BoolArray = undecided & (chance >= enough)
        keeps: BoolArray = undecided & (chance <= keep)
        done = adopts | keeps if n != looks[-1] else undecided
        adopted, kept = adopted + adopts.sum(), kept + keeps.sum()
        runs += n * float(done.sum())
        undecided = undecided & ~done
    return Operating(adopted / _STUDIES, kept / _STUDIES, runs / _STUDIES)


def _tests(
    looks: tuple[int, ...], improvement: float, least: float, prior_df: float
) -> Iterator[tuple[int, FloatArray, FloatArray | float]]:
    """(n, t statistics (studies,), degrees of freedom) at each look; an infinite prior_df means "no ledger" too."""
    rng = np.random.default_rng(0)
    has_prior = 0 < prior_df < math.inf
    prior = rng.chisquare(prior_df, _STUDIES) / prior_df if has_prior else np.ones(_STUDIES)
    total, squares, before = np.zeros((2, _STUDIES)), np.zeros(_STUDIES), 0
    for n in looks:
        m = n - before
        mean = rng.standard_normal((2, _STUDIES)) / math.sqrt(m) + np.array([[improvement], [0.0]])
        if before:  # merge the sums of squares of the old and the new runs (Chan et al.)
            squares = squares + ((mean - total / before) ** 2).sum(axis=0) * m * before / n
        if m > 1:
            squares = squares + rng.chisquare(2 * (m - 1), _STUDIES)
        total, before = total + m * mean, n
        df = 2.0 * n - 2
        if has_prior:
            used = fdtrc(df, prior_df, squares / df / prior) > REFUSED_ABOVE
            variance = np.where(used, (squares + prior_df * prior) / (df + prior_df), squares / df)
            degrees = np.where(used, df + prior_df, df)
            worth = least * np.sqrt(prior)
        else:
            variance, degrees = squares / df, np.full(_STUDIES, df)
            worth = np.full(_STUDIES, least)
        yield n, ((total[0] - total[1]) / n - worth) / np.sqrt(variance * 2 / n), degrees


def _checked(looks: Sequence[int]) -> tuple[int, ...]:
    known = tuple(int(n) for n in looks)
    if not known or known[0] < 2 or any(a >= b for a, b in itertools.pairwise(known)):
        raise ValueError(
            f"looks is {looks!r}; it must be increasing numbers of runs, at least 2, such as (3, 5, 8)."
        )
    return known
