"""The report of a single study."""

from __future__ import annotations

from tunewise.playbook.finding import Findings
from tunewise.report.data import ReportData, RoundData
from tunewise.space import Space
from tunewise.trials import Trials


def study_report(trials: Trials, space: Space, findings: Findings, title: str) -> ReportData:
    """A report that shows one study: its best trial as the headline, its findings, its figures."""
    goal, best = trials.goals[0], trials.best()
    headline = "No trial has completed yet."
    if best is not None:
        headline = (
            f"The best of {len(trials)} trials is trial {best}: {goal.name} {trials.values[best, 0]:.5g}."
        )
    shown = RoundData("What was found", dict.fromkeys(space, "searched"), trials, space, findings)
    return ReportData(
        title=title,
        subtitle=f"{goal.direction} {goal.name}",
        headline=headline,
        rounds=(shown,),
        incumbent=trials.row(best).params if best is not None else None,
        commands=(f"tunewise check {title}",),
    )
