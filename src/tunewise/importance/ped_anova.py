"""PED-ANOVA: a parameter matters as far as its values among the best trials differ from its values among all.

Watanabe, Bansal and Hutter, "PED-ANOVA" (IJCAI 2023, arXiv 2304.10255): the Pearson divergence between the density of a
parameter in the top fraction and in all trials, here with histograms in the unit cube, less what chance would give.
"""

from __future__ import annotations

import numpy as np

from tunewise.records import TrialState
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import FloatArray

_MOST_BINS = 8


def ped_anova(trials: Trials, space: Space, top: float = 0.25) -> dict[str, float]:
    """Shares that sum to 1, largest first; all equal where fewer than 8 trials or nothing differs. O(n d).

    Diverged trials count as the worst. ``top`` is the fraction that counts as best. Only ranks of the loss matter.
    """
    X, rows = trials.unit(space)
    state = trials.state[rows]
    known = (state == TrialState.COMPLETE) | (state == TrialState.INFEASIBLE)
    X = X[known]
    loss = np.where(state[known] == TrialState.INFEASIBLE, np.inf, trials.loss[rows[known], 0])
    names = space.names
    if len(X) < 8 or not names:
        return {name: 1 / len(names) for name in names}
    k = max(4, int(np.ceil(top * len(X))))
    best = np.argsort(loss, kind="stable")[:k]
    raw = np.array(
        [_divergence(X[:, j], best, _bins(space[name].n_values, k)) for j, name in enumerate(names)]
    )
    total = raw.sum()
    shares = raw / total if total > 0 else np.full(len(names), 1 / len(names))
    return {names[j]: float(shares[j]) for j in np.argsort(-shares, kind="stable")}


def _bins(n_values: int | None, k: int) -> int:
    few = max(3, min(_MOST_BINS, k // 2))
    return few if n_values is None else min(n_values, few)


def _divergence(u: FloatArray, best: np.ndarray[tuple[int, ...], np.dtype[np.int64]], n_bins: int) -> float:
    """Pearson divergence less its expectation where the best are a random subset; inactive values are a bin."""
    bins = np.where(np.isnan(u), n_bins, np.minimum(np.nan_to_num(u) * n_bins, n_bins - 1)).astype(np.int64)
    everywhere = np.bincount(bins, minlength=n_bins + 1)
    there = np.bincount(bins[best], minlength=n_bins + 1)
    used = everywhere > 0
    p_all = everywhere[used] / everywhere.sum()
    p_top = there[used] / there.sum()
    chance = (used.sum() - 1) * (1 / len(best) - 1 / len(u))
    return max(0.0, float(((p_top - p_all) ** 2 / p_all).sum() - chance))
