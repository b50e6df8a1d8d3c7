"""The sections of a report, in the playbook's order. Each is empty where there is nothing to say."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

import numpy as np

from tunewise import figures
from tunewise.figures import Picture
from tunewise.playbook.finding import Decision, Finding, Verdict
from tunewise.playbook.launches import tried
from tunewise.records import TrialState
from tunewise.report import charts
from tunewise.report.data import ReportData, RoundData
from tunewise.report.html import Page, bullets, card, cell, chip, findings, params, table

_STABILITY = range(71, 79)
_LENGTH = (5, 6, 7, 9, 10, *range(65, 71))


def sections(data: ReportData, page: Page) -> list[tuple[str, str, str]]:
    """(anchor, title, HTML) of every section that is not empty."""
    made = [
        ("Launches", _launches(data, page)),
        *[(round_.goal, _round(round_, page)) for round_ in data.rounds],
        ("Where variance comes from", _noise(data, page)),
        ("Decisions", "".join(_decision(d, page, data) for d in data.decisions)),
        ("Length of training", _each(data, page, charts.length_pictures, _LENGTH)),
        ("Stability", _each(data, page, lambda _: [], _STABILITY)),
        ("Parameter cards", _each(data, page, charts.card_pictures, (17, 18, 99))),
        ("Experiments", _experiments(data)),
        ("Limits", _limits(data)),
    ]
    return [(_anchor(i, title), title, html) for i, (title, html) in enumerate(made) if html]


def summary(data: ReportData) -> str:
    """The cards at the top: the configuration, the test, the work."""
    cards = []
    if data.incumbent:
        cards.append(card(data.best_label, params(data.incumbent)))
    if data.test:
        times = "once" if data.test["n_tests"] == 1 else f"{data.test['n_tests']} times"
        words = f"{escape(str(data.test['metric']))}, test set used {times}"
        cards.append(card("Test", f'<p class="number">{cell(float(data.test["value"]))}</p><p>{words}</p>'))
    n_trials = sum(len(r.trials) for r in data.rounds)
    acts = sum(len(r.findings.acts) for r in data.rounds)
    n = len(data.rounds)
    words = f"trials in {n} {'study' if n == 1 else 'studies'}, {acts} finding{'s' * (acts != 1)} to act on"
    cards.append(card("Work", f'<p class="number">{n_trials:,}</p><p>{words}</p>'))
    return f'<div class="cards">{"".join(cards)}</div>'


def _launches(data: ReportData, page: Page) -> str:
    if not data.launch_log:
        return ""
    metric = _metric(data)
    rows = figures.launch_rows(data.launch_log)
    caption = "Each decision with its 90 % interval, from fresh seeds in both arms. Right of the dashed line is better."
    drawn = (
        [Picture("Every change that was tried", caption, figures.launch_chart(rows, metric), wide=True)]
        if rows
        else []
    )
    listed = [
        (
            i,
            e.get("verdict"),
            e.get("headline"),
            e.get("cost") or "none stated",
            e.get("n"),
            e.get("candidate"),
        )
        for i, e in enumerate(data.launch_log, 1)
    ]
    return (
        f"<p>{escape(tried(data.launch_log))}</p>"
        + page.figures(drawn)
        + table(("", "decision", "why", "what it costs", "runs an arm", "candidate"), listed)
    )


def _round(data: RoundData, page: Page) -> str:
    parts = [
        f'<p class="roles">{escape(_counts(data))}</p>',
        _roles(data),
        bullets(data.caveats, "caveats"),
        bullets(data.notes, "notes"),
        findings(data.findings),
        _sub("Budget", page.figures(charts.budget_pictures(data))),
        _sub("Each parameter", page.figures(charts.axis_pictures(data), charts.AXIS_LEAD)),
        _sub("Where trials diverge, and where they are good", page.figures(charts.stability_pictures(data))),
        _sub("Values in isolation", page.figures(charts.isolation_pictures(data))),
        _sub("Training curves", page.figures(charts.curve_pictures(data))),
    ]
    return "".join(parts)


def _counts(data: RoundData) -> str:
    state = data.trials.state
    words = {**{s: s.name.lower() for s in TrialState}, TrialState.INFEASIBLE: "diverged"}
    counts = [(int((state == s).sum()), words[s]) for s in TrialState]
    return f"{len(data.trials):,} trials: " + ", ".join(f"{n:,} {word}" for n, word in counts if n) + "."


def _roles(data: RoundData) -> str:
    """Who played which role, where roles were given."""
    by_role: dict[str, list[str]] = {}
    for name, role in data.roles.items():
        by_role.setdefault(role, []).append(name)
    if set(by_role) <= {"searched"}:
        names = ", ".join(list(data.roles)[:30]) + (", …" if len(data.roles) > 30 else "")
        return f'<p class="roles">Searched: {escape(names)}.</p>' if names else ""
    rows = [
        (role, ", ".join(by_role[role])) for role in ("scientific", "nuisance", "fixed") if role in by_role
    ]
    return (
        '<p class="roles">' + "<br>".join(f"<b>{role}</b>: {escape(names)}" for role, names in rows) + "</p>"
    )


def _noise(data: ReportData, page: Page) -> str:
    return "" if data.noise is None else page.figures([charts.noise_picture(data.noise, _metric(data))])


def _decision(decision: Decision, page: Page, data: ReportData) -> str:
    arms = [("Candidate", decision.candidate), ("Baseline", decision.baseline)]
    facts = [
        ("probability that it is better", decision.p_better),
        (f"probability that it is better by more than {cell(decision.min_effect)}", decision.p_worth),
        (
            "improvement (90 % interval)",
            f"{cell(decision.delta)} ({cell(decision.interval[0])} to {cell(decision.interval[1])})",
        ),
        ("seed noise (SD)", f"{cell(decision.sigma)} ({decision.sigma_source})"),
        (
            "a worthless change is adopted in",
            "" if np.isnan(decision.false_adoption) else f"{decision.false_adoption:.0%}",
        ),
        ("expected loss if it is the worse one", decision.regret),
        ("what it costs", decision.cost or "none stated"),
    ]
    return (
        f'<article><p>{chip(decision.verdict.value)} <span class="lead">{escape(_sentence(decision.headline))}</span></p>'
        + page.figures(charts.decision_pictures(decision, _metric(data)))
        + table(("", ""), [(name, value) for name, value in facts if cell(value)])
        + "".join(f"<h4>{name}</h4>{params(values)}" for name, values in arms)
        + bullets(decision.assumptions, "notes")
        + "</article>"
    )


def _each(
    data: ReportData, page: Page, pictures: Callable[[RoundData], list[charts.Marked]], codes: object
) -> str:
    """The findings with some codes and their pictures, round by round."""
    parts = []
    for round_ in data.rounds:
        found = [f for f in round_.findings if _code(f) in codes and f.verdict != Verdict.NA]  # type: ignore[operator]
        inside = findings(found, fold=False) + page.figures(pictures(round_))
        if inside and len(data.rounds) > 1:
            inside = _sub(round_.goal, inside)
        parts.append(inside)
    return "".join(parts)


def _experiments(data: ReportData) -> str:
    parts = []
    if data.experiments:
        head = list(dict.fromkeys(name for row in data.experiments for name in row))
        parts.append(
            table(
                [name.replace("_", " ") for name in head],
                [[row.get(n) for n in head] for row in data.experiments],
            )
        )
    if data.commands:
        parts.append("<h3>Again</h3><pre>" + "\n".join(escape(c) for c in data.commands) + "</pre>")
    return "".join(parts)


def _limits(data: ReportData) -> str:
    """What is not known: everything unsure, overridden, or not checked."""
    unsure = [f for r in data.rounds for f in r.findings if f.verdict == Verdict.UNSURE]
    unchecked = [f for r in data.rounds for f in r.findings if f.verdict == Verdict.NA]
    parts = [bullets(data.limits)] if data.limits else []
    if unsure and not data.limits:
        parts.append(
            "<h3>The evidence does not decide</h3>" + bullets(f"{f.subject}: {f.headline}" for f in unsure)
        )
    if unchecked:
        parts.append(
            "<h3>Not checked</h3>" + bullets(f"{f.subject} ({f.code}): {f.headline}" for f in unchecked)
        )
    return "".join(parts)


def _sub(title: str, inside: str) -> str:
    return f"<h3>{escape(title)}</h3>{inside}" if inside else ""


def _metric(data: ReportData) -> str:
    return data.rounds[0].trials.goals[0].name if data.rounds else "value"


def _code(finding: Finding) -> int:
    match = re.match(r"P(\d+)", finding.code)
    return int(match[1]) if match else 0


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _anchor(i: int, title: str) -> str:
    return f"s{i}-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40]
