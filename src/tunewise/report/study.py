"""The report of a single study."""

from __future__ import annotations

from tunewise.playbook.finding import Findings, Verdict
from tunewise.records import TrialState
from tunewise.report.data import ReportData, RoundData
from tunewise.space import Space
from tunewise.trials import Trials


def study_report(trials: Trials, space: Space, findings: Findings, title: str) -> ReportData:
    """A report that shows one study: its best trial as the headline, its findings, its figures."""
    goal, best = trials.goals[0], trials.best()
    reader = trials.user_attrs.get("reader", {})
    shown = RoundData(
        "What was found",
        dict.fromkeys(space, "searched"),
        trials,
        space,
        findings,
        notes=tuple(reader.get("notes", ())),
    )
    return ReportData(
        title=title,
        subtitle=f"{goal.direction} {goal.name}" + (f" · {reader['source']}" if reader else ""),
        headline=_headline(trials, findings),
        rounds=(shown,) if (trials.state >= TrialState.COMPLETE).any() else (),
        incumbent=trials.row(best).params if best is not None else None,
        best_label=f"Best trial ({best})",
        commands=(f"tunewise check {title}",),
    )


def _headline(trials: Trials, findings: Findings) -> str:
    goal, best = trials.goals[0], trials.best()
    if best is None:
        return "No trial has completed yet."
    acts = len(findings.acts)
    unsure = sum(f.verdict == Verdict.UNSURE for f in findings)
    asks = f"{acts} finding{'s' * (acts != 1)} to act on" if acts else "nothing to act on"
    return (
        f"The best of {len(trials):,} trials is trial {best}: {goal.name} {trials.values[best, 0]:.5g}. The checks have {asks}"
        f"{f', and {unsure} that the evidence does not decide' if unsure else ''}."
    )
