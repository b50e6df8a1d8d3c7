"""The figures of a round, by the section of the report in which they stand."""

from __future__ import annotations

from collections.abc import Iterator

from tunewise import figures
from tunewise.figures.draw import VARIANCE_CAPTION, Picture, axis_caption, dossier, picture_of
from tunewise.importance import ped_anova
from tunewise.playbook.finding import Decision, Finding, VarianceBudget, Verdict
from tunewise.playbook.roles import better_when
from tunewise.report.data import RoundData

Marked = tuple[Picture, str]
AXIS_LEAD = (
    "The parameters that ask for something first, then by importance. Diamonds are the best five trials; trials without a "
    "value stand on the rail. The band is the best value that a model expects at each place, where it can say so. If it, or "
    "the diamonds, still improve in a shaded edge, better values may lie beyond. A bar at the left is the size of the noise."
)
_MOST_AXES, _MOST_OTHER_METRICS = 12, 3
_SIGNS = {"minimize": 1.0, "maximize": -1.0, None: None}
_URGENT = (Verdict.ACT, Verdict.UNSURE)


def budget_pictures(data: RoundData) -> list[Picture]:
    """Every trial, and what more trials would buy."""
    trials, goal = data.trials, data.trials.goals[0]
    rows = figures.history_rows(trials)
    caption = "Dots are trials in order of their numbers, the line is the best so far; those without a value lie on the rail."
    history = Picture("Every trial", caption, figures.history_chart(rows, goal.name, goal.sign))
    return [history, *(picture for picture, _ in _drawn(data, "best_of_k", "representative"))]


def axis_pictures(data: RoundData) -> list[Marked]:
    """One axis plot a parameter: those that ask for something first, then by importance; at most 12."""
    trials, space, goal = data.trials, data.space, data.trials.goals[0]
    found = {f.arrays["name"]: f for f in data.findings if f.arrays.get("kind") == "axis"}
    shares = ped_anova(trials, space)
    asks = {name for name, f in found.items() if f.verdict == Verdict.ACT}
    pictures = []
    for name in sorted(shares, key=lambda each: (each not in asks, -shares[each]))[:_MOST_AXES]:
        rows = figures.axis_rows(trials, space, name)
        if not any(row["value"] is not None for row in rows):
            continue
        arrays = found[name].arrays if name in found else {}
        chart = figures.axis_chart(rows, space[name], name, goal.name, goal.sign, arrays)
        verdict = found[name].verdict.value if name in found else ""
        pictures.append((Picture(name, axis_caption(arrays), chart), verdict))
    return pictures


def stability_pictures(data: RoundData) -> list[Marked]:
    """Where trials diverge: along the best predictor, and on the plane of the two parameters that matter most."""
    pictures = _drawn(data, "infeasible")
    goal = data.trials.goals[0]
    top = list(ped_anova(data.trials, data.space))[:2]
    if len(top) == 2:
        names = (top[0], top[1])
        rows = figures.map_rows(data.trials, data.space, names)
        if sum(row["value"] is not None for row in rows) >= 5:
            caption = "The two parameters that matter most; yellow is good, crosses diverged."
            chart = figures.map_chart(rows, data.space, names, goal.name, goal.sign)
            pictures.append((Picture(f"{names[0]} and {names[1]}", caption, chart), ""))
    return pictures


def isolation_pictures(data: RoundData) -> list[Marked]:
    """Each value of a parameter at its best."""
    return _drawn(data, "isolation")


def curve_pictures(data: RoundData) -> list[Marked]:
    """Curves of the best few trials in every metric, their shapes, and the curves about which a check has doubts."""
    trials, goal = data.trials, data.trials.goals[0]
    pictures: list[Marked] = []
    for metric in _metrics(data):
        sign = goal.sign if metric == goal.name else _SIGNS[better_when(metric)]
        rows = figures.curves_rows(trials, metric, sign=sign)
        if rows:
            caption = "Rings mark the best evaluation. A worsening end is overfitting; one still improving may want more steps."
            caption = (
                caption
                if sign is not None
                else "A worsening end is overfitting; one still improving may want more steps."
            )
            title = "The best trials in training" if metric == goal.name else f"{metric} of the best trials"
            pictures.append((Picture(title, caption, figures.curves_chart(rows, metric, sign or 1.0)), ""))
    shown: set[object] = set()
    doubts: list[Marked] = []
    for finding in data.findings:
        number = finding.arrays.get("number")
        if finding.arrays.get("kind") == "curve" and finding.verdict in _URGENT and number not in shown:
            shown.add(number)
            doubts += _pictures(data, finding)
    return [*pictures, *_drawn(data, "labels", "best_steps"), *doubts]


def length_pictures(data: RoundData) -> list[Marked]:
    """Steps, batch size, and how short runs stand for long ones."""
    return _drawn(data, "steps", "batch", "transfer")


def card_pictures(data: RoundData) -> list[Marked]:
    """What matters, what acts together, what has to be tuned again."""
    pictures = _drawn(data, "sensitivity", "interaction", "shift", "retune")
    if any(f.arrays.get("kind") == "sensitivity" for f in data.findings):
        return pictures
    chart = figures.importance_chart(figures.importance_rows(ped_anova(data.trials, data.space)))
    caption = "How much the best quarter's values differ from all values (PED-ANOVA); a guide, not a proof."
    return [(Picture("What mattered", caption, chart), ""), *pictures]


def noise_picture(budget: VarianceBudget, metric: str) -> Picture:
    """The variance budget."""
    parts = budget.components
    rows = figures.variance_rows([c.name for c in parts], [c.sd for c in parts], [c.interval for c in parts])
    return Picture(
        "Where variance comes from", VARIANCE_CAPTION, figures.variance_chart(rows, metric), wide=True
    )


def decision_pictures(decision: Decision, metric: str) -> list[Picture]:
    """The dossier of a decision."""
    arrays = {"candidate": decision.candidate_values, "baseline": decision.baseline_values, **decision.arrays}
    return dossier(arrays, metric)


def _drawn(data: RoundData, *kinds: str) -> list[Marked]:
    return [each for f in data.findings if f.arrays.get("kind") in kinds for each in _pictures(data, f)]


def _pictures(data: RoundData, finding: Finding) -> Iterator[Marked]:
    picture = picture_of(finding.arrays, data.trials, data.space)
    if picture is not None:
        yield picture, finding.verdict.value if finding.verdict in _URGENT else ""


def _metrics(data: RoundData) -> list[str]:
    """The goal's metric first, then a few others that were reported."""
    goal = data.trials.goals[0].name
    others = [metric for metric in data.trials.metrics if metric != goal]
    return [goal, *others[:_MOST_OTHER_METRICS]]
