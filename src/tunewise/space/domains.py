"""What one parameter may be, and two codings of its values.

*raw* is the float64 coding of a value: numbers as themselves, categoricals as an index into the choices.
*unit* is its place in [0, 1]: linear or logarithmic for numbers; discrete numbers and categoricals own equal
bins and sit at their centres. ``from_unit`` accepts any u in [0, 1] and returns a legal raw value, and
``from_unit(to_unit(raw)) == raw`` for every legal raw value. NaN means "not active" and stays NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from tunewise.errors import SpaceError
from tunewise.types import Choice, FloatArray, IntArray, Json

_LARGEST_INT = 2**53


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
