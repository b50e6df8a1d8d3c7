"""Domains from what a source records (Optuna's distributions), or from nothing but the values that were seen."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunewise.errors import DataError
from tunewise.integrations.readers.foreign_json import parsed
from tunewise.space import Categorical, Domain, Float, Int
from tunewise.types import Choice, FloatArray

_FEW, _WIDE = 10, 50.0


def domain_of_distribution(text: str) -> tuple[Domain, tuple[Choice, ...] | None]:
    """The domain that an Optuna distribution's JSON stands for, and its choices in the order in which they are coded.

    All distributions of Optuna 1 to 5 are known. A choice that JSON keeps as a list or dict becomes its text. Numeric
    choices are sorted and marked ordered, so that their ends count as edges; the coding keeps the recorded order.

    Raises:
        DataError: the text is something else.
    """
    try:
        data = parsed(text)
        name, given = data["name"], data["attributes"]
        if name == "CategoricalDistribution":
            coded = tuple(_plain(choice) for choice in given["choices"])
            return choices_domain(coded), coded
        return _numeric(name, given), None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{text[:120]!r} is no distribution of Optuna ({type(error).__name__}: {error})."
        ) from None


def choices_domain(choices: Sequence[Choice]) -> Categorical:
    """A `Categorical`, ordered by size where there are at least 3 choices and all are numbers."""
    distinct: tuple[Any, ...] = tuple({(type(c), c): c for c in choices}.values())
    numeric = all(isinstance(c, int | float) and not isinstance(c, bool) for c in distinct)
    if len(distinct) >= 3 and numeric:
        return Categorical(tuple(sorted(distinct, key=_size)), ordered=True)
    return Categorical(distinct)


def seen_domain(values: Sequence[Choice]) -> Domain:
    """The domain that some values (None left out) most likely came from; its ends are the extreme values.

    Texts, booleans and up to 10 distinct numbers that are not evenly spaced integers become choices; whole numbers an `Int`;
    others a `Float`. The scale is logarithmic where all are positive, span a factor of 50, and their logarithms are spread
    more evenly than they are.
    """
    distinct: list[Any] = list({(type(v), v): v for v in values}.values())
    if not distinct:
        return Categorical((None,))
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in distinct):
        ordered = sorted(distinct, key=lambda v: (type(v).__name__, str(v)))
        return Categorical(tuple(ordered))
    numbers = np.array(sorted(float(v) for v in distinct))
    whole = bool((numbers == np.round(numbers)).all()) and float(np.abs(numbers).max()) < 2**53
    if len(numbers) <= _FEW and len(values) >= 3 * len(numbers) and not (whole and _is_run(numbers)):
        return choices_domain(tuple(sorted(distinct, key=_size)))
    low, high = float(numbers[0]), float(numbers[-1])
    log = low > 0 and high / low >= _WIDE and _spread_evenly(np.log(numbers)) < _spread_evenly(numbers)
    return Int(int(low), int(high), log) if whole else Float(low, high, log)


def _size(number: Any) -> float:
    return float(number)


def _is_run(numbers: FloatArray) -> bool:
    return bool((np.diff(numbers) == 1).all())


def _spread_evenly(numbers: FloatArray) -> float:
    """The largest gap between the distribution of some sorted numbers and the uniform one over their range."""
    u = (numbers - numbers[0]) / (numbers[-1] - numbers[0])
    return float(np.abs(u - np.linspace(0, 1, len(u))).max())


def _numeric(name: str, given: Mapping[str, Any]) -> Domain:
    low, high = given["low"], given["high"]
    step = given.get("step", given.get("q"))
    log = bool(given.get("log", False)) or name in ("LogUniformDistribution", "IntLogUniformDistribution")
    if name in (
        "FloatDistribution",
        "UniformDistribution",
        "LogUniformDistribution",
        "DiscreteUniformDistribution",
    ):
        return Float(_finite(low), _finite(high), log, None if log or step is None else float(step))
    if name in ("IntDistribution", "IntUniformDistribution", "IntLogUniformDistribution"):
        return Int(int(low), int(high), log, 1 if log or step is None else int(step))
    raise ValueError(f"unknown kind {name!r}")


def _finite(number: Any) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"the range ends at {value}")
    return value


def _plain(choice: Any) -> Choice:
    if choice is None or isinstance(choice, bool | int | str):
        return choice
    if isinstance(choice, float):
        return choice if math.isfinite(choice) else str(choice)
    return json.dumps(choice)
