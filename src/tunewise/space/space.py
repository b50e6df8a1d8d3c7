"""Names, domains and conditions: the search space as one immutable value.

A matrix has one row a point and one column a name: raw or unit coding as in `tunewise.space.domains`, NaN where a parameter
is not active.
"""

from __future__ import annotations

import math
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tunewise.dice import code_of
from tunewise.errors import SpaceError
from tunewise.space.domains import Categorical, Domain, Float, Int, domain_from_json
from tunewise.space.limits import AtMost, Forbid, Limits, make_limits
from tunewise.types import BoolArray, Choice, FloatArray, Json, Params

_LARGEST_GRID = 10_000_000
_MOST_DRAWS = 100_000


class Space(Mapping[str, Domain]):
    """Names, their domains, and conditions; immutable and hashable, in insertion order.

    ``when={"momentum": ("optimizer", ["sgd"])}`` makes *momentum* active only where *optimizer* is active and
    has one of these values. Matrices have one row a point and one column a name: (n, n_dims).

    ``pins={"momentum": 0.9}`` holds parameters at a value: all domains stay what they are, so that every earlier trial
    is a point of the space, but each point that the space makes (`from_unit`, `sample`, `grid`) has the pinned values.

    ``forbid=[{"optimizer": "sgd", "act": ["relu", "gelu"]}]`` rules out points that have one of these values in every one of
    the parameters named; ``at_most=[({"a": 1, "b": 2}, 10)]`` rules out points with a + 2 b > 10 (in the parameters' own
    units). `sample` and `grid` make allowed points only; of others `allowed` tells.

    Raises:
        SpaceError: a condition names an unknown parameter, an impossible value, or closes a circle; a pin or a forbidden
            value that is not one of its parameter; a linear constraint on a choice.
    """

    __slots__ = (
        "_all_float", "_conditions", "_domains", "_hash", "_pin_columns", "_pin_values", "_scales", "_varying", "code", "limits",
        "names", "pins", "when",
    )  # fmt: skip

    def __init__(
        self,
        domains: Mapping[str, Domain],
        when: Mapping[str, tuple[str, Sequence[Choice]]] | None = None,
        pins: Mapping[str, Choice] | None = None,
        forbid: Forbid = (),
        at_most: AtMost = (),
        *,
        limits: Limits | None = None,
    ) -> None:
        for name, domain in domains.items():
            if not isinstance(name, str) or not name:
                raise SpaceError(f"{name!r} is no parameter name; use a non-empty string.")
            if not isinstance(domain, Float | Int | Categorical):
                raise SpaceError(f"{name!r} has the domain {domain!r}; use Float, Int or Categorical.")
        self._domains: dict[str, Domain] = dict(domains)
        self.names: tuple[str, ...] = tuple(domains)
        self.when: dict[str, tuple[str, tuple[Choice, ...]]] = {
            child: (parent, tuple(values)) for child, (parent, values) in (when or {}).items()
        }
        self._conditions = self._ordered_conditions()
        self._scales = _Scales(tuple(self._domains.values()))
        self._all_float = all(isinstance(domain, Float) for domain in self._domains.values())
        self._varying = np.array([domain.n_values != 1 for domain in domains.values()], dtype=bool)
        self.code = code_of([name for name, domain in domains.items() if domain.n_values != 1])
        self.pins: Params = {}
        if pins:
            raw = self.encode(pins)
            self._pin_columns = np.flatnonzero(~np.isnan(raw))
            self._pin_values = raw[self._pin_columns]
            self.pins = self.decode(raw)
        self.limits = (
            make_limits(forbid, at_most, self._domains) if limits is None else limits.within(self._domains)
        )
        self._hash = hash((
            tuple(self._domains.items()), tuple(sorted(self.when.items(), key=lambda kv: kv[0])), tuple(self.pins.items()),
            self.limits,
        ))  # fmt: skip

    def __getitem__(self, name: str) -> Domain:
        return self._domains[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._domains)

    def __len__(self) -> int:
        return len(self._domains)

    def items(self) -> ItemsView[str, Domain]:
        """Names and domains, in order."""
        return self._domains.items()

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        return (
            self._hash == other._hash
            and self.names == other.names
            and self._domains == other._domains
            and self.when == other.when
            and self.pins == other.pins
            and self.limits == other.limits
        )

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={domain!r}" for name, domain in self._domains.items())
        more = {"when": self.when, "pins": self.pins, **self.limits.to_json()}
        return f"Space({inside}{''.join(f', {key}={value!r}' for key, value in more.items() if value)})"

    @property
    def domains(self) -> tuple[Domain, ...]:
        """The domains, in the order of ``names``."""
        return tuple(self._domains.values())

    @property
    def n_dims(self) -> int:
        """How many parameters there are."""
        return len(self._domains)

    @property
    def n_points(self) -> int | None:
        """How many different points there are (inactive values not counted); None for a continuum."""
        total = 1
        for name, domain in self._domains.items():
            if domain.n_values is None and name not in self.pins:
                return None
            total *= domain.n_values or 1 if name not in self.pins else 1
        if not (self.when or self.has_limits) or total > _LARGEST_GRID:
            return total
        return len(self.grid())

    def subset(self, names: Sequence[str]) -> Space:
        """The space of these parameters, with the conditions that lie wholly inside it."""
        inside = set(names)
        when = {c: pv for c, pv in self.when.items() if c in inside and pv[0] in inside}
        pins = {name: value for name, value in self.pins.items() if name in inside}
        return Space({name: self._domains[name] for name in names}, when, pins, limits=self.limits)

    def replace(self, **domains: Domain) -> Space:
        """The same space with some domains replaced or added."""
        return Space({**self._domains, **domains}, self.when, self.pins, limits=self.limits)

    def pinned(self, pins: Mapping[str, Choice]) -> Space:
        """The same space with these parameters held at a value, and no others."""
        return self if pins == self.pins else Space(self._domains, self.when, pins, limits=self.limits)

    @property
    def has_limits(self) -> bool:
        """Whether some points are ruled out."""
        return bool(self.limits.forbid or self.limits.at_most)

    def allowed(self, raw: FloatArray) -> BoolArray:
        """Which rows of raw (n, d) break no limit."""
        return self.limits.allowed(np.asarray(raw), self.names, self._domains)

    def to_unit(self, raw: FloatArray) -> FloatArray:
        """Raw (n, d) to the unit cube (n, d)."""
        return self._scales.to_unit(np.asarray(raw, dtype=np.float64))

    def from_unit(self, u: FloatArray) -> FloatArray:
        """The unit cube (n, d) to legal raw values (n, d)."""
        raw = self._scales.from_unit(np.asarray(u, dtype=np.float64))
        if self.pins:
            raw[..., self._pin_columns] = self._pin_values
        return raw

    def active(self, raw: FloatArray) -> BoolArray:
        """Which entries of raw (n, d) are active under the conditions."""
        raw = np.asarray(raw)
        active = np.ones(raw.shape, dtype=bool)
        for child, parent, wanted in self._conditions:
            active[..., child] = active[..., parent] & np.isin(raw[..., parent], wanted)
        return active

    def mask(self, raw: FloatArray) -> FloatArray:
        """Raw (n, d) with NaN where a parameter is inactive."""
        if not self._conditions:
            return raw
        return np.where(self.active(raw), raw, np.nan)

    def sample(self, rng: np.random.Generator, n: int) -> FloatArray:
        """n points drawn uniformly from the unit cube, allowed ones only: raw (n, d), NaN where inactive.

        Raises:
            SpaceError: of 100,000 points none is allowed.
        """
        points = self._drawn(rng, n)
        if not self.has_limits:
            return points
        found, tried = points[self.allowed(points)], n
        while len(found) < n:
            if tried > _MOST_DRAWS and not len(found):
                raise SpaceError(
                    f"Of {tried} points none is allowed by {self.limits.to_json()}; relax the limits."
                )
            more = self._drawn(rng, max(64, n))
            found, tried = np.concatenate([found, more[self.allowed(more)]]), tried + len(more)
        return found[:n]

    def _drawn(self, rng: np.random.Generator, n: int) -> FloatArray:
        """n points, allowed or not; a constant takes no random number, so that it changes nothing for the others."""
        u = np.full((n, self.n_dims), 0.5)
        u[:, self._varying] = rng.random((n, int(self._varying.sum())))
        return self.mask(self.from_unit(u))

    def nearest_allowed(self, raw: FloatArray, rng: np.random.Generator) -> FloatArray:
        """``raw`` (d,) if it is allowed, else the nearest (in the unit cube) of 256 allowed points drawn at random."""
        if not self.has_limits or self.allowed(raw):
            return raw
        points = self.sample(rng, 256)
        here, there = self.to_unit(raw), self.to_unit(points)
        gaps = np.where(np.isnan(here) & np.isnan(there), 0.0, np.nan_to_num(np.abs(here - there), nan=1.0))
        return np.asarray(points[np.argmin((gaps**2).sum(axis=1))])

    def grid(self, max_points: int = _LARGEST_GRID) -> FloatArray:
        """All different points of a finite space: raw (n, d), NaN where inactive.

        Raises:
            SpaceError: a parameter is continuous, or there are more than ``max_points`` points.
        """
        for name, domain in self._domains.items():
            if domain.n_values is None and name not in self.pins:
                raise SpaceError(f"{name!r} is continuous; give it a step, or list its values.")
        axes = [self.axis(name) for name in self._domains]
        total = math.prod(len(axis) for axis in axes)
        if total > max_points:
            raise SpaceError(f"The grid has {total} points, more than {max_points}; use fewer values.")
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(total, self.n_dims)
        points = points[self.allowed(self.mask(points))]
        if not self.when:
            return points
        distinct = np.unique(
            np.nan_to_num(self.mask(points), nan=-np.inf), axis=0
        )  # rows of NaN never compare equal
        return np.where(np.isinf(distinct), np.nan, distinct)

    def axis(self, name: str) -> FloatArray:
        """All raw values that points of this space can have in a discrete (or pinned) parameter, in order."""
        domain = self._domains[name]
        return np.array([domain.encode(self.pins[name])]) if name in self.pins else domain.values()

    def encode(self, params: Mapping[str, Any]) -> FloatArray:
        """A dict of values to raw (d,); absent names are NaN. Raises SpaceError, naming the parameter."""
        raw = np.full(self.n_dims, np.nan)
        unknown = [name for name in params if name not in self._domains]
        if unknown:
            raise SpaceError(f"{unknown} are not parameters of this space, which has {list(self.names)}.")
        for j, (name, domain) in enumerate(self._domains.items()):
            if name in params:
                try:
                    raw[j] = domain.encode(params[name])
                except SpaceError as error:
                    raise SpaceError(f"Parameter {name!r}: {error}") from None
        return raw

    def encode_all(self, params: Mapping[str, Any]) -> FloatArray:
        """`encode` for a whole point; inactive values are left out. Raises SpaceError where an active one is missing."""
        raw = self.encode(params)
        missing = [
            n for n, on, x in zip(self.names, self.active(raw), raw, strict=True) if on and np.isnan(x)
        ]
        if missing:
            raise SpaceError(
                f"{dict(params)} has no value for {', '.join(missing)}; give every active parameter."
            )
        return self.mask(raw)

    def decode(self, raw: FloatArray) -> Params:
        """Raw (d,) to a dict of values; NaN entries are left out."""
        numbers = np.asarray(raw).tolist()
        if self._all_float and not math.isnan(sum(numbers)):
            return dict(zip(self.names, numbers, strict=True))
        pairs = zip(self._domains.items(), numbers, strict=True)
        return {name: domain.decode(x) for (name, domain), x in pairs if x == x}

    def to_json(self) -> dict[str, Json]:
        """A plain dict that `space_from_json` reads back."""
        return {
            "domains": {name: domain.to_json() for name, domain in self._domains.items()},
            "when": {child: [parent, list(values)] for child, (parent, values) in self.when.items()},
            **({} if not self.has_limits else self.limits.to_json()),
        }

    def _ordered_conditions(self) -> list[tuple[int, int, FloatArray]]:
        """(child column, parent column, raw values of the parent), parents before children."""
        waiting = dict(self.when)
        for child, (parent, values) in waiting.items():
            if child not in self._domains or parent not in self._domains:
                raise SpaceError(
                    f"The condition {child!r} on {parent!r} names a parameter that is not in the space."
                )
            for value in values:
                self._domains[parent].encode(value)
        column = {name: j for j, name in enumerate(self.names)}
        ordered: list[tuple[int, int, FloatArray]] = []
        while waiting:
            ready = [child for child, (parent, _) in waiting.items() if parent not in waiting]
            if not ready:
                raise SpaceError(
                    f"The conditions on {sorted(waiting)} depend on each other in a circle; break it."
                )
            for child in ready:
                parent, values = waiting.pop(child)
                wanted = np.array([self._domains[parent].encode(value) for value in values])
                ordered.append((column[child], column[parent], wanted))
        return ordered


def space_from_json(data: Mapping[str, Json]) -> Space:
    """Read what ``Space.to_json`` wrote."""
    domains = {name: domain_from_json(domain) for name, domain in data["domains"].items()}
    when = {child: (pv[0], tuple(pv[1])) for child, pv in data.get("when", {}).items()}
    return Space(domains, when, forbid=data.get("forbid", ()), at_most=data.get("at_most", ()))


class _Scales:
    """The continuous columns of a space taken together: one vector operation instead of one a column."""

    def __init__(self, domains: tuple[Domain, ...]) -> None:
        smooth = [isinstance(d, Float) and d.n_values is None for d in domains]
        ranges = [
            d for d, is_smooth in zip(domains, smooth, strict=True) if is_smooth and isinstance(d, Float)
        ]
        self.columns = np.flatnonzero(smooth)
        self.others = [(j, d) for j, d in enumerate(domains) if not smooth[j]]
        self.low, self.high = np.array([d.low for d in ranges]), np.array([d.high for d in ranges])
        self.log = np.array([d.log for d in ranges], dtype=bool)
        self.any_log = bool(self.log.any())
        self.start = np.where(self.log, np.log(np.where(self.log, self.low, 1.0)), self.low)
        self.width = np.where(self.log, np.log(np.where(self.log, self.high, 1.0)), self.high) - self.start

    def to_unit(self, raw: FloatArray) -> FloatArray:
        u = np.empty_like(raw)
        smooth = raw if not self.others else raw[..., self.columns]
        if self.any_log:
            smooth = np.where(self.log, np.log(np.where(self.log, smooth, 1.0)), smooth)
        u[..., self.columns] = (smooth - self.start) / self.width
        for j, domain in self.others:
            u[..., j] = domain.to_unit(raw[..., j])
        return u

    def from_unit(self, u: FloatArray) -> FloatArray:
        if not self.others:
            return self._smooth(u)
        raw = np.empty_like(u)
        raw[..., self.columns] = self._smooth(u[..., self.columns])
        for j, domain in self.others:
            raw[..., j] = domain.from_unit(u[..., j])
        return raw

    def _smooth(self, u: FloatArray) -> FloatArray:
        raw = self.start + u * self.width
        if self.any_log:
            raw = np.where(self.log, np.exp(np.where(self.log, raw, 0.0)), raw)
        return np.asarray(np.minimum(np.maximum(raw, self.low), self.high))
