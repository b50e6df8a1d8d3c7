"""Is one choice better than another, each tuned equally well? A test of whole studies, not of single runs.

Two arms are searches of n trials each over the same nuisance space. Retraining the best of each measures seed noise, which is
the small part: two identical searches are called different 12 to 96 % of the time that way. Here trials are what is permuted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tunewise.stats.order import best_of_weights
from tunewise.types import BoolArray, FloatArray


class StudyTest(NamedTuple):
    """The effect (a's expected best of k minus b's; positive: b is better) and chances of one at least as large.

    ``chance`` is one-sided for "b is better", ``chance_two_sided`` for "they differ".
    """

    effect: float
    k: int
    chance: float
    chance_two_sided: float


def study_test(
    a: FloatArray,
    b: FloatArray,
    *,
    matched: bool = False,
    k: int | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> StudyTest:
    """Permutation test of losses (n,), (m,) of two searches; +inf or the worst loss for a trial that diverged.

    The statistic is the difference of the unbiased expected best of k trials; by default k is half the smaller arm (a quarter
    for matched arms whose ranks agree): the best of all n is one number and a poor statistic. ``matched`` arms ran the same
    nuisance points in the same order, and labels are flipped within pairs; this is exact under "the label changes nothing",
    and the more powerful the more the arms' landscapes agree. Where what is good for one arm is bad for the other, it is less
    powerful than arms of different points would be, by about a twentieth (V12). Size: exact up to 1 / draws. O(draws n), and
    of unmatched arms only as many of the best trials count as the statistic weighs: about 100.

    Raises:
        ValueError: an arm with fewer than 4 trials, or matched arms of different lengths.
    """
    n, m = len(a), len(b)
    if min(n, m) < 4 or (matched and n != m):
        raise ValueError(f"Arms of {n} and {m} trials cannot be compared.")
    both = _finite(np.concatenate([a, b]))
    agree = matched and _agreement(both) > 0  # flips within pairs do not change it
    k = max(1, min(n, m) // (4 if agree else 2)) if k is None else k
    rng = np.random.default_rng(seed)
    order = np.argsort(both, kind="stable")
    weights = _weights(n, k), _weights(m, k)
    if matched:
        flip = rng.random((draws, n)) < 0.5
        in_first = np.hstack([~flip, flip])[:, order]
    else:
        in_first = _dealt(rng, draws, n, m, len(weights[0]), len(weights[1]))
    null = _difference(both[order], in_first, weights)
    effect = float(_difference(both[order], order[None] < n, weights)[0])
    slack = 1e-12 * float(np.abs(both).max() or 1.0)  # ties count against the claim
    return StudyTest(
        effect,
        k,
        (1 + int((null >= effect - slack).sum())) / (draws + 1),
        (1 + int((np.abs(null) >= abs(effect) - slack).sum())) / (draws + 1),
    )


def beaten_chances(arms: list[FloatArray], *, matched: bool = False, draws: int = 2000) -> list[float]:
    """For each arm, the adjusted chance of losing that clearly to the arm that beats it most clearly, if none is better."""
    out = []
    for i, arm in enumerate(arms):
        others = [j for j in range(len(arms)) if j != i]
        chances = [
            study_test(arm, arms[j], matched=matched, draws=draws, seed=i * len(arms) + j).chance
            for j in others
        ]
        out.append(min(1.0, len(others) * min(chances)) if chances else 1.0)
    return out


def _weights(n: int, k: int) -> FloatArray:
    """Weights of the order statistics in the expected best of k of n, without those that are nothing."""
    weight = best_of_weights(n, k)
    return weight[: int(np.searchsorted(np.cumsum(weight), 1 - 1e-13)) + 1]


def _dealt(rng: np.random.Generator, draws: int, n: int, m: int, fewest_n: int, fewest_m: int) -> BoolArray:
    """(draws, t): which of the t best trials a random division of n + m into n and m gives to the first.

    Dealt from the best trial on, until every draw has given as many to both as are wanted.
    """
    left, dealt = np.full(draws, n), []
    for j in range(n + m):
        dealt.append(rng.random(draws) * (n + m - j) < left)
        left = left - dealt[-1]
        given = n - left
        if given.min() >= fewest_n and (j + 1 - given).min() >= fewest_m:
            break
    return np.array(dealt).T


def _difference(y: FloatArray, in_first: BoolArray, weights: tuple[FloatArray, FloatArray]) -> FloatArray:
    """(r,) the first arm's expected best minus the second's, from losses y ascending and rows of whose they are (r, t)."""
    best = []
    for mine, weight in zip((in_first, ~in_first), weights, strict=True):
        rank = np.minimum(np.cumsum(mine, axis=1, dtype=np.int32) - 1, len(weight))
        best.append((np.append(weight, 0.0)[rank] * mine) @ y[: mine.shape[1]])
    return np.asarray(best[0] - best[1])


def _agreement(both: FloatArray) -> float:
    """The intraclass correlation of the ranks of pairs, both (2 n,) being one arm after the other; 0 where all are equal."""
    ordered = np.sort(both)
    rank = np.searchsorted(ordered, both) + np.searchsorted(ordered, both, side="right") - float(len(both))
    first, second = np.split(rank, 2)
    return 2 * float(first @ second) / max(float(rank @ rank), 1e-300)


def _finite(y: FloatArray) -> FloatArray:
    """NaN and inf become the largest finite loss; all of them 0 where none is finite."""
    finite = np.isfinite(y)
    return np.where(finite, y, y[finite].max() if finite.any() else 0.0)
