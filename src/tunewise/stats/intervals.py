"""Intervals and tails from scipy.special alone (scipy.stats takes a second to import)."""

from __future__ import annotations

import math

from scipy.special import betaincinv, chdtri, ndtri


def jeffreys(successes: int, n: int, level: float = 0.9) -> tuple[float, float]:
    """The Jeffreys interval of a share; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(betaincinv(successes + 0.5, n - successes + 0.5, tail))
    high = 1.0 if successes == n else float(betaincinv(successes + 0.5, n - successes + 0.5, 1 - tail))
    return low, high


def binomial_tail(successes: int, n: int, share: float) -> float:
    """P(Bin(n, share) >= successes)."""
    return float(sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(successes, n + 1)))


def sd_interval(sd: float, df: float, level: float = 0.9) -> tuple[float, float]:
    """The chi-squared interval of a standard deviation estimated with ``df`` degrees of freedom; normal data."""
    tail = (1 - level) / 2
    return sd * math.sqrt(df / float(chdtri(df, tail))), sd * math.sqrt(df / float(chdtri(df, 1 - tail)))


def wilson(successes: int, n: int, level: float = 0.9) -> tuple[float, float]:
    """Wilson's interval of a share; (0, 1) for n = 0."""
    if n == 0:
        return 0.0, 1.0
    z = float(ndtri((1 + level) / 2))
    share, extra = successes / n, z * z / n
    centre = (share + extra / 2) / (1 + extra)
    reach = z / (1 + extra) * math.sqrt(share * (1 - share) / n + extra / (4 * n))
    return max(0.0, centre - reach), min(1.0, centre + reach)
