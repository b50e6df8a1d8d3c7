"""P60: may exploitation begin? Only of a space that comfortably contains the optimum, sampled well enough, without bugs."""

from __future__ import annotations

from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Findings, Verdict
from tunewise.playbook.sensitivity import good_region
from tunewise.space import Space

_BLOCKING = ("P24", "P26", "P27", "P28", "P29", "P35", "P36", "P42", "P43")


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
