"""The figures of a round, with a line each that says how to read them."""

from __future__ import annotations

from typing import Any, NamedTuple

from tunewise import figures
from tunewise.importance import ped_anova
from tunewise.playbook.finding import Decision, VarianceBudget
from tunewise.report.data import RoundData

_MOST_AXES = 12


class Picture(NamedTuple):
    """A chart, its title, and how to read it."""

    title: str
    caption: str
    chart: Any
    wide: bool = False


def round_pictures(data: RoundData) -> list[Picture]:
    """History, one axis plot a parameter (the most important first), curves and importances."""
    trials, space = data.trials, data.space
    metric = trials.goals[0].name
    pictures = [
        Picture(
            "Every trial",
            "Dots are trials in the order of their numbers, the line is the best so far; crosses diverged.",
            figures.history_chart(figures.history_rows(trials), metric),
            wide=True,
        )
    ]
    shares = ped_anova(trials, space)
    for name in list(shares)[:_MOST_AXES]:
        rows = figures.axis_rows(trials, space, name)
        caption = (
            "Diamonds are the best five. If they crowd in a shaded edge, better values may lie beyond it."
        )
        pictures.append(Picture(name, caption, figures.axis_chart(rows, space, name, metric)))
    curves = figures.curves_rows(trials)
    if curves:
        caption = "A rise at the end is overfitting; a fall to the very end asks for longer training."
        pictures.append(Picture("Training curves of the best", caption, figures.curves_chart(curves, metric)))
    importance = figures.importance_chart(figures.importance_rows(shares))
    caption = "How much the best quarter's values differ from all values (PED-ANOVA); a guide, not a proof."
    pictures.append(Picture("What mattered", caption, importance))
    return pictures


def noise_picture(budget: VarianceBudget, metric: str) -> Picture:
    """The variance budget."""
    parts = budget.components
    rows = figures.variance_rows([c.name for c in parts], [c.sd for c in parts], [c.interval for c in parts])
    caption = "Dots are standard deviations, bars their 90 % intervals. Differences smaller than the first are noise."
    return Picture("Where variance comes from", caption, figures.variance_chart(rows, metric), wide=True)


def decision_picture(decision: Decision, metric: str) -> Picture:
    """The runs behind a decision."""
    rows = figures.adoption_rows(decision.candidate_values, decision.baseline_values)
    caption = "Every dot is a run on a fresh seed, the ticks are means. The run that won the search is not among them."
    return Picture("Fresh runs of both arms", caption, figures.adoption_chart(rows, metric), wide=True)
