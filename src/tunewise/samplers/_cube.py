"""One point of the unit cube to raw values without a loop over the parameters.

``Space.from_unit`` and ``Space.mask`` do the same for many points; for a single one their loop costs more than
everything else that a random or quasi-random suggestion does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from tunewise.space import Domain, Float, Space
from tunewise.types import FloatArray


def from_cube(space: Space, u: FloatArray) -> FloatArray:
    """u (d,) in [0, 1] to raw (d,), NaN where inactive: the same bits as ``space.mask(space.from_unit(u))``."""
    raw = _plan(space)(u)
    return space.mask(raw) if space.when else raw


@lru_cache(maxsize=256)
def _plan(space: Space) -> Callable[[FloatArray], FloatArray]:
    """Continuous columns at once, linear or logarithmic; the others one by one."""
    logarithmic = [j for j, domain in enumerate(space.domains) if _is_continuous(domain, log=True)]
    linear = [j for j, domain in enumerate(space.domains) if _is_continuous(domain, log=False)]
    others = [(j, domain.from_unit) for j, domain in enumerate(space.domains) if j not in {*logarithmic, *linear}]
    low, high = np.ones((2, space.n_dims))
    for j in (*logarithmic, *linear):
        low[j], high[j] = space.domains[j].low, space.domains[j].high  # type: ignore[union-attr]
    width = high - low
    log_low = low[logarithmic]
    log_width = np.array([math.log(high[j] / low[j]) for j in logarithmic])

    def raw_of(u: FloatArray) -> FloatArray:
        raw = low + u * width
        if logarithmic:
            raw[logarithmic] = np.maximum(log_low * np.exp(u[logarithmic] * log_width), log_low)
        np.minimum(raw, high, out=raw)
        for j, from_unit in others:
            raw[j] = from_unit(u[j])
        return raw

    return raw_of


def _is_continuous(domain: Domain, *, log: bool) -> bool:
    return isinstance(domain, Float) and domain.step is None and domain.log == log
