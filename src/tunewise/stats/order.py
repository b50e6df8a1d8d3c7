"""Order statistics of a study's losses: expected best of k trials, tuning curves with bands, what doubling would buy.

All functions take exchangeable losses (n,), smaller is better; +inf or a large number stands for a trial that gave nothing.
Quasi-random trials are spread more evenly than independent ones, so for them intervals are conservative.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaincinv, gammaln, ndtri

from tunewise.types import FloatArray

_DRAWS = 4000
_MOST = 200  # relative errors of the lowest order statistics change no more beyond this many trials
_LEVEL_OF_1000 = {0.8: 0.0062, 0.95: 0.00107}  # `local_level` of 1,000 by 20,000 draws, within 2 and 4 %
_TAILS = (0.25, 0.5, 1.0, 2.0)
_BETA = np.geomspace(0.1, 3.0, 60)
_LOG_BETA = (
    math.log(0.8),
    0.6,
)  # prior mean and SD of ln beta: 1 to 6 effective dimensions, 2.5 the likeliest


def best_of(loss: FloatArray, k: int) -> float:
    """The unbiased expected best of k of n losses, k <= n: sum of y_(i) C(n-i, k-1) / C(n, k). O(n log n).

    The plug-in estimate is pessimistic by half an SD at k = n; this one is not. Source: Tang et al. 2020, Dodge et al. 2021.

    Raises:
        ValueError: k outside 1..n.
    """
    y = np.sort(loss)
    weight = best_of_weights(len(y), k)
    return float(weight @ y[: len(weight)])


def best_of_weights(n: int, k: int) -> FloatArray:
    """Weights (n - k + 1,) of the order statistics in `best_of`; they sum to 1. Raises ValueError for k outside 1..n."""
    if not 1 <= k <= n:
        raise ValueError(f"k is {k}; it must be in 1..{n}.")
    i = np.arange(n - k + 1)
    log = gammaln(n - i) - gammaln(n - i - k + 1) + gammaln(n - k + 1) - gammaln(n + 1) + math.log(k)
    return np.asarray(np.exp(log))


def median_best(loss: FloatArray, k: int) -> float:
    """The median of the best of k of n losses, k <= n: half of all subsets of k have a best that is no worse. O(n log n).

    Where two choices were tried unequally often this is the fair number to compare: by luck it is the lower one as often as
    not, whatever the distribution. Means (`best_of`) are not: with heavy tails the mean of many subsets loses to the one
    subset of a small arm in seven cases of ten (docs/validation.md, V11).

    Raises:
        ValueError: k outside 1..n.
    """
    return float(np.sort(loss)[median_best_rank(len(loss), k)])


def median_best_rank(n: int, k: int) -> int:
    """The rank (from 0) of `median_best` among n sorted losses. Raises ValueError for k outside 1..n."""
    return int(np.searchsorted(np.cumsum(best_of_weights(n, k)), 0.5 - 1e-12))


class TuningCurve(NamedTuple):
    """Median best of k trials, k (g,), with a simultaneous band; -inf where n trials cannot bound it from below."""

    k: FloatArray
    median: FloatArray
    low: FloatArray
    high: FloatArray


def tuning_curve(loss: FloatArray, k: FloatArray, level: float = 0.8) -> TuningCurve:
    """The median of the best of k trials for all k (g,) at once, with a distribution-free band. O(n log n + g).

    With probability ``level`` (exactly, for independent trials from any continuous distribution) the whole true curve lies inside
    the band: it is the image of a simultaneous band of the distribution function whose order statistics all have equal
    beta-tail errors. Source: Lourie, Cho and He 2023 (arXiv 2311.09480); equal local levels.
    """
    y = np.sort(loss)
    n = len(y)
    F_low, F_high = _cdf_band(n, level)
    at = -np.expm1(math.log(0.5) / np.asarray(k, dtype=np.float64))  # F at the median of the best of k
    middle = np.searchsorted(np.arange(1, n + 1) / n, at * (1 - 1e-12))
    high = np.append(y, np.inf)[np.searchsorted(F_low, at)]  # first order statistic where surely F >= at
    low = np.append(-np.inf, y)[np.searchsorted(F_high, at, side="right")]  # last one where F may be <= at
    return TuningCurve(np.asarray(k), y[np.minimum(middle, n - 1)], low, high)


@lru_cache(maxsize=64)
def _cdf_band(n: int, level: float) -> tuple[FloatArray, FloatArray]:
    """Lower and upper bounds (n,) of F at each order statistic, all right for F <= 1/2 with probability ``level``.

    Only that part of F has to do with the best of k >= 1. For n > 1,000 the common local level is that of 1,000: it changes with
    log log n only.
    """
    alpha = _LEVEL_OF_1000.get(level) if n >= 1000 else None
    alpha = local_level(min(n, 1000), level) if alpha is None else alpha
    i = np.arange(1, n + 1)
    return betaincinv(i, n + 1 - i, alpha), betaincinv(i, n + 1 - i, 1 - alpha)


def local_level(n: int, level: float, draws: int | None = None) -> float:
    """The beta-tail error of each order statistic at which all are right together with probability ``level``, by simulation."""
    U = np.sort(np.random.default_rng(0).random((draws or (10_000 if n <= 200 else 3_000), n)), axis=1)
    i = np.arange(1, n + 1)
    tail = betainc(i, n + 1 - i, U)
    too_low = np.where(U < 0.5, tail, 1.0).min(axis=1)
    too_high = np.maximum(1 - tail, 1 - betainc(i, n + 1 - i, 0.5)).min(axis=1)
    return min(0.5, float(np.quantile(np.minimum(too_low, too_high), 1 - level)))


class Doubling(NamedTuple):
    """What twice as many trials should buy, and how much the best of a study varies between repetitions of it.

    Attributes:
        gain: median of the posterior of E[best of n] - E[best of 2n].
        interval: its 10 % and 90 % points.
        sd: median of the SD of the best of n over repeated studies (study variance).
        sd_interval: its 5 % and 95 % points.
        n_dims: effective number of dimensions, median: with d of them the gain falls by 2^(-2/d) a doubling.
    """

    gain: float
    interval: tuple[float, float]
    sd: float
    sd_interval: tuple[float, float]
    n_dims: float


def doubling(loss: FloatArray) -> Doubling:
    """Extrapolate the gains of the last two doublings, n/4 to n/2 to n, by a power law. n >= 8; O(n log n).

    Near a smooth optimum of d dimensions the distribution of losses is a power law, F ~ (y - a)^(d/2), so that a doubling
    gains G and the next G 2^-beta, beta = 2/d, and the SD of the best is a function of G and beta (extreme-value theory).
    ln G has a flat and ln beta a normal prior; the errors of the two observed gains and their correlation are those of a
    power law. Operating characteristics: docs/validation.md, V6 and V7.

    Raises:
        ValueError: fewer than 8 losses.
    """
    y = np.sort(loss)
    n = len(y)
    if n < 8:
        raise ValueError(f"{n} losses are too few to extrapolate; 8 are needed.")
    gains = np.array([_gain(y, n), _gain(y, n // 2)])
    spread = float(y[n // 2] - y[0])
    if not (spread > 0 and np.isfinite(gains).all()):
        nothing = 0.0 if spread == 0 else math.inf
        return Doubling(nothing, (nothing, nothing), nothing, (nothing, nothing), math.nan)
    observed = np.log(np.maximum(gains, 1e-6 * spread))
    weight, mean, variance = _posterior(observed, min(n, _MOST))
    z = ndtri((np.arange(101) + 0.5) / 101)
    log_gain = mean[:, None] + np.sqrt(variance)[:, None] * z
    w = np.repeat(weight / len(z), len(z))
    gain = np.exp(log_gain).ravel()
    sd = np.exp(log_gain + _log_sd_per_gain(_BETA)[:, None]).ravel()
    g, s = _weighted_quantile(gain, w, (0.1, 0.5, 0.9)), _weighted_quantile(sd, w, (0.05, 0.5, 0.95))
    beta = _weighted_quantile(_BETA, weight, (0.5,))[0]
    return Doubling(g[1], (g[0], g[2]), s[1], (s[0], s[2]), 2 / beta)


def _gain(y: FloatArray, n: int) -> float:
    """E[best of n/2] - E[best of n] from sorted losses."""
    half, full = best_of_weights(len(y), n // 2), best_of_weights(len(y), n)
    before, after = float(half @ y[: len(half)]), float(full @ y[: len(full)])
    return before - after if math.isfinite(before) else math.inf


def _posterior(observed: FloatArray, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of the grid of beta, and mean and variance of ln(next gain) at each."""
    log_weight, means, variances = [], [], []
    errors = _errors(n)
    for beta in _BETA:
        bias, precision = errors[int(np.argmin(np.abs(np.log(beta / np.array(_TAILS)))))]
        ahead = observed - bias - np.array([1.0, 2.0]) * beta * math.log(2)
        total = float(precision.sum())
        mean = float(precision.sum(axis=0) @ ahead) / total
        off = ahead - mean
        prior = ((math.log(beta) - _LOG_BETA[0]) / _LOG_BETA[1]) ** 2
        log_weight.append(
            0.5 * (np.linalg.slogdet(precision)[1] - math.log(total) - off @ precision @ off - prior)
        )
        means.append(mean)
        variances.append(1 / total)
    weight = np.exp(np.array(log_weight) - max(log_weight))
    return weight / weight.sum(), np.array(means), np.array(variances)


@lru_cache(maxsize=64)
def _errors(n: int) -> tuple[tuple[FloatArray, FloatArray], ...]:
    """For each tail: bias (2,) and precision (2, 2) of the logs of the observed gains of n losses, by simulation."""
    u = np.sort(np.random.default_rng(0).random((_DRAWS, n)), axis=1)
    out = []
    for beta in _TAILS:
        y = u**beta
        weights = np.zeros((2, n))
        for row, m in enumerate((n, n // 2)):
            half, full = best_of_weights(n, m // 2), best_of_weights(n, m)
            weights[row, : len(half)] += half
            weights[row, : len(full)] -= full
        gains = y @ weights.T
        log = np.log(np.maximum(gains, np.quantile(gains, 0.01, axis=0)))
        out.append((log.mean(axis=0) - np.log(gains.mean(axis=0)), np.linalg.inv(np.cov(log.T))))
    return tuple(out)


def _log_sd_per_gain(beta: FloatArray) -> FloatArray:
    """ln of SD(best of n) / (E[best of n] - E[best of 2n]) where losses follow F ~ (y - a)^(1/beta) (Weibull limit)."""
    first, second = gammaln(1 + beta), gammaln(1 + 2 * beta)
    log_sd = 0.5 * (second + np.log(-np.expm1(2 * first - second)))
    return np.asarray(log_sd - first - np.log(-np.expm1(-beta * math.log(2))))


def _weighted_quantile(x: FloatArray, weight: FloatArray, p: tuple[float, ...]) -> list[float]:
    order = np.argsort(x)
    below = np.cumsum(weight[order])
    places = np.minimum(np.searchsorted(below, np.array(p) * below[-1]), len(x) - 1)
    return [float(v) for v in x[order][places]]
