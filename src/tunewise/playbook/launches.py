"""P12, P16, P58, P90: what awaits a decision, what a launch made stale; the experiment table as plain rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tunewise.playbook.finding import Adoption, Decision, Finding, Verdict
from tunewise.playbook.roles import stale_after
from tunewise.types import Params

_TABLE = ("study", "goal", "n_trials", "n_infeasible", "n_failed", "best", "best_without_luck", "retrained", "decision",
          "command", "code")  # fmt: skip


def table_rows(studies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a study, with the columns of the experiment table; None where a thing is not known."""
    return [{name: study.get(name) for name in _TABLE} for study in studies]


def adopted(log: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries of what was adopted, oldest first: the last one's candidate is in use."""
    return [entry for entry in log if entry.get("verdict") == Adoption.ADOPT.value]


def tried(log: Sequence[Mapping[str, Any]]) -> str:
    """How many changes were tried: the denominator of every success."""
    expected = sum(float(entry.get("false_adoption") or 0.0) for entry in log)
    words = f"{len(log)} change{'s' * (len(log) != 1)} tried, {len(adopted(log))} adopted"
    return (
        f"{words}; had all been worthless, {expected:.1f} would have been."
        if log
        else "Nothing was tried yet."
    )


def awaiting(
    goal: str,
    candidate: Params,
    in_use: Params,
    log: Sequence[Mapping[str, Any]],
    command: str,
    looks: Sequence[int] = (3, 5, 8),
) -> Finding:
    """P58: UNSURE while the best of a round is not the configuration in use, and no decision was made about it."""
    subject = f"launch, {goal}"
    decided = [entry["verdict"] for entry in log if entry.get("candidate") == candidate]
    if candidate == in_use or decided:
        words = f"Decided: {decided[-1]}." if decided else "Its best configuration is the one in use."
        return Finding("P58", subject, Verdict.OK, words)
    changed = [name for name in candidate if candidate[name] != in_use.get(name)]
    shown = ", ".join(
        f"{name} {_short(in_use.get(name))} -> {_short(candidate[name])}" for name in changed[:3]
    )
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return Finding(
        "P58", subject, Verdict.UNSURE,
        f"Its best configuration ({shown}{more}) was not decided on. The runs that found it are no evidence for it.",
        needs=f"{looks[0]} to {looks[-1]} fresh seeds in each of two arms", next_action="decide on fresh seeds",
        command=command, cost_trials=2 * looks[-1],
    )  # fmt: skip


def launch_entry(
    decision: Decision, metric: str, evidence: Sequence[str], despite: str = ""
) -> dict[str, Any]:
    """What the launch log keeps of a decision made now."""
    return {
        "verdict": decision.verdict.value, "headline": decision.headline, "candidate": decision.candidate,
        "baseline": decision.baseline, "cost": decision.cost, "n": decision.looks[-1].n, "at": time.time(),
        "metric": metric, "improvement": decision.delta, "low": decision.interval[0],
        "high": decision.interval[1], "p_better": decision.p_better, "p_worth": decision.p_worth,
        "min_effect": decision.min_effect, "false_adoption": decision.false_adoption, "evidence": list(evidence),
        "despite": despite,
    }  # fmt: skip


def stale_settings(log: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """P12: what the last launch made stale."""
    launched = adopted(log)
    if not launched:
        return []
    old, new = launched[-1]["baseline"], launched[-1]["candidate"]
    changed = [name for name in new if old.get(name) != new[name]]
    again = stale_after(changed, list(new))
    if not again:
        return []
    words = f"The last launch changed {', '.join(changed)}; tune again, in this order: {', '.join(again)}."
    return [Finding("P12", "stale settings", Verdict.UNSURE, words, next_action="probe them first",
                    command=f"project.retune({again[0]!r})", cost_trials=14)]  # fmt: skip


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
