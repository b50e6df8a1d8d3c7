"""Points that a space rules out: forbidden combinations of values, and linear constraints on numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tunewise.errors import SpaceError
from tunewise.space.domains import Categorical, Domain
from tunewise.types import BoolArray, Choice, FloatArray, Json

Forbid = Sequence[Mapping[str, Choice | Sequence[Choice]]]
AtMost = Sequence[tuple[Mapping[str, float], float]]

_TOLERANCE = 1e-9


class Limits(NamedTuple):
    """``forbid``: no point may have all of these values at once. ``at_most``: a weighted sum of numbers and its bound."""

    forbid: tuple[tuple[tuple[str, tuple[Choice, ...]], ...], ...] = ()
    at_most: tuple[tuple[tuple[tuple[str, float], ...], float], ...] = ()

    def allowed(self, raw: FloatArray, names: Sequence[str], domains: Mapping[str, Domain]) -> BoolArray:
        """Which rows of raw (n, d), with one column a name, break no limit. An inactive parameter breaks none.

        O(n) for each limit.
        """
        column = {name: j for j, name in enumerate(names)}
        fine = np.ones(raw.shape[:-1], dtype=bool)
        for clause in self.forbid:
            hit = np.ones_like(fine)
            for name, values in clause:
                hit &= np.isin(raw[..., column[name]], [domains[name].encode(value) for value in values])
            fine &= ~hit
        for weights, bound in self.at_most:
            terms = [weight * np.nan_to_num(raw[..., column[name]]) for name, weight in weights]
            room = _TOLERANCE * max(1.0, abs(bound))
            fine &= np.sum(terms, axis=0) <= bound + room
        return fine

    @property
    def names(self) -> frozenset[str]:
        """The parameters that some limit refers to."""
        terms = [*self.forbid, *(weights for weights, _ in self.at_most)]
        return frozenset(name for term in terms for name, _ in term)

    def within(self, domains: Mapping[str, Domain]) -> Limits:
        """The limits that concern only these parameters, without values that they cannot have."""
        forbid = []
        for clause in self.forbid:
            kept = [(n, tuple(v for v in vs if n in domains and domains[n].contains(v))) for n, vs in clause]
            if all(values for _, values in kept):
                forbid.append(tuple(kept))
        at_most = [(w, bound) for w, bound in self.at_most if all(name in domains for name, _ in w)]
        return Limits(tuple(forbid), tuple(at_most))

    def to_json(self) -> dict[str, Json]:
        """A plain dict whose entries `make_limits` takes."""
        return {
            "forbid": [{name: list(values) for name, values in clause} for clause in self.forbid],
            "at_most": [[dict(weights), bound] for weights, bound in self.at_most],
        }


def make_limits(forbid: Forbid, at_most: AtMost, domains: Mapping[str, Domain]) -> Limits:
    """Limits that fit some domains.

    Raises:
        SpaceError: an unknown name, a value that its parameter cannot have, a weight on a choice, or nothing to forbid.
    """
    return Limits(
        tuple(_clause(clause, domains) for clause in forbid),
        tuple(_sum(weights, bound, domains) for weights, bound in at_most),
    )


def _clause(
    clause: Mapping[str, Any], domains: Mapping[str, Domain]
) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
    if not clause:
        raise SpaceError("A forbidden combination is empty; name the values that may not come together.")
    pairs = []
    for name, given in clause.items():
        domain = _domain(name, domains, f"The forbidden combination {dict(clause)!r}")
        values = tuple(given) if isinstance(given, list | tuple | set | frozenset) else (given,)
        pairs.append((name, tuple(domain.decode(domain.encode(value)) for value in values)))
    return tuple(pairs)


def _sum(
    weights: Mapping[str, float], bound: float, domains: Mapping[str, Domain]
) -> tuple[tuple[tuple[str, float], ...], float]:
    for name, weight in weights.items():
        domain = _domain(name, domains, f"The linear constraint {dict(weights)!r} <= {bound!r}")
        if isinstance(domain, Categorical):
            raise SpaceError(
                f"{name!r} is a choice, {domain}; a linear constraint needs numbers. Forbid combinations instead."
            )
        if not np.isfinite(weight) or not np.isfinite(bound):
            raise SpaceError(
                f"The linear constraint {dict(weights)!r} <= {bound!r} must have finite numbers."
            )
    if not weights:
        raise SpaceError(f"The linear constraint ... <= {bound!r} names no parameter; give {{name: weight}}.")
    return tuple((name, float(weight)) for name, weight in weights.items()), float(bound)


def _domain(name: str, domains: Mapping[str, Domain], what: str) -> Domain:
    if name not in domains:
        raise SpaceError(f"{what} names {name!r}, which is not in the space; it has {list(domains)}.")
    return domains[name]
