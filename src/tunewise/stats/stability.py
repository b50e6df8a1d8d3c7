"""Instability of training, from per-step losses (n,) and gradient norms (n,): spikes, rises, clipping, warm-up."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import bdtr

from tunewise.stats.intervals import jeffreys
from tunewise.types import BoolArray, FloatArray, IntArray

_WINDOW = 101
_MAD_TO_SD = 1.4826


def spikes(norm: FloatArray, z: float = 6.0) -> IntArray:
    """Steps at which a gradient norm stands out: its log lies ``z`` robust SDs above the running median.

    Median and MAD are taken over a centred window of 101 steps, so that slow drift does not count. Norms that
    are not finite are spikes. O(n window).
    """
    n = len(norm)
    if n < 5:
        return np.flatnonzero(~np.isfinite(norm))
    finite = np.isfinite(norm) & (norm > 0)
    log = np.log(np.where(finite, norm, 1.0))
    width = min(_WINDOW, n if n % 2 else n - 1)
    windows = sliding_window_view(np.pad(log, width // 2, mode="reflect"), width)
    middle = np.median(windows, axis=1)
    spread = np.median(np.abs(windows - middle[:, None]), axis=1) * _MAD_TO_SD
    spread = np.maximum(spread, 0.01)  # norms of a deterministic toy hardly vary; 1 % is no spike
    return np.flatnonzero(~np.isfinite(norm) | (finite & (log - middle > z * spread)))


class Rise(NamedTuple):
    """How far a loss rose again: the greatest share of what it had gained, the step of the top, and how long."""

    share: float
    step: int
    lasted: float


def loss_rise(loss: FloatArray, level: float = 0.2) -> Rise:
    """The worst rise of a training loss (n,): (smoothed loss - running minimum) / (first - running minimum).

    Smoothing is a median of 5. ``lasted`` is the share of all steps spent above ``level``; a run that lost
    everything has share 1, one that ended in NaN has inf.
    """
    if not np.isfinite(loss).all():
        return Rise(math.inf, int(np.flatnonzero(~np.isfinite(loss))[0]), 1.0)
    width = min(5, len(loss))
    smooth = np.median(sliding_window_view(loss, width), axis=1) if width else loss
    if len(smooth) < 2:
        return Rise(0.0, 0, 0.0)
    lowest = np.minimum.accumulate(smooth)
    gained = np.maximum(smooth[0] - lowest, 0.05 * abs(float(smooth[0])) + 1e-12)
    share = (smooth - lowest) / gained
    top = int(np.argmax(share))
    return Rise(float(share[top]), top + width // 2, float((share > level).mean()))


def early_blow_up(loss: FloatArray, within: int = 100) -> float:
    """The height of the worst loss in the first ``within`` steps, relative to the first: 0 means no rise.

    inf where a value there is not finite.
    """
    head = loss[:within]
    if not np.isfinite(head).all():
        return math.inf
    first = max(abs(float(head[0])), 1e-12) if len(head) else 1.0
    return max(0.0, float(head.max() - head[0]) / first) if len(head) else 0.0


class ClipThreshold(NamedTuple):
    """A gradient-norm threshold with its 90 % interval, and the same from the last half of the run."""

    value: float
    low: float
    high: float
    last_half: float


def clip_threshold(norm: FloatArray, percentile: float = 90.0) -> ClipThreshold:
    """The ``percentile`` of gradient norms after the first 1 % of steps; a distribution-free order-statistic interval.

    Norms that are not finite count as larger than all others. Raises ValueError for fewer than 10 norms.
    """
    if len(norm) < 10:
        raise ValueError(f"{len(norm)} gradient norms are too few for a percentile; log at least 10.")
    kept = np.sort(np.where(np.isfinite(norm), norm, math.inf)[math.ceil(len(norm) / 100) :])
    n, p = len(kept), percentile / 100
    ranks = np.arange(n)
    below = bdtr(ranks, n, p)
    low = kept[min(n - 1, int(np.searchsorted(below, 0.05)))]
    high = kept[min(n - 1, int(np.searchsorted(below, 0.95)) + 1)]
    half = norm[len(norm) // 2 :]
    return ClipThreshold(
        float(np.quantile(kept, p, method="inverted_cdf")),
        float(low),
        float(high),
        float(np.quantile(half, p, method="inverted_cdf")),
    )


class Clipped(NamedTuple):
    """The share of clipped steps with its 90 % interval, and what clipping did to the mean step."""

    share: float
    low: float
    high: float
    lr_factor: float


def clipped_share(norm: FloatArray, threshold: float) -> Clipped:
    """How often norms (n,) exceed ``threshold``. Above half of the steps, clipping is a learning-rate cut in disguise:
    ``lr_factor`` is the mean of min(1, threshold / norm).
    """
    over = norm > threshold
    low, high = jeffreys(int(over.sum()), len(norm))
    return Clipped(
        float(over.mean()), low, high, float(np.minimum(1.0, threshold / np.maximum(norm, 1e-300)).mean())
    )


def lr_sensitivity(lr: FloatArray, loss: FloatArray, cap: float) -> float:
    """Mean excess loss over the learning rates within a decade of the best one, losses capped at ``cap``.

    ``cap`` is the loss of a trivial predictor; runs that diverged count as it. Source: Wortsman et al. 2023,
    "Small-scale proxies for large-scale Transformer training instabilities".
    """
    capped = np.minimum(np.where(np.isfinite(loss), loss, cap), cap)
    best = int(np.argmin(capped))
    near = np.abs(np.log10(lr / lr[best])) <= 1.0 + 1e-9
    return float((capped[near] - capped[best]).mean())


def shortest_stable(length: IntArray, stable: BoolArray) -> int | None:
    """The least warm-up length (n,) from which on runs are stable, with repeats; None where none is.

    Stability cannot fall with the length, so the shares are made monotone (isotonic regression); a length is
    stable where the fitted share is above one half.
    """
    lengths = np.unique(length)
    blocks: list[list[float]] = []
    for each in lengths:
        here = stable[length == each]
        blocks.append([float(here.sum()), float(len(here)), 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    fitted = [successes / n for successes, n, width in blocks for _ in range(int(width))]
    good = [int(each) for each, share in zip(lengths, fitted, strict=True) if share > 0.5]
    return good[0] if good else None
