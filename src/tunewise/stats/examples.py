"""Per-example results: what part of the noise is the finite validation set, and how sure a difference is on these examples."""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from typing import NamedTuple

import numpy as np

from tunewise.types import BoolArray, FloatArray


def packed(right: BoolArray) -> str:
    """Which of n examples were right, as a text of about n / 6 letters that `unpacked` reads."""
    return f"{len(right)}:{b64encode(np.packbits(right).tobytes()).decode()}"


def unpacked(text: str) -> BoolArray:
    """What `packed` wrote: (n,). Raises ValueError where it did not write it."""
    n, _, letters = text.partition(":")
    bits = np.unpackbits(np.frombuffer(b64decode(letters, validate=True), dtype=np.uint8))
    if not n.isdecimal() or not int(n) <= len(bits) < int(n) + 8:
        raise ValueError(f"{text[:40]!r} is no text of right and wrong examples.")
    return bits[: int(n)].astype(bool)


class SeedVariance(NamedTuple):
    """Variance over seeds of the mean on this validation set, and of the mean on the whole distribution.

    ``set_share`` is the part of the first that a larger validation set would remove, in [0, 1].
    """

    total: float
    distribution: float
    set_share: float


def seed_variance(results: FloatArray) -> SeedVariance:
    """Split the variance over retrained seeds, results (N, n): one row a run, one column an example (right or wrong, or losses).

    The distribution-wise variance is the mean covariance of two different examples, (n^2 Var(mean) - sum Var_i) / (n (n - 1)): an
    unbiased estimate, which may be negative. Jordan 2023 (arXiv 2304.01910). O(N n).

    Raises:
        ValueError: fewer than 2 runs or 2 examples.
    """
    N, n = results.shape
    if N < 2 or n < 2:
        raise ValueError(f"{N} runs on {n} examples cannot be split; at least 2 of each are needed.")
    total = float(results.mean(axis=1).var(ddof=1))
    each = float(results.var(axis=0, ddof=1).sum())
    distribution = (n * n * total - each) / (n * (n - 1))
    share = 1 - distribution / total if total > 0 else 0.0
    return SeedVariance(total, distribution, min(1.0, max(0.0, share)))


def guessed_sd(error: float, n: int) -> float:
    """SD over seeds of the error of a calibrated classifier on n examples, before any retraining: sqrt(error / 2n) (Jordan
    2023).
    """
    return math.sqrt(max(error, 0.0) / (2 * n))


class Paired(NamedTuple):
    """A mean difference, its standard error, and the number of independent pieces."""

    delta: float
    error: float
    n: int


def example_difference(a: FloatArray, b: FloatArray) -> Paired:
    """b minus a on the same examples (n,), with the error from the finite set of examples (the paired bootstrap's limit).

    It is about two *networks*: two seeds of one configuration differ significantly too. It is no evidence for adopting.
    """
    d = b - a
    return Paired(float(d.mean()), float(d.std(ddof=1)) / math.sqrt(len(d)), len(d))
