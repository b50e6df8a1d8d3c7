"""P60: may exploitation begin? P25, P78: may anything be concluded? Not while a check asks for something first.

Exploitation wants a space that comfortably contains the optimum, sampled well enough, without bugs. A comparison of choices wants
more: each tuned, trained and sampled as well as its rivals. What an unstable training says about choices is about stability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Findings, Verdict
from tunewise.playbook.sensitivity import good_region
from tunewise.space import Space

_BLOCKING = ("P24", "P26", "P27", "P28", "P29", "P35", "P36", "P42", "P43", "P71", "P72")
_UNSTABLE = ("P71", "P72")
_FIRST = (*_UNSTABLE, "P10", "P15", "P19", "P24", *(f"P{number}" for number in range(26, 46)))
_CONCLUSIONS = ("P46", "P47", "P80")
OVERRIDE = "override"  # the attribute of a study that says why conclusions are drawn all the same


def exploit_gate(findings: Findings) -> Finding:
    """READY (OK) where no check of the space, of sampling or of stability asks for something; ACT with the reasons otherwise."""
    acts = [f for f in findings if f.verdict == Verdict.ACT and f.code in _BLOCKING]
    if not acts:
        return Finding("P60", "exploitation", Verdict.OK, "Ready: no check of space, sampling or stability asks for anything.",
                       next_action="exploit: Bayesian optimisation in the refined space")  # fmt: skip
    reasons = "; ".join(f"{f.code} {f.subject}: {f.next_action or f.headline}" for f in acts)
    return Finding("P60", "exploitation", Verdict.ACT, f"Not ready. {reasons}.", next_action="do these first: repair()",
                   command=next((f.command for f in acts if f.command), ""),
                   cost_trials=_cost(acts))  # fmt: skip


def _cost(acts: list[Finding]) -> int | None:
    """Repairs of the space add up; one study anew shows every change of the training."""
    anew = max((f.cost_trials or 0 for f in acts if f.change is None), default=0)
    return anew + sum(f.cost_trials or 0 for f in acts if f.change is not None) or None


def unstable(findings: Sequence[Finding]) -> list[Finding]:
    """What says that training is unstable (P71, P72): optimisation failures come before everything else (P78)."""
    return [f for f in findings if f.verdict == Verdict.ACT and f.code in _UNSTABLE]


def first_of_all(findings: Sequence[Finding]) -> list[Finding]:
    """What asks for something before choices may be compared (P25)."""
    return [f for f in findings if f.verdict == Verdict.ACT and f.code in _FIRST]


def held_back(
    findings: Sequence[Finding], first: Sequence[Finding], override: object = None
) -> list[Finding]:
    """Conclusions about choices are UNSURE while others come ``first``; with an ``override``, its reason is part of them."""
    if not first:
        return list(findings)
    named = ", ".join(f"{f.code} {f.subject}" for f in first[:3]) + (", ..." if len(first) > 3 else "")

    def judged(f: Finding) -> Finding:
        if f.code not in _CONCLUSIONS or f.verdict == Verdict.NA:
            return f
        if override:
            return replace(f, headline=f"{f.headline} Concluded although {named} come first: {override}")
        words = f"{f.headline} No conclusion yet: {named} come first."
        return replace(f, verdict=Verdict.UNSURE, headline=words, next_action=f"first {first[0].next_action}",
                       command=first[0].command, cost_trials=first[0].cost_trials)  # fmt: skip

    return [judged(f) for f in findings]


def refined_space(evidence: Evidence) -> Space:
    """P61: where a profile may come within twice the unit (or a tenth of the spread of good losses) of the best, widened by a
    tenth.
    """
    loss = evidence.loss[evidence.feasible]
    if not len(loss):
        return evidence.space
    ordered = sorted(loss.tolist())
    spread = ordered[len(ordered) // 2] - ordered[0]
    return good_region(evidence, max(2 * (evidence.unit or 0.0), 0.1 * spread))
