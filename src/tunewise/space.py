"""Search spaces as values: what a parameter may be, and two codings of it.

*raw* is the float64 coding of a value: numbers as themselves, categoricals as an index into the choices.
*unit* is its place in [0, 1]: linear or logarithmic for numbers; discrete numbers and categoricals own equal
bins and sit at their centres. ``from_unit`` accepts any u in [0, 1] and returns a legal raw value, and
``from_unit(to_unit(raw)) == raw`` for every legal raw value. NaN means "not active" and stays NaN.
"""

from __future__ import annotations

import math
from collections.abc import ItemsView, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from tunewise.dice import code_of
from tunewise.errors import SpaceError
from tunewise.types import BoolArray, Choice, FloatArray, IntArray, Json, Params

_LARGEST_INT = 2**53
_LARGEST_GRID = 10_000_000


@dataclass(frozen=True, slots=True)
class Float:
    """A real number in [low, high], uniform on a linear or (``log=True``) logarithmic scale.

    With ``step`` the values are low, low + step, ...; ``high`` is lowered to the last of them.

    Raises:
        SpaceError: bounds not finite or reversed, log with low <= 0, step <= 0, or step together with log.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        low, high = _number(self.low, "low"), _number(self.high, "high")
        _check_bounds(low, high, self.log)
        if not math.isfinite(high - low):
            raise SpaceError(f"The range {low!r}..{high!r} is wider than a float can hold; narrow it.")
        if self.step is not None:
            step = _number(self.step, "step")
            if self.log:
                raise SpaceError("A Float has a step or a log scale, not both; drop one of them.")
            if step <= 0:
                raise SpaceError(f"step is {step!r}; it must be above 0.")
            high = _last_multiple(low, high, step)
            object.__setattr__(self, "step", step)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def n_values(self) -> int | None:
        """How many values there are; None for a continuum."""
        if self.step is not None:
            return self._n_steps
        return 1 if self.low == self.high else None

    @property
    def is_numeric(self) -> bool:
        """Whether neighbouring values are alike."""
        return True

    def values(self) -> FloatArray:
        """All raw values in order. Raises SpaceError for a continuum."""
        n_values = self.n_values
        if n_values is None:
            raise SpaceError(f"{self} has no finite list of values; give it a step.")
        if self.step is None:
            return np.array([self.low])
        return _multiples(self.low, self.step, np.arange(n_values))

    def contains(self, value: object) -> bool:
        """Whether ``value`` is legal here (a multiple of the step within 1e-8 of one)."""
        if isinstance(value, (bool, str)) or value is None or not _is_real(value):
            return False
        number = float(value)  # type: ignore[arg-type]
        if not self.low <= number <= self.high:
            return False
        if self.step is None:
            return True
        position = (number - self.low) / self.step
        return abs(position - round(position)) < 1e-8

    def encode(self, value: object) -> float:
        """The raw coding of a value. Raises SpaceError when it is not legal here."""
        if not self.contains(value):
            raise SpaceError(f"{value!r} is not in {self}; give a number inside the range.")
        return float(value)  # type: ignore[arg-type]

    def decode(self, raw: float) -> float:
        """The value that a raw coding stands for."""
        return float(raw)

    def to_unit(self, raw: FloatArray) -> FloatArray:
        """Raw values, any shape, to [0, 1]."""
        if self.step is not None:
            index = np.round((np.asarray(raw) - self.low) / self.step)
            return np.asarray((index + 0.5) / self._n_steps)
        return _scale(raw, self.low, self.high, self.log)

    def from_unit(self, u: FloatArray) -> FloatArray:
        """Any u in [0, 1], any shape, to legal raw values."""
        if self.step is not None:
            return _multiples(self.low, self.step, _bin(u, self._n_steps))
        return _unscale(u, self.low, self.high, self.log)

    @property
    def _n_steps(self) -> int:
        return round((self.high - self.low) / (self.step or 1.0)) + 1

    def to_json(self) -> list[Json]:
        """A short list that `domain_from_json` reads back."""
        return ["f", self.low, self.high, int(self.log), self.step]


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number in low..high in steps of ``step``, on a linear or logarithmic scale.

    Raises:
        SpaceError: bounds not whole, reversed or beyond 2**53, log with low < 1, step < 1, or log with step > 1.
    """

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        low, high, step = _whole(self.low, "low"), _whole(self.high, "high"), _whole(self.step, "step")
        _check_bounds(low, high, self.log)
        if step < 1:
            raise SpaceError(f"step is {step}; it must be at least 1.")
        if self.log and step != 1:
            raise SpaceError("An Int has a step or a log scale, not both; drop one of them.")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", low + (high - low) // step * step)
        object.__setattr__(self, "step", step)

    @property
    def n_values(self) -> int:
        """How many values there are."""
        return (self.high - self.low) // self.step + 1

    @property
    def is_numeric(self) -> bool:
        """Whether neighbouring values are alike."""
        return True

    def values(self) -> FloatArray:
        """All raw values in order."""
        return self.low + self.step * np.arange(self.n_values, dtype=np.float64)

    def contains(self, value: object) -> bool:
        """Whether ``value`` is legal here; 3.0 counts as 3."""
        if isinstance(value, (bool, str)) or value is None or not _is_real(value):
            return False
        number = float(value)  # type: ignore[arg-type]
        if not self.low <= number <= self.high or number != math.floor(number):
            return False
        return (int(number) - self.low) % self.step == 0

    def encode(self, value: object) -> float:
        """The raw coding of a value. Raises SpaceError when it is not legal here."""
        if not self.contains(value):
            raise SpaceError(f"{value!r} is not in {self}; give a whole number inside the range.")
        return float(value)  # type: ignore[arg-type]

    def decode(self, raw: float) -> int:
        """The value that a raw coding stands for."""
        return int(raw)

    def to_unit(self, raw: FloatArray) -> FloatArray:
        """Raw values, any shape, to [0, 1]: bin centres, on a log scale from low - 1/2 to high + 1/2."""
        if self.log:
            return _scale(raw, self.low - 0.5, self.high + 0.5, True)
        return np.asarray(((np.asarray(raw) - self.low) / self.step + 0.5) / self.n_values)

    def from_unit(self, u: FloatArray) -> FloatArray:
        """Any u in [0, 1], any shape, to legal raw values."""
        if self.log:
            raw = np.round(_unscale(u, self.low - 0.5, self.high + 0.5, True))
            return np.clip(raw, self.low, self.high)
        return self.low + self.step * _bin(u, self.n_values)

    def to_json(self) -> list[Json]:
        """A short list that `domain_from_json` reads back."""
        return ["i", self.low, self.high, int(self.log), self.step]


@dataclass(frozen=True, slots=True)
class Categorical:
    """One of some choices; ``ordered=True`` where their order means something.

    Choices are None, bool, int, float or str, all different (``1``, ``1.0`` and ``True`` differ).

    Raises:
        SpaceError: no choices, duplicates, or a choice of another type.
    """

    choices: tuple[Choice, ...]
    ordered: bool = False

    def __post_init__(self) -> None:
        choices = tuple(_plain(choice) for choice in self.choices)
        if not choices:
            raise SpaceError("A Categorical needs at least one choice.")
        if len({(type(c), c) for c in choices}) != len(choices):
            raise SpaceError(f"The choices {choices!r} repeat one; list each once.")
        object.__setattr__(self, "choices", choices)

    @property
    def n_values(self) -> int:
        """How many choices there are."""
        return len(self.choices)

    @property
    def is_numeric(self) -> bool:
        """Whether neighbouring values are alike."""
        return self.ordered

    def values(self) -> FloatArray:
        """All raw values in order."""
        return np.arange(len(self.choices), dtype=np.float64)

    def contains(self, value: object) -> bool:
        """Whether ``value`` is one of the choices."""
        return self._index(value) is not None

    def encode(self, value: object) -> float:
        """The index of a choice. Raises SpaceError when it is not one."""
        index = self._index(value)
        if index is None:
            raise SpaceError(f"{value!r} is not one of the choices {list(self.choices)!r}; pick one of them.")
        return float(index)

    def decode(self, raw: float) -> Choice:
        """The choice at an index."""
        return self.choices[int(raw)]

    def to_unit(self, raw: FloatArray) -> FloatArray:
        """Indices, any shape, to bin centres in [0, 1]."""
        return np.asarray((np.asarray(raw) + 0.5) / len(self.choices))

    def from_unit(self, u: FloatArray) -> FloatArray:
        """Any u in [0, 1], any shape, to indices."""
        return _bin(u, len(self.choices))

    def to_json(self) -> list[Json]:
        """A short list that `domain_from_json` reads back."""
        return ["c", list(self.choices), int(self.ordered)]

    def _index(self, value: object) -> int | None:
        loose = None
        for index, choice in enumerate(self.choices):
            if choice is value or (type(choice) is type(value) and choice == value):
                return index
            if loose is None and choice == value and not isinstance(choice, bool | str):
                loose = index if not isinstance(value, bool) else None
        return loose


Domain = Float | Int | Categorical


def domain_from_json(data: Sequence[Json]) -> Domain:
    """Read what ``Domain.to_json`` wrote. Raises SpaceError when it is something else."""
    kind, *rest = data
    if kind == "f":
        return Float(rest[0], rest[1], bool(rest[2]), rest[3])
    if kind == "i":
        return Int(rest[0], rest[1], bool(rest[2]), rest[3])
    if kind == "c":
        return Categorical(tuple(rest[0]), bool(rest[1]))
    raise SpaceError(f"{kind!r} is no kind of domain; it is one of f, i, c.")


class Space(Mapping[str, Domain]):
    """Names, their domains, and conditions; immutable and hashable, in insertion order.

    ``when={"momentum": ("optimizer", ["sgd"])}`` makes *momentum* active only where *optimizer* is active and
    has one of these values. Matrices have one row a point and one column a name: (n, n_dims).

    Raises:
        SpaceError: a condition names an unknown parameter, an impossible value, or closes a circle.
    """

    __slots__ = ("_all_float", "_conditions", "_domains", "_hash", "_scales", "code", "names", "when")

    def __init__(
        self,
        domains: Mapping[str, Domain],
        when: Mapping[str, tuple[str, Sequence[Choice]]] | None = None,
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
        self.code = code_of(self.names)
        self._hash = hash(
            (tuple(self._domains.items()), tuple(sorted(self.when.items(), key=lambda kv: kv[0])))
        )

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
        )

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={domain!r}" for name, domain in self._domains.items())
        return f"Space({inside}{f', when={self.when!r}' if self.when else ''})"

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
        for domain in self._domains.values():
            if domain.n_values is None:
                return None
            total *= domain.n_values
        if not self.when or total > _LARGEST_GRID:
            return total
        return len(self.grid())

    def subset(self, names: Sequence[str]) -> Space:
        """The space of these parameters, with the conditions that lie wholly inside it."""
        inside = set(names)
        when = {c: pv for c, pv in self.when.items() if c in inside and pv[0] in inside}
        return Space({name: self._domains[name] for name in names}, when)

    def replace(self, **domains: Domain) -> Space:
        """The same space with some domains replaced or added."""
        return Space({**self._domains, **domains}, self.when)

    def to_unit(self, raw: FloatArray) -> FloatArray:
        """Raw (n, d) to the unit cube (n, d)."""
        raw = np.asarray(raw, dtype=np.float64)
        columns = [domain.to_unit(raw[..., j]) for j, domain in enumerate(self._domains.values())]
        return np.stack(columns, axis=-1) if columns else raw.copy()

    def from_unit(self, u: FloatArray) -> FloatArray:
        """The unit cube (n, d) to legal raw values (n, d)."""
        return self._scales.from_unit(np.asarray(u, dtype=np.float64))

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
        """n points drawn uniformly from the unit cube: raw (n, d), NaN where inactive."""
        return self.mask(self.from_unit(rng.random((n, self.n_dims))))

    def grid(self, max_points: int = _LARGEST_GRID) -> FloatArray:
        """All different points of a finite space: raw (n, d), NaN where inactive.

        Raises:
            SpaceError: a parameter is continuous, or there are more than ``max_points`` points.
        """
        total = 1
        for name, domain in self._domains.items():
            if domain.n_values is None:
                raise SpaceError(f"{name!r} is continuous; give it a step, or list its values.")
            total *= domain.n_values
        if total > max_points:
            raise SpaceError(f"The grid has {total} points, more than {max_points}; use fewer values.")
        axes = [domain.values() for domain in self._domains.values()]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(total, self.n_dims)
        if not self.when:
            return points
        distinct = np.unique(
            np.nan_to_num(self.mask(points), nan=-np.inf), axis=0
        )  # rows of NaN never compare equal
        return np.where(np.isinf(distinct), np.nan, distinct)

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
    return Space(domains, {child: (pv[0], tuple(pv[1])) for child, pv in data.get("when", {}).items()})


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


def _scale(raw: FloatArray, low: float, high: float, log: bool) -> FloatArray:
    raw = np.asarray(raw, dtype=np.float64)
    if low == high:
        return np.where(np.isnan(raw), np.nan, 0.5)
    if log:
        return np.asarray(np.log(raw / low) / math.log(high / low))
    return np.asarray((raw - low) / (high - low))


def _unscale(u: FloatArray, low: float, high: float, log: bool) -> FloatArray:
    u = np.asarray(u, dtype=np.float64)
    raw = low * np.exp(u * math.log(high / low)) if log else low + u * (high - low)
    return np.clip(raw, low, high)


def _bin(u: FloatArray, n: int) -> FloatArray:
    return np.clip(np.floor(np.asarray(u, dtype=np.float64) * n), 0, n - 1)


def _last_multiple(low: float, high: float, step: float) -> float:
    n_steps = math.floor((high - low) / step * (1 + 1e-12) + 1e-9)
    return float(_multiples(low, step, np.array([n_steps]))[0])


def _multiples(low: float, step: float, index: FloatArray | IntArray) -> FloatArray:
    """low + index * step, rounded to the digits in which low and step were written (0.3, not 0.30000000000000004)."""
    exponents = (Decimal(repr(x)).as_tuple().exponent for x in (low, step))
    digits = max(-e for e in exponents if isinstance(e, int))
    return np.asarray(np.round(low + step * np.asarray(index), min(digits, 300)))


def _is_real(value: object) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, np.bool_)


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not _is_real(value) or not math.isfinite(value):
        raise SpaceError(f"{what} is {value!r}; it must be a finite number.")
    return float(value)


def _whole(value: Any, what: str) -> int:
    number = _number(value, what)
    if number != math.floor(number):
        raise SpaceError(f"{what} is {value!r}; an Int needs a whole number.")
    if abs(int(value)) > _LARGEST_INT:
        raise SpaceError(
            f"{what} is {value!r}; whole numbers beyond 2**53 cannot be kept exactly. Scale it down."
        )
    return int(value)


def _check_bounds(low: float, high: float, log: bool) -> None:
    if low > high:
        raise SpaceError(f"The range {low!r}..{high!r} is empty; low must not be above high.")
    if log and low <= 0:
        raise SpaceError(f"low is {low!r}; a log scale needs low above 0.")


def _plain(choice: Any) -> Choice:
    if isinstance(choice, np.generic):
        choice = choice.item()
    if choice is not None and not isinstance(choice, bool | int | float | str):
        raise SpaceError(
            f"The choice {choice!r} is a {type(choice).__name__}; choices are None, bool, int, float or str. "
            "Use a name for it and look the object up in the objective."
        )
    if isinstance(choice, float) and not math.isfinite(choice):
        raise SpaceError(f"The choice {choice!r} is not finite; use a name for it.")
    return choice
