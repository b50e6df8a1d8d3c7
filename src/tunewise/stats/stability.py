"""Instability of training, from per-step losses (n,) and gradient norms (n,): spikes, rises, clipping, warm-up."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import lfilter
from scipy.special import bdtr

from tunewise.stats.intervals import jeffreys
from tunewise.types import BoolArray, FloatArray, IntArray

_WINDOW = 101
_MAD_TO_SD = 1.4826
_HARM = 0.2  # share of what a loss had gained
_NOISE = 6.0  # SDs from a running minimum of noise to its top


def spikes(norm: FloatArray, z: float = 5.0) -> IntArray:
    """Steps at which a gradient norm stands out: its log lies ``z`` robust SDs above the running median. O(n).

    Median and MAD are taken over a centred window of 101 steps, so that slow drift does not count and one spike does not
    hide another; no window's SD counts as less than the whole run's, or than 1 %. Norms that are not finite are spikes.
    """
    known = np.isfinite(norm) & (norm > 0)
    if known.sum() < 11:
        return np.flatnonzero(~np.isfinite(norm))
    log = np.full(len(norm), math.log(float(np.median(norm[known]))))
    log[known] = np.log(norm[known])
    width = min(_WINDOW, len(norm) // 2 * 2 - 1)
    above = log - median_filter(log, width, mode="reflect")
    spread = np.maximum(median_filter(np.abs(above), width, mode="reflect"), np.median(np.abs(above)))
    return np.flatnonzero(~np.isfinite(norm) | (known & (above > z * np.maximum(_MAD_TO_SD * spread, 0.01))))


class Rise(NamedTuple):
    """How far a loss rose again: the greatest share of what it had gained, the step of the top, and how long.

    It is ``harmful`` above a fifth of the gain for 1 % of the steps, or where a loss is not finite.
    """

    share: float
    step: int
    lasted: float

    @property
    def harmful(self) -> bool:
        """Whether the training was hurt."""
        return not math.isfinite(self.share) or (self.share > _HARM and self.lasted >= 0.01)


def loss_rise(loss: FloatArray, level: float = _HARM) -> Rise:
    """The worst rise of a training loss (n,): (smoothed loss - running minimum) / (first - running minimum). O(n).

    Smoothing is exponential, with a half-life of 1 % of the steps (2 at least). Six SDs of what is left of the noise are no
    rise, and less than 5 % of the whole descent or of the first loss counts as that much gained. ``lasted`` is the share of
    all steps spent above ``level``; a run that lost everything has share 1, one with a loss that is not finite has inf.
    """
    n = len(loss)
    if not np.isfinite(loss).all():
        return Rise(math.inf, int(np.flatnonzero(~np.isfinite(loss))[0]), 1.0)
    if n < 10:
        return Rise(0.0, 0, 0.0)
    first = float(np.median(loss[: max(3, n // 100)]))
    decay = 0.5 ** (1 / max(2.0, n / 100))
    smooth = lfilter([1 - decay], [1, -decay], loss, zi=[decay * first])[0]
    lowest = np.minimum.accumulate(smooth)
    gained = np.maximum(first - lowest, 0.05 * max(first - float(lowest[-1]), abs(first), 1e-300))
    jitter = _MAD_TO_SD * float(np.median(np.abs(np.diff(loss)))) * math.sqrt((1 - decay) / (1 + decay) / 2)
    share = np.maximum(smooth - lowest - _NOISE * jitter, 0.0) / gained
    top = int(np.argmax(share))
    return Rise(float(share[top]), top, float((share > level).mean()))


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
