"""Differences of two arms of few runs, with a variance that is moderated by earlier runs (Smyth 2004, "limma").

Losses are minimise-oriented; a difference is baseline minus candidate, so positive means that the candidate is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, fdtr, fdtrc, gammaln, nctdtr, stdtr, stdtrit

from tunewise.types import FloatArray

REFUSED_ABOVE, _REFUSED_BELOW = 0.08, 0.005


class Prior(NamedTuple):
    """What earlier runs say about the SD over seeds: its size, and how many degrees of freedom that is worth."""

    sd: float
    df: float


def variance_prior(groups: Sequence[FloatArray]) -> Prior | None:
    """The prior of a new configuration's SD from replicated ones, values (n_i,) each; None without a replicate. O(n).

    Variances s_i^2 with d_i degrees of freedom are s_0^2 F(d_i, d_0) where configurations differ (Smyth 2004); s_0 and d_0 are
    the most likely ones, if they are clearly likelier than equal variances (1 %), for which all are pooled. NaN (a diverged
    run) is left out. Give only configurations that are good: bad ones are noisier (3 to 40 times, in published retrains).
    """
    known = [group[np.isfinite(group)] for group in groups]
    known = [group for group in known if len(group) >= 2]
    if not known:
        return None
    df = np.array([len(group) - 1.0 for group in known])
    variance = np.array([group.var(ddof=1) for group in known])
    pooled, total = float((df * variance).sum() / df.sum()), float(df.sum())
    if len(known) < 3 or (variance <= 0).any():
        return Prior(math.sqrt(pooled), total)
    gain, centre, spread = _likeliest(variance / pooled, df)
    if gain <= 2.7:
        return Prior(math.sqrt(pooled), total)
    return Prior(math.sqrt(centre * pooled), 1 / (1 / spread + 1 / total))


def _likeliest(ratio: FloatArray, df: FloatArray) -> tuple[float, float, float]:
    """(gain in log-likelihood over equal variances, s_0^2, d_0) of ratio_i ~ s_0^2 F(df_i, d_0), on a grid."""
    spread = np.geomspace(1.5, 100.0, 30)[:, None, None]
    centre = np.geomspace(0.05, 4.0, 60)[None, :, None]
    x = ratio / centre
    log_f = (
        (df / 2) * np.log(df * x / spread)
        - (df + spread) / 2 * np.log1p(df * x / spread)
        - betaln(df / 2, spread / 2)
    ).sum(axis=2)
    log_chi2 = ((df / 2) * np.log(df * ratio / 2) - df * ratio / 2 - gammaln(df / 2)).sum()
    place = np.unravel_index(int(log_f.argmax()), log_f.shape)
    return float(log_f[place] - log_chi2), float(centre[0, place[1], 0]), float(spread[place[0], 0, 0])


class Moderated(NamedTuple):
    """A variance and its degrees of freedom, and whether the prior was used."""

    variance: float
    df: float
    used: bool


def moderate(sum_of_squares: float, df: float, prior: Prior | None) -> Moderated:
    """The arms' own variance and the prior's, weighted by their degrees of freedom (Smyth 2004, eq. 4).

    The prior is refused where the arms contradict it: an own variance that would be larger with probability below 8 % (a prior
    that is too small makes false adoptions: worst realised size of a 5 % test 7.8 %, unguarded 12.6 %), or smaller with
    probability below 0.5 % (which only costs power).
    """
    own = sum_of_squares / df
    if prior is None or prior.sd <= 0 or not agrees(sum_of_squares, df, prior):
        return Moderated(own, df, False)
    total = df + prior.df
    return Moderated((sum_of_squares + prior.df * prior.sd**2) / total, total, True)


def agrees(sum_of_squares: float, df: float, prior: Prior) -> bool:
    """Whether an own variance is believable under the prior (F test, see `moderate`)."""
    ratio = sum_of_squares / df / prior.sd**2
    return (
        float(fdtrc(df, prior.df, ratio)) > REFUSED_ABOVE
        and float(fdtr(df, prior.df, ratio)) > _REFUSED_BELOW
    )


class Difference(NamedTuple):
    """A difference of means with its standard error, degrees of freedom, the SD of one run, and if the prior was used."""

    delta: float
    error: float
    df: float
    sd: float
    used_prior: bool

    def above(self, least: float) -> float:
        """P(true difference > least): flat prior on the difference, scaled t."""
        if self.error <= 0:
            return float(self.delta > least)
        return float(stdtr(self.df, (self.delta - least) / self.error))

    def interval(self, level: float = 0.9) -> tuple[float, float]:
        """The central interval of the true difference."""
        reach = float(stdtrit(self.df, (1 + level) / 2)) * self.error
        return self.delta - reach, self.delta + reach

    def regret(self) -> float:
        """E[max(0, -difference)]: what adopting the candidate loses on average where it is the worse one."""
        if self.error <= 0 or self.df <= 1:
            return max(0.0, -self.delta)
        t, df = self.delta / self.error, self.df
        log_c = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)
        density = math.exp(log_c - (df + 1) / 2 * math.log1p(t * t / df))
        return self.error * ((df + t * t) / (df - 1) * density - t * float(stdtr(df, -t)))


def difference(
    candidate: FloatArray, baseline: FloatArray, prior: Prior | None = None, correlation: float | None = None
) -> Difference:
    """Compare finite losses (n,), (m,), at least 2 each.

    With ``correlation`` the runs are paired by seed (n = m) and the prior's SD counts for a difference of two runs so
    correlated; without, the arms are independent with one variance.

    Raises:
        ValueError: fewer than two runs in an arm, or paired arms of different lengths.
    """
    n, m = len(candidate), len(baseline)
    if min(n, m) < 2 or (correlation is not None and n != m):
        raise ValueError(f"{n} and {m} runs cannot be compared.")
    if correlation is None:
        own = float(((candidate - candidate.mean()) ** 2).sum() + ((baseline - baseline.mean()) ** 2).sum())
        found = moderate(own, n + m - 2, prior)
        error, sd = math.sqrt(found.variance * (1 / n + 1 / m)), math.sqrt(found.variance)
    else:
        gap = baseline - candidate
        shared = math.sqrt(2 * (1 - min(correlation, 0.99)))
        scaled = None if prior is None else Prior(prior.sd * shared, prior.df)
        found = moderate(float(((gap - gap.mean()) ** 2).sum()), n - 1, scaled)
        error, sd = math.sqrt(found.variance / n), math.sqrt(found.variance) / shared
    return Difference(float(baseline.mean() - candidate.mean()), error, found.df, sd, found.used)


def pairing_pays(correlation: float, n: int, prior_df: float = 0.0, effect: float = 1.5) -> bool:
    """Whether a t-test of n pairs has more power than one of two independent arms, at an effect in SDs.

    To be asked before the runs, with the correlation of earlier pairs: a choice made by looking at the data inflates errors.
    """
    paired = _power(effect * math.sqrt(n / (2 * (1 - min(correlation, 0.99)))), n - 1 + prior_df)
    return paired > _power(effect * math.sqrt(n / 2), 2 * n - 2 + prior_df)


def _power(centre: float, df: float) -> float:
    return 1.0 - float(nctdtr(df, centre, float(stdtrit(df, 0.95))))
