"""The standard normal distribution cut to an interval, accurate in both tails.

All functions broadcast. An interval in the upper tail is mirrored first, since ``ndtr`` keeps its relative accuracy
only on the negative side.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from tunewise.types import FloatArray


def quantile(u: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """The u-quantile, u in [0, 1], of a standard normal variable given that it lies in [low, high].

    Beyond 37 standard deviations, where doubles cannot hold the mass, the end nearest to the centre is returned.
    """
    upper = np.asarray(low) > 0
    a, b = np.where(upper, -high, low), np.where(upper, -low, high)
    mass_below = ndtr(a)
    mass = ndtr(b) - mass_below
    x = np.where(mass > 0, ndtri(mass_below + np.where(upper, 1.0 - u, u) * mass), b)
    return np.asarray(np.where(upper, -x, x).clip(low, high))
