"""What a check says: a verdict with numbers and the next command. Never a bare p-value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

import numpy as np

from tunewise.types import Json, Params


class Verdict(str, Enum):
    """OK: nothing to do. ACT: do the next action. UNSURE: cannot tell yet. N/A: the check does not apply here."""

    OK = "OK"
    ACT = "ACT"
    UNSURE = "UNSURE"
    NA = "N/A"


_WORST_FIRST = (Verdict.ACT, Verdict.UNSURE, Verdict.OK, Verdict.NA)


@dataclass(frozen=True)
class Finding:
    """One check's answer about one subject.

    ``code`` is the check's place in the catalogue ("P27"); ``change`` is the next action as data, for `repair`;
    ``arrays`` are the numbers behind a picture, ``arrays["kind"]`` names which.
    """

    code: str
    subject: str
    verdict: Verdict
    headline: str
    effect: float | None = None
    interval: tuple[float, float] | None = None
    probability: float | None = None
    threshold: float | None = None
    threshold_source: str = ""
    data_used: str = ""
    assumptions: tuple[str, ...] = ()
    next_action: str = ""
    command: str = ""
    cost_trials: int | None = None
    cost_seconds: float | None = None
    arrays: Mapping[str, Any] = field(default_factory=dict, compare=False)
    change: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        parts = [f"{self.verdict.value} {self.subject} ({self.code}): {self.headline}"]
        if self.next_action:
            cost = f" (+{self.cost_trials} trials)" if self.cost_trials else ""
            parts.append(f"Next: {self.next_action}{cost}.")
        if self.command:
            parts.append(f"Command: {self.command}")
        return " ".join(parts)

    def to_json(self) -> dict[str, Json]:
        """All fields as plain JSON values, the arrays left out."""
        out = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("arrays", "change")}
        return {**out, "verdict": self.verdict.value, "assumptions": list(self.assumptions)}


class Findings(Sequence[Finding]):
    """The answers of one round of checks, worst first."""

    def __init__(self, findings: Sequence[Finding] = ()) -> None:
        self._findings = tuple(sorted(findings, key=lambda f: (_WORST_FIRST.index(f.verdict), f.code)))

    def __getitem__(self, index: Any) -> Any:
        return self._findings[index]

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict among them; N/A where nothing applied."""
        return self._findings[0].verdict if self._findings else Verdict.NA

    @property
    def acts(self) -> tuple[Finding, ...]:
        """The findings that ask for something to be done."""
        return tuple(f for f in self._findings if f.verdict == Verdict.ACT)

    def table(self) -> list[tuple[str, str, str, str, str]]:
        """Rows (verdict, code, subject, headline, next action)."""
        return [(f.verdict.value, f.code, f.subject, f.headline, f.next_action) for f in self._findings]

    def to_json(self) -> list[dict[str, Json]]:
        """A list of plain dicts."""
        return [f.to_json() for f in self._findings]

    def __str__(self) -> str:
        if not self._findings:
            return "No finding."
        lines = []
        for f in self._findings:
            lines.append(f"{f.verdict.value:<7}{f.code:<5}{f.subject:<16} {f.headline}")
            if f.next_action:
                lines.append(f"{'':<28} -> {f.next_action}" + (f": {f.command}" if f.command else ""))
        return "\n".join(lines)


class Adoption(str, Enum):
    """ADOPT the candidate, KEEP the baseline, or UNDECIDED after the last look."""

    ADOPT = "ADOPT"
    KEEP = "KEEP"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True)
class Look:
    """One look at the evidence: n runs an arm, P(candidate better), P(better by more than the smallest effect)."""

    n: int
    p_better: float
    p_worth: float
    threshold: float


@dataclass(frozen=True)
class Decision:
    """Whether to adopt a candidate, from fresh seeds of both arms; values as the user sees them."""

    verdict: Adoption
    candidate: Params
    baseline: Params
    candidate_values: tuple[float, ...]
    baseline_values: tuple[float, ...]
    looks: tuple[Look, ...]
    delta: float
    interval: tuple[float, float]
    p_better: float
    p_worth: float
    min_effect: float
    sigma: float
    sigma_source: str
    cost: str
    headline: str
    assumptions: tuple[str, ...] = ()
    arrays: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.verdict.value}: {self.headline}"


@dataclass(frozen=True)
class Component:
    """One source of variance; ``sd`` None means that it was not measured."""

    name: str
    sd: float | None
    interval: tuple[float, float] | None = None
    n: int = 0
    df: float = 0.0
    source: str = ""


@dataclass(frozen=True)
class VarianceBudget:
    """The sources of variance of a project, measured or not."""

    components: tuple[Component, ...]

    def sd(self, name: str) -> float | None:
        """The standard deviation of a component; None where it was not measured."""
        return next((c.sd for c in self.components if c.name == name), None)

    def __str__(self) -> str:
        lines = []
        for c in self.components:
            if c.sd is None:
                lines.append(f"{c.name:<22} not measured")
            else:
                low, high = c.interval or (np.nan, np.nan)
                lines.append(f"{c.name:<22} {c.sd:.4g}  (90 % interval {low:.3g} to {high:.3g}; {c.source})")
        return "\n".join(lines)
