"""Optuna's distributions: other names for `Float`, `Int` and `Categorical`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tunewise.space import Categorical, Domain, Float, Int
from tunewise.types import Choice


@dataclass(frozen=True)
class FloatDistribution:
    """A real number in [low, high]. Raises SpaceError (a ValueError) for an impossible range."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "high", self.domain().high)

    def domain(self) -> Float:
        """The same as a `Float`."""
        return Float(self.low, self.high, self.log, self.step)

    def single(self) -> bool:
        """Whether there is only one value."""
        return self.low == self.high


@dataclass(frozen=True)
class IntDistribution:
    """A whole number in low..high. Raises SpaceError (a ValueError) for an impossible range."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "high", self.domain().high)

    def domain(self) -> Int:
        """The same as an `Int`."""
        return Int(self.low, self.high, self.log, self.step)

    def single(self) -> bool:
        """Whether there is only one value."""
        return self.low == self.high


@dataclass(frozen=True)
class CategoricalDistribution:
    """One of some choices. Raises SpaceError (a ValueError) for an impossible list."""

    choices: tuple[Choice, ...]

    def __init__(self, choices: Sequence[Choice]) -> None:
        object.__setattr__(self, "choices", Categorical(tuple(choices)).choices)

    def domain(self) -> Categorical:
        """The same as a `Categorical`."""
        return Categorical(self.choices)

    def single(self) -> bool:
        """Whether there is only one choice."""
        return len(self.choices) == 1


BaseDistribution = FloatDistribution | IntDistribution | CategoricalDistribution
_KINDS = {kind.__name__: kind for kind in (FloatDistribution, IntDistribution, CategoricalDistribution)}


def from_domain(domain: Domain) -> BaseDistribution:
    """The distribution that stands for a domain."""
    if isinstance(domain, Float):
        return FloatDistribution(domain.low, domain.high, domain.log, domain.step)
    if isinstance(domain, Int):
        return IntDistribution(domain.low, domain.high, domain.log, domain.step)
    return CategoricalDistribution(domain.choices)


def distribution_to_json(dist: BaseDistribution) -> str:
    """A distribution in the JSON that Optuna writes."""
    return json.dumps({"name": type(dist).__name__, "attributes": asdict(dist)})


def json_to_distribution(json_str: str) -> BaseDistribution:
    """Read what `distribution_to_json`, or Optuna, wrote. Raises ValueError for another kind."""
    data = json.loads(json_str)
    if data["name"] not in _KINDS:
        raise ValueError(f"{data['name']!r} is no distribution; it is one of {', '.join(_KINDS)}.")
    distribution: BaseDistribution = _KINDS[data["name"]](**data["attributes"])
    return distribution
