"""Hyperband: several brackets of successive halving that begin at different rungs, Li et al. 2018, JMLR 18(185).

A trial's bracket is a function of the study's seed and its number, so that all workers know it without asking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewise.pruners.halving import SuccessiveHalving, first_complete_step
from tunewise.pruners.percentile import check_counts
from tunewise.trials import Trials
from tunewise.types import FloatArray, IntArray

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, slots=True)
class Hyperband:
    """Successive halving hedged over how early to begin: trials compete only inside their bracket.

    Bracket b of ``floor(log(max_resource / min_resource) / log(reduction_factor)) + 1`` leaves out b first rungs. Its
    share of the trials is that of the paper's algorithm 1. Cost: as `SuccessiveHalving`, plus O(n).

    Args:
        min_resource: step of the first rung of the boldest bracket.
        max_resource: the last step of a full trial, plus 1; None takes it from the first trial to complete, and prunes
            nothing before that.
        reduction_factor: at least 2; the paper's eta.
        bootstrap_count: let nobody pass a rung before so many trials of the bracket have reached it.

    Raises:
        SettingError: a setting is out of its range.
    """

    name: ClassVar[str] = "hyperband"

    min_resource: int = 1
    max_resource: int | None = None
    reduction_factor: int = 3
    bootstrap_count: int = 0

    def __post_init__(self) -> None:
        check_counts(min_resource=(self.min_resource, 1), bootstrap_count=(self.bootstrap_count, 0))
        check_counts(reduction_factor=(self.reduction_factor, 2))
        if self.max_resource is not None:
            check_counts(max_resource=(self.max_resource, self.min_resource))

    def __call__(self, trials: Trials, number: int) -> bool:
        """Whether the trial fails on a rung of its bracket."""
        longest = self.max_resource
        if longest is None:
            last = first_complete_step(trials)
            if last is None:
                return False
            longest = last + 1
        bracket = brackets(trials.seed, len(trials), self._shares(longest))
        own = int(bracket[number])
        halving = SuccessiveHalving(self.min_resource, self.reduction_factor, own, self.bootstrap_count)
        return halving.judge(trials, number, bracket == own)

    def _shares(self, max_resource: int) -> FloatArray:
        n_brackets = 1
        while self.min_resource * self.reduction_factor**n_brackets <= max_resource:
            n_brackets += 1
        s = np.arange(n_brackets)[::-1]
        budgets = np.ceil(n_brackets * self.reduction_factor ** s.astype(np.float64) / (s + 1))
        return np.asarray(budgets / budgets.sum())


def brackets(seed: int, n_trials: int, shares: FloatArray) -> IntArray:
    """The bracket of each trial number (n,), with ``shares`` (b,) of the trials in each.

    Numbers are laid out by the golden-ratio sequence from a start that the seed sets, so that the shares hold
    nearly exactly over any run of consecutive trials.
    """
    start = np.random.Generator(np.random.Philox(key=seed)).random()
    place = (start + _GOLDEN * np.arange(n_trials)) % 1.0
    return np.searchsorted(np.cumsum(shares)[:-1], place, side="right")
