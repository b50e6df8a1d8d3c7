"""What a Gaussian process says about a search space: profiles, where their minima lie, and what depends on what.

X (n, d) lies in [0, 1], NaN where a parameter is inactive; ``n_choices`` (d,) is the number of choices of an unordered
parameter, 0 for an ordered one. A profile of a parameter is the best loss to be had at each of its values, the minimum over all
other parameters; it is computed on joint draws of the posterior, not on its mean, so that it has honest bands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from tunewise.stats import gp
from tunewise.types import FloatArray, IntArray

_FEWEST, _MOST = 10, 200
_ROOT5 = math.sqrt(5.0)
_N_OTHERS = 16
_LOG_LENGTHSCALE = (math.sqrt(2) - 1,) * 2
# Long lengthscales (Hvarfner et al., ICML 2024): the shorter ones with which a search is fastest find structure in pure noise.


class Surrogate(NamedTuple):
    """A fitted process.

    Attributes:
        X: the trials used (n, d), without NaN; z: their warped losses (n,), mean 0 and SD 1.
        centre, scale: a loss in the better half is centre + scale * z.
        worse: warped values and losses (h,), (h,) of the worse half, ascending, beginning with the median.
        top: the warped median; losses above it are compressed to normal quantiles.
        agreement: Spearman's correlation of the losses with leave-one-out predictions. Below 0.3 (2 / sqrt(n) for few trials) the
            surrogate knows nothing.
        correlation: Pearson's correlation of the same, of warped values. Where nearly all trials are good and differ by noise,
            ranks agree little although the few bad ones are told apart; this says so.
    """

    X: FloatArray
    z: FloatArray
    centre: float
    scale: float
    top: float
    agreement: float
    n_choices: tuple[int, ...]
    posterior: gp.Posterior
    group: IntArray
    correlation: float
    worse: tuple[FloatArray, FloatArray]

    def loss(self, z: FloatArray) -> FloatArray:
        """Warped values as losses: the inverse of the warping, none worse than the worst trial."""
        return np.where(z <= self.top, self.centre + self.scale * z, np.interp(z, *self.worse))


def fit_surrogate(
    X: FloatArray, loss: FloatArray, n_choices: Sequence[int], noise_sd: float | None = None
) -> Surrogate | None:
    """Fit finite losses (n,). None where n < 10, all losses are equal, or there is no parameter. O(min(n, 200)^3).

    Losses worse than the median become normal quantiles, better ones stay linear ("half-rank", as in Vizier), so that bad trials
    do not shape the fit where it matters. Of more than 200 trials the better 100 and an even choice of the others are used.
    ``noise_sd`` is added as known noise variance.
    """
    n, d = X.shape
    if n < _FEWEST or d == 0 or not float(np.ptp(loss)) > 0:
        return None
    if n > _MOST:
        order = np.argsort(loss, kind="stable")
        rest = order[_MOST // 2 :][np.linspace(0, n - _MOST // 2 - 1, _MOST // 2).astype(np.int64)]
        keep = np.sort(np.concatenate([order[: _MOST // 2], rest]))
        X, loss = X[keep], loss[keep]
    X = np.where(np.isnan(X), 0.5, X)
    median, below = float(np.median(loss)), loss <= np.median(loss)
    width = math.sqrt(float(((loss[below] - median) ** 2).mean())) or float(np.ptp(loss))
    ranks = np.empty(len(loss))
    ranks[np.argsort(loss, kind="stable")] = np.arange(len(loss))
    raw = np.where(below, (loss - median) / width, ndtri((ranks + 0.5) / len(loss)))
    mean, sd = float(raw.mean()), float(raw.std())
    z = (raw - mean) / sd
    choices = tuple(int(c) for c in n_choices)
    Z, group = _features(X, choices)
    scale = width * sd
    extra = np.full(len(z), (noise_sd / scale) ** 2 if noise_sd else 0.0)
    hyper = gp.fit(Z, z, group, extra, log_lengthscale=_LOG_LENGTHSCALE)
    posterior = gp.condition(Z, z, group, extra, hyper)
    predicted, _ = gp.leave_one_out(posterior, z)
    order = np.argsort(loss, kind="stable")[below.sum() :]
    worse = np.append(-mean / sd, z[order]), np.append(median, loss[order])
    return Surrogate(
        X, z, median + width * mean, scale, -mean / sd, _spearman(predicted, z), choices, posterior, group,
        _pearson(predicted, z), worse,
    )  # fmt: skip


def grid_of(n_choices: int, n_values: int | None) -> FloatArray:
    """Places (g,) at which a profile is worth knowing: denser at the edges, or the bins of a discrete parameter."""
    if n_choices or (n_values is not None and n_values <= 12):
        n = n_choices or int(n_values or 1)
        return (np.arange(n) + 0.5) / n
    return np.array([0, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 1.0])


def profile(
    s: Surrogate,
    j: int,
    grid: FloatArray,
    rng: np.random.Generator,
    draws: int = 200,
    given: Mapping[int, float] | None = None,
) -> FloatArray:
    """Draws (draws, g) of the profile of parameter j, in warped units: O((16 g)^3 + n (16 g)^2).

    The minimum over the others is taken over 16 settings of them: the best trials', and random ones. ``given`` fixes some
    of them.
    """
    d = s.X.shape[1]
    best = np.argsort(s.z, kind="stable")[: _N_OTHERS // 2]
    others = np.vstack([s.X[best], rng.random((_N_OTHERS - len(best), d))])
    for k, u in (given or {}).items():
        others[:, k] = u
    points = np.repeat(others[None], len(grid), axis=0)
    points[:, :, j] = grid[:, None]
    drawn = _draws(s, points.reshape(-1, d), rng, draws)
    return np.asarray(drawn.reshape(draws, len(grid), _N_OTHERS).min(axis=2))


def edge_gain(drawn: FloatArray, grid: FloatArray, least: float) -> tuple[float, float, float, float]:
    """P(low edge gains), P(high edge gains), and the mean gains, of profile draws (r, g), in warped units.

    An edge gains if the profile in the outer 5 % of the range is lower than anywhere between 20 % and 80 %, by more than
    ``least``.
    """
    inside = drawn[:, (grid >= 0.2) & (grid <= 0.8)].min(axis=1)
    low = inside - drawn[:, grid <= 0.05].min(axis=1)
    high = inside - drawn[:, grid >= 0.95].min(axis=1)
    return float((low > least).mean()), float((high > least).mean()), float(low.mean()), float(high.mean())


def argmin_of(drawn: FloatArray, grid: FloatArray) -> FloatArray:
    """Where each draw (r, g) of a profile has its minimum (r,): the vertex of a parabola through the lowest place and its
    neighbours.
    """
    i = drawn.argmin(axis=1)
    inner = np.clip(i, 1, len(grid) - 2)
    rows = np.arange(len(drawn))
    if len(grid) < 3:
        return np.asarray(grid[i])
    x0, x1, x2 = grid[inner - 1], grid[inner], grid[inner + 1]
    y0, y1, y2 = (drawn[rows, inner + k] for k in (-1, 0, 1))
    top = (x1 - x0) ** 2 * (y1 - y2) - (x1 - x2) ** 2 * (y1 - y0)
    bottom = (x1 - x0) * (y1 - y2) - (x1 - x2) * (y1 - y0)
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = x1 - 0.5 * top / bottom
    curved = (i == inner) & np.isfinite(vertex)
    return np.asarray(np.where(curved, np.clip(vertex, x0, x2), grid[i]))


def mean_at(s: Surrogate, X: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Posterior mean and SD (m,), (m,) in warped units at X (m, d)."""
    Z, _ = _features(np.where(np.isnan(X), 0.5, X), s.n_choices)
    mean, sd = gp.predict(s.posterior, Z)
    return mean, sd


def left_out_error(s: Surrogate) -> float:
    """Root mean square error, in warped units, of the predictions of left-out trials of the better half. O(n^2)."""
    predicted, _ = gp.leave_one_out(s.posterior, s.z)
    good = s.z <= s.top
    return math.sqrt(float(((s.z - predicted)[good] ** 2).mean()))


def pair_shares(s: Surrogate, names: Sequence[int], rng: np.random.Generator, n: int = 48) -> FloatArray:
    """Variance shares (k, k) of the pair effects of parameters ``names`` in the better region, upper triangle. O(k^2 n^3).

    Functional ANOVA of the posterior mean (Hutter et al. 2014) in the box that spans the better half of the trials, on an
    8 x 8 grid a pair, averaged over ``n`` settings of the others. (Cutting off bad values instead would make two additive
    effects look like one joint effect.)
    """
    k, d = len(names), s.X.shape[1]
    good = s.X[s.z <= np.median(s.z)]
    low, high = np.quantile(good, (0.1, 0.9), axis=0)
    base = low + (high - low) * rng.random((n, d))
    shares = np.zeros((k, k))
    total = float(mean_at(s, low + (high - low) * rng.random((1000, d)))[0].var()) or 1.0
    g = (np.arange(8) + 0.5) / 8
    for a in range(k):
        for b in range(a + 1, k):
            points = np.repeat(base[None], 64, axis=0)
            for j, u in ((names[a], np.repeat(g, 8)), (names[b], np.tile(g, 8))):
                points[:, :, j] = (low[j] + (high[j] - low[j]) * u)[:, None]
            f = mean_at(s, points.reshape(-1, d))[0].reshape(8, 8, n).mean(axis=2)
            rest = f - f.mean(axis=0, keepdims=True) - f.mean(axis=1, keepdims=True) + f.mean()
            shares[a, b] = float(rest.var()) / total
    return shares


def _features(X: FloatArray, n_choices: Sequence[int]) -> tuple[FloatArray, IntArray]:
    """X with unordered parameters one-hot coded (at distance 1 of each other), and the parameter of each column."""
    columns, group = [], []
    for j, n in enumerate(n_choices):
        if n:
            index = np.minimum((X[:, j] * n).astype(np.int64), n - 1)
            columns += [(index == c) / math.sqrt(2) for c in range(n)]
            group += [j] * n
        else:
            columns.append(X[:, j])
            group.append(j)
    return np.column_stack(columns), np.array(group)


def _draws(s: Surrogate, X: FloatArray, rng: np.random.Generator, draws: int) -> FloatArray:
    """Joint draws (draws, m) of the latent function at X (m, d)."""
    Z, _ = _features(X, s.n_choices)
    p = s.posterior
    B = Z / p.scale
    K = _matern(B, p.A, p.signal_var)
    V = K @ p.L_inverse.T
    covariance = _matern(B, B, p.signal_var) - V @ V.T
    covariance.flat[:: len(X) + 1] += 1e-6 * p.signal_var
    L = np.linalg.cholesky(covariance)
    return np.asarray(K @ p.alpha + rng.standard_normal((draws, len(X))) @ L.T)


def _matern(A: FloatArray, B: FloatArray, signal_var: float) -> FloatArray:
    squared = (A * A).sum(axis=1)[:, None] + (B * B).sum(axis=1)[None, :] - 2 * (A @ B.T)
    r = np.sqrt(np.maximum(squared, 0.0))
    return np.asarray(signal_var * (1 + _ROOT5 * r + (5 / 3) * r * r) * np.exp(-_ROOT5 * r))


def _spearman(a: FloatArray, b: FloatArray) -> float:
    return _pearson(
        *(np.argsort(np.argsort(v, kind="stable"), kind="stable").astype(np.float64) for v in (a, b))
    )


def _pearson(a: FloatArray, b: FloatArray) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if min(a.std(), b.std()) > 0 else 0.0
