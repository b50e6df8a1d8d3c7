"""What the user believes about the optimum, as a factor of the acquisition that fades as trials come in.

piBO: Hvarfner et al., Augmenting acquisition functions with user beliefs for Bayesian optimization, ICLR 2022: the acquisition
times prior(x)^(10 / n).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tunewise.samplers._acquire import Acquisition
from tunewise.samplers._features import feature_groups, features
from tunewise.space import Space
from tunewise.types import Choice, FloatArray

_FADING = 10.0
_WIDTH = 0.15
_ODDS = 4.0  # of the believed choice against any other


class Believed(NamedTuple):
    """An acquisition plus ``weight`` times a log density: a parabola over numbers, a step for choices."""

    base: Acquisition
    weight: float
    centre: FloatArray  # (D,)
    curvature: FloatArray  # (D,)
    slope: FloatArray  # (D,)

    def value(self, Z: FloatArray) -> FloatArray:
        """(m,) at features Z (m, D)."""
        return np.asarray(self.base.value(Z) + self.weight * self._log_density(Z))

    def value_and_gradient(self, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(m,) and (m, D)."""
        value, gradient = self.base.value_and_gradient(Z)
        pull = self.slope - self.curvature * (Z - self.centre)
        return value + self.weight * self._log_density(Z), gradient + self.weight * pull

    def _log_density(self, Z: FloatArray) -> FloatArray:
        return np.asarray(Z @ self.slope - 0.5 * (Z - self.centre) ** 2 @ self.curvature)


def believed(base: Acquisition, space: Space, prior: Mapping[str, Choice], n: int) -> Acquisition:
    """``base`` with a prior after ``n`` finished trials; names that are not in the space have no effect."""
    known = [name in prior for name in space]
    if not any(known):
        return base
    group = feature_groups(space)
    is_one_hot = np.bincount(group)[group] > 1
    z = features(space, start_of(space, prior)[None])[0]
    on = np.array(known)[group]
    width = np.array([_WIDTH if d.is_numeric else 1 / math.sqrt(8 * math.log(_ODDS)) for d in space.domains])[
        group
    ]
    curvature = np.where(on & ~is_one_hot, width**-2.0, 0.0)
    slope = np.where(on & is_one_hot & (z > 0), math.sqrt(2) * math.log(_ODDS), 0.0)
    return Believed(base, _FADING / max(1, n), z, curvature, slope)


def start_of(space: Space, prior: Mapping[str, Choice]) -> FloatArray:
    """The unit point (d,) at which a search begins: what is believed, else the middle of numbers and the first choice.

    Raises:
        SpaceError: a value is not in its domain.
    """
    given = space.to_unit(space.encode({name: prior[name] for name in space if name in prior}))
    middle = np.array([0.5 if domain.is_numeric else 0.0 for domain in space.domains])
    return np.where(np.isnan(given), middle, given)
