"""What a check says: a verdict with numbers and the next command. Never a bare p-value.

A finding also carries the arrays of its picture, ``arrays["kind"]`` says which. Losses are minimise-oriented everywhere;
``sign`` (+1 or -1) times a loss is the value that the user knows. ``u`` is a place in [0, 1], ``rows`` are trial numbers,
NaN is "not known". n trials, g grid points. Keys in brackets may be absent.

==============  =======================================================================================================
kind            arrays
==============  =======================================================================================================
axis            name; rows, u, loss, infeasible (n,); top: rows of the best; zone: width of an edge zone in u; sign;
                [unit: noise SD or smallest effect]; [grid, mean, low, high (g,): the profile of the surrogate (the best
                loss to be had at each u) with its 80 % band]
infeasible      rows, infeasible (n,); sign; [x (n,): the predictor, name: its words, threshold, low, high: where half
                of the trials diverge and its interval, grid, p (g,): probability of divergence]; [best: predictor at the best]
best_of_k       k (g,), expected, low, high (g,): best of k trials, its expectation and simultaneous 80 % band (-inf, inf
                where the trials do not bound it); n; sign; [unit]
curve           number; step, loss (e,): one trial's evaluations; sign; [train (e,)]; [fit_step, fit_loss (f,): the line
                that the verdict rests on]; [onset: step where it turns]; [best: step of the best]
labels          names (l,), all (l,), top (l,): share of all trials, and of the best quarter, that have each label; n
best_steps      fraction (n,): place of the best step in its run; rows (n,)
isolation       name; values (v,) labels; best, typical, low, high (v,): best seen, median best of k and 90 % interval;
                n (v,); k; in_set (v,) bool: not distinguishable from the best; sign; [grid, mean, low_band, high_band]
adoption        candidate, baseline (values as the user sees them); looks (l,), p_better, p_worth (l,); threshold, keep;
                grid, density (g,): posterior of the improvement; min_effect
variance        names; sds, lows, highs (NaN: not measured)
sensitivity     names (d,); effect, low, high (d,): range of each profile in loss; unit
interaction     names (d,); share (d, d): variance share of each pair beyond the main effects
shift           name, by; values, places (v,); argmin, low, high (v,): best place of `name` (u) at each value of `by`;
                largest: index of the value with the largest move from the first
steps           lr, steps (g,), censored (g,); grid, fit (f,); best, low, high
retune          name; grid, before, after (g,) mean profiles; argmin_before, argmin_after, low, high
transfer        short, long (n,): losses of the same configurations at two lengths; rows
representative  proxy, target (n,): losses of the tuned and of the deployment metric; rows
==============  =======================================================================================================
"""

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

    Attributes:
        code: the check's place in the catalogue ("P27").
        subject: what it is about: a parameter, a pair of them, the curves ...
        verdict: see `Verdict`.
        headline: one sentence with the numbers.
        effect: the size of what was found, in the metric's units unless the headline says otherwise.
        interval: of the effect, 90 % unless the headline says otherwise.
        probability: that the statement which the verdict rests on is true (a posterior), where there is one.
        chance: how often data as extreme would come about if there was nothing (a p-value); `check` screens these.
        threshold: what was compared, and ``threshold_source``: where it comes from.
        scope: what a comparison is about: "configuration" (this setting, seed noise) or "choice" (this value, tuned as
            well as its rivals were: study noise). Two different claims; empty where nothing is compared.
        data_used: which trials, how many.
        assumptions: what must hold for the verdict to be right.
        needs: the data that was not there, where that is why there is no better verdict.
        next_action: what to do, and ``command``: the line that does it.
        cost_trials: what that costs, and ``cost_seconds``, from the study's own median trial.
        arrays: the numbers behind the picture, see the module.
        change: the next action as data, for `repair`.
    """

    code: str
    subject: str
    verdict: Verdict
    headline: str
    effect: float | None = None
    interval: tuple[float, float] | None = None
    probability: float | None = None
    chance: float | None = None
    threshold: float | None = None
    threshold_source: str = ""
    scope: str = ""
    data_used: str = ""
    assumptions: tuple[str, ...] = ()
    needs: str = ""
    next_action: str = ""
    command: str = ""
    cost_trials: int | None = None
    cost_seconds: float | None = None
    arrays: Mapping[str, Any] = field(default_factory=dict, compare=False)
    change: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        parts = [f"{self.verdict.value} {self.subject} ({self.code}): {self.headline}"]
        if self.next_action:
            parts.append(f"Next: {self.next_action}{self.price}.")
        if self.command:
            parts.append(f"Command: {self.command}")
        return " ".join(parts)

    @property
    def price(self) -> str:
        """What the next action costs, " (+10 trials, about 14 min)"; empty where it costs no trial."""
        if not self.cost_trials:
            return ""
        return f" (+{self.cost_trials} trials{_duration(self.cost_seconds)})"

    def to_json(self) -> dict[str, Json]:
        """All fields as plain JSON values, the arrays left out."""
        out = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("arrays", "change")}
        return {**out, "verdict": self.verdict.value, "assumptions": list(self.assumptions)}


def finding_from_json(noted: Mapping[str, Any]) -> Finding:
    """The finding that `Finding.to_json` wrote, without its arrays."""
    interval = noted.get("interval")
    return Finding(**{**noted, "verdict": Verdict(noted["verdict"]), "assumptions": tuple(noted["assumptions"]),
                      "interval": tuple(interval) if interval else None})  # fmt: skip


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f", about {seconds / size:.3g} {name}"
    return f", about {seconds:.2g} s"


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
                lines.append(
                    f"{'':<28} -> {f.next_action}{f.price}" + (f": {f.command}" if f.command else "")
                )
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
    """Whether to adopt a candidate, from fresh seeds of both arms; values as the user sees them.

    A configuration-level claim: this setting against that one, as far as seeds go.

    Attributes:
        delta: improvement of the candidate, positive where it is better, with its 90 % ``interval``.
        p_better, p_worth: P(improvement > 0), P(improvement > min_effect).
        sigma: SD over seeds that was used, and ``sigma_source``.
        cost: the complexity that it adds, in words; ``min_effect``: what it therefore has to be worth.
        false_adoption: how often this design (looks, threshold, ledger) adopts a change that is worth nothing.
        regret: E[loss by adopting, where it is the worse one].
        p_fails_more: P(it diverges more often by 5 points).
    """

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
    false_adoption: float = np.nan
    regret: float = np.nan
    p_fails_more: float = 0.0

    def __str__(self) -> str:
        rate = (
            ""
            if np.isnan(self.false_adoption)
            else f" Such a test adopts a worthless change in {self.false_adoption:.0%} of cases."
        )
        return f"{self.verdict.value}: {self.headline}{rate}"


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
