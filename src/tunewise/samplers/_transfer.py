"""What earlier studies teach a new one: where their losses were low.

A process over the sources' standardised losses is the mean function of the new study's process, as in the stacks of Vizier
(Golovin et al., KDD 2017); how much of it is taken is chosen by how well left-out losses of the new study are predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tunewise.errors import SettingError, SpaceError
from tunewise.records import TrialState
from tunewise.samplers._features import feature_groups, features
from tunewise.space import Space
from tunewise.stats import gp
from tunewise.stats.warp import make_warp
from tunewise.types import FloatArray, Json

_MOST_BEST, _MOST_OTHERS = 70, 30
_LEAST = 3


class Trend(NamedTuple):
    """The sources' process over features, and their best points in the unit cube, a source at a time."""

    model: gp.Posterior
    best: FloatArray  # (k, d)

    def mean(self, Z: FloatArray) -> FloatArray:
        """(m,) at features Z (m, D)."""
        return gp.predict(self.model, Z)[0]

    def slope(self, Z: FloatArray) -> FloatArray:
        """(m, D)."""
        return gp.predict_with_gradient(self.model, Z)[2]


def source_of(study: Any) -> dict[str, Json]:
    """A study as JSON: parameters and losses of its 70 best complete trials and 30 of the others, evenly spread.

    Raises:
        SettingError: it is no study of one goal with at least 3 complete trials.
    """
    if isinstance(study, Mapping) and set(study) == {"params", "loss"}:
        return dict(study)
    trials = getattr(study, "trials", study)
    if not hasattr(trials, "loss") or len(trials.goals) != 1:
        raise SettingError(f"{study!r} is nothing to start from; give studies with one goal.")
    numbers = np.flatnonzero(trials.state == TrialState.COMPLETE)
    if len(numbers) < _LEAST:
        raise SettingError(
            f"{trials.info.name!r} has {len(numbers)} complete trials; a source needs at least {_LEAST}."
        )
    order = numbers[np.argsort(trials.loss[numbers, 0], kind="stable")]
    rest = order[_MOST_BEST:]
    spread = (
        rest[np.unique(np.linspace(0, len(rest) - 1, _MOST_OTHERS).astype(np.int64))] if len(rest) else rest
    )
    chosen = np.concatenate([order[:_MOST_BEST], spread]).tolist()
    return {
        "params": [dict(trials.row(n).params) for n in chosen],
        "loss": [float(trials.loss[n, 0]) for n in chosen],
    }


def trend_of(space: Space, sources: Sequence[Mapping[str, Any]]) -> Trend | None:
    """What the sources say about a space; None where nothing of them lies in it. O(n^3) in their trials, 256 at most."""
    points, losses, best = [], [], []
    for source in sources:
        X, loss = _inside(space, source)
        if len(X) >= _LEAST:
            warp = make_warp(loss, None)
            share = max(_LEAST, 256 // len(sources))
            points.append(X[:share])
            losses.append(warp(loss)[:share])
            best.append(X[np.argmin(loss)])
    if not points:
        return None
    Z, y, group = features(space, np.concatenate(points)), np.concatenate(losses), feature_groups(space)
    noise = np.zeros(len(y))
    return Trend(
        gp.condition(Z, y, group, noise, gp.fit(Z, y, group, noise, with_quadratic=True)), np.array(best)
    )


def best_of(space: Space, sources: Sequence[Mapping[str, Any]], n: int) -> FloatArray:
    """Of each source in turn its best points that lie in a space, ``n`` of all: (m, d) in the unit cube, NaN where not known."""
    share = -(-n // max(1, len(sources)))
    found = [np.empty((0, space.n_dims))]
    for source in sources:
        X, loss = _inside(space, source)
        found.append(X[np.argsort(loss, kind="stable")[:share]])
    return np.concatenate(found)


def _inside(space: Space, source: Mapping[str, Any]) -> tuple[FloatArray, FloatArray]:
    """The source's points in the unit cube of a space (k, d), NaN where a parameter is not known, and their losses (k,)."""
    rows, losses = [], []
    for params, loss in zip(source["params"], source["loss"], strict=True):
        try:
            rows.append(space.encode({name: value for name, value in params.items() if name in space}))
        except SpaceError:  # outside the new ranges
            continue
        losses.append(loss)
    raw = np.array(rows).reshape(len(rows), space.n_dims)
    known = ~np.isnan(raw).all(axis=1)
    return space.to_unit(raw[known]), np.array(losses)[known]
