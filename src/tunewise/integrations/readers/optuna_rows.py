"""From Optuna's records, wherever they were kept, to `Found`: states, values, parameters, constraints, failures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from tunewise.errors import DataError
from tunewise.integrations.readers.domains import domain_of_distribution
from tunewise.integrations.readers.foreign_json import parsed
from tunewise.records import FrozenTrial, Goal, TrialState
from tunewise.space import Domain
from tunewise.types import Choice, Json, Params

STATES = {
    "RUNNING": TrialState.RUNNING,
    "COMPLETE": TrialState.COMPLETE,
    "PRUNED": TrialState.PRUNED,
    "FAIL": TrialState.FAILED,
    "WAITING": TrialState.QUEUED,
}
_SAMPLERS = (
    ("nsga3:", "nsga3"), ("NSGAIIISampler:", "nsga3"), ("nsga2:", "nsga2"), ("NSGAIISampler:", "nsga2"), ("cma:", "cmaes"),
    ("sepcma:", "cmaes"), ("cmawm:", "cmaes"), ("tpe:relative_params", "tpe"), ("gp:relative_params", "gp"),
    ("grid_id", "grid"),
)  # fmt: skip


@dataclass
class Raw:
    """One trial as Optuna keeps it; ``params`` holds (coded value, distribution JSON) by name."""

    number: int
    state: str
    values: list[float] | None = None
    params: dict[str, tuple[float, str]] = field(default_factory=dict)
    user_attrs: dict[str, Json] = field(default_factory=dict)
    system_attrs: dict[str, Json] = field(default_factory=dict)
    started_at: float = math.nan
    finished_at: float = math.nan
    bad_report: bool = False


class Decoder:
    """Decodes parameters; each different distribution is read once, each different set of domains kept once."""

    def __init__(self) -> None:
        self._domains: dict[str, tuple[Domain, tuple[Choice, ...] | None]] = {}
        self._sets: dict[tuple[tuple[str, str], ...], dict[str, Domain]] = {}

    def params(self, coded: Mapping[str, tuple[float, str]]) -> tuple[Params, Mapping[str, Domain]]:
        """Values and domains by name. Raises DataError for a value that its distribution cannot have."""
        params: Params = {}
        for name, (value, text) in coded.items():
            domain, choices = self._domain(text)
            params[name] = _decoded(name, value, domain, choices)
        key = tuple((name, text) for name, (_, text) in coded.items())
        domains = self._sets.get(key)
        if domains is None:
            domains = self._sets[key] = {name: self._domain(text)[0] for name, text in key}
        return params, domains

    def _domain(self, text: str) -> tuple[Domain, tuple[Choice, ...] | None]:
        known = self._domains.get(text)
        if known is None:
            known = self._domains[text] = domain_of_distribution(text)
        return known


def goals_of(directions: Sequence[str], system_attrs: Mapping[str, Json]) -> tuple[Goal, ...]:
    """The goals of a study: named by `set_metric_names`, else "value" or "value_0", "value_1", ...

    A direction that was never set is minimize, as it is for Optuna.
    """
    names = system_attrs.get("study:metric_names")
    if not isinstance(names, list) or len(names) != len(directions):
        names = ["value"] if len(directions) == 1 else [f"value_{i}" for i in range(len(directions))]
    kinds = ["maximize" if each == "MAXIMIZE" else "minimize" for each in directions]
    return tuple(Goal(str(name), kind) for name, kind in zip(names, kinds, strict=True))


def to_frozen(raw: Raw, goals: tuple[Goal, ...], decoder: Decoder) -> FrozenTrial:
    """One trial as a record, without its curve."""
    if raw.state not in STATES:
        raise DataError(f"Trial {raw.number} has the state {raw.state!r}, which no Optuna up to 5 writes.")
    state = STATES[raw.state]
    params, domains = decoder.params(raw.params)
    reason = None
    values = None
    if state == TrialState.COMPLETE and raw.values is not None and len(raw.values) == len(goals):
        values = tuple(raw.values)
    elif state == TrialState.COMPLETE:
        state, reason = (
            TrialState.FAILED,
            f"complete, but with {len(raw.values or ())} of {len(goals)} values",
        )
    elif state == TrialState.FAILED:
        state, reason = _failure(raw)
    elif state == TrialState.QUEUED:
        fixed = raw.system_attrs.get("fixed_params")
        params = dict(fixed) if isinstance(fixed, dict) else params
    return FrozenTrial(
        raw.number, state, params, values, domains, {}, raw.user_attrs, _constraints(raw.system_attrs), reason,
        raw.started_at, raw.finished_at, _sampler(raw.system_attrs),
    )  # fmt: skip


def attribute(text: str | None) -> Json:
    """An attribute's value from its JSON; the text itself where it is none."""
    if text is None:
        return None
    try:
        return parsed(text)
    except ValueError:
        return text


def seconds(when: Any) -> float:
    """POSIX seconds of a time as a database or a journal gives it; a time without a zone is taken as UTC."""
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when.replace("Z", "+00:00"))
        except ValueError:
            return math.nan
    if not isinstance(when, datetime):
        return math.nan
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()


def _decoded(name: str, value: float, domain: Domain, choices: tuple[Choice, ...] | None) -> Choice:
    try:
        if choices is None:
            return domain.decode(value)
        if not 0 <= int(value) < len(choices):
            raise ValueError(f"index {value} of {len(choices)} choices")
        return choices[int(value)]
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"Parameter {name!r} has a value that its distribution cannot have: {error}."
        ) from None


def _failure(raw: Raw) -> tuple[TrialState, str | None]:
    """Whether a failed trial diverged: Optuna up to 2.3 wrote it down, later ones only leave a report that is not finite."""
    why = raw.system_attrs.get("fail_reason")
    if isinstance(why, str):
        diverged = why.rstrip(".").endswith(("returned nan", "returned NaN"))
        return (TrialState.INFEASIBLE if diverged else TrialState.FAILED), why
    if raw.bad_report:
        return TrialState.INFEASIBLE, "failed after a report that is not finite"
    return TrialState.FAILED, None


def _constraints(system_attrs: Mapping[str, Json]) -> dict[str, float]:
    """Constraint values by name: one attribute each from Optuna 5 on, a list of all before."""
    pairs: list[tuple[str, Json]] = []
    for key in ("constraints", "nsga2:constraints"):
        found = system_attrs.get(key)
        pairs += [(str(i), value) for i, value in enumerate(found)] if isinstance(found, list) else []
    prefix = "constraints:"
    pairs += [(key.removeprefix(prefix), v) for key, v in system_attrs.items() if key.startswith(prefix)]
    return {name: float(value) for name, value in pairs if isinstance(value, int | float)}


def _sampler(system_attrs: Mapping[str, Json]) -> str:
    """The sampler, where it left a trace in the trial."""
    for key in system_attrs:
        for prefix, name in _SAMPLERS:
            if key.startswith(prefix):
                return name
    return ""
