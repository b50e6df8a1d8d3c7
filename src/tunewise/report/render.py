"""From report data to one HTML file. Every text is escaped; figures are Vega-Lite, drawn by a bundled runtime."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from tunewise.errors import MissingExtra
from tunewise.playbook.finding import Decision, Findings
from tunewise.report.charts import Picture, decision_picture, noise_picture, round_pictures
from tunewise.report.data import ReportData, RoundData

_GLYPH = {"OK": "✓", "ACT": "▲", "UNSURE": "?", "N/A": "–", "ADOPT": "✓", "KEEP": "■", "UNDECIDED": "?"}


def render_report(data: ReportData, path: Path) -> Path:
    """Write the report and return its absolute path.

    Raises:
        MissingExtra: Altair or vl-convert is not installed.
    """
    page = _Page()
    sections = [
        _decisions(data, page),
        *(_round(r, page) for r in data.rounds),
        _noise(data, page),
        _end(data),
    ]
    text = Template(_asset("page.html")).substitute(
        title=escape(data.title),
        subtitle=escape(data.subtitle),
        headline=escape(data.headline),
        summary=_summary(data),
        body="\n".join(section for section in sections if section),
        style=_asset("style.css"),
        runtime=_runtime(),
        charts=_script_json(page.specs),
    )
    path = Path(path).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class _Page:
    """Collects the chart specifications of a page while its text is written."""

    def __init__(self) -> None:
        self.specs: list[Any] = []

    def figure(self, picture: Picture) -> str:
        number = len(self.specs)
        self.specs.append(picture.chart.to_dict())
        label = escape(f"{picture.title}. {picture.caption}", quote=True)
        return (
            f'<figure class="{"wide" if picture.wide else ""}"><h3>{escape(picture.title)}</h3>'
            f'<div class="chart" id="chart-{number}" role="img" aria-label="{label}"></div>'
            f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
        )

    def figures(self, pictures: Iterable[Picture]) -> str:
        return f'<div class="figures">{"".join(self.figure(p) for p in pictures)}</div>'


def _summary(data: ReportData) -> str:
    cards = []
    if data.incumbent:
        cards.append(_card("Configuration in use", _params(data.incumbent)))
    if data.test:
        times = "once" if data.test["n_tests"] == 1 else f"{data.test['n_tests']} times"
        number = f'<p class="number">{data.test["value"]:.4g}</p><p>{escape(str(data.test["metric"]))}, test set used {times}</p>'
        cards.append(_card("Test", number))
    n_trials = sum(len(r.trials) for r in data.rounds)
    acts = sum(len(r.findings.acts) for r in data.rounds)
    cards.append(
        _card(
            "Work",
            f'<p class="number">{n_trials}</p><p>trials in {len(data.rounds)} studies, {acts} findings to act on</p>',
        )
    )
    return f'<div class="cards">{"".join(cards)}</div>'


def _card(title: str, inside: str) -> str:
    return f'<section class="card"><h2>{escape(title)}</h2>{inside}</section>'


def _decisions(data: ReportData, page: _Page) -> str:
    if not data.decisions:
        return ""
    return "<h2>Adoption</h2>" + "".join(_decision(d, page, data) for d in data.decisions)


def _decision(decision: Decision, page: _Page, data: ReportData) -> str:
    metric = data.rounds[0].trials.goals[0].name if data.rounds else "value"
    looks = [
        (look.n, f"{look.p_better:.2f}", f"{look.p_worth:.2f}", f"{look.threshold:.2f}")
        for look in decision.looks
    ]
    arms = [("candidate", decision.candidate), ("baseline", decision.baseline)]
    return (
        f'<article>{_chip(decision.verdict.value)} <span class="lead">{escape(decision.headline)}</span>'
        + page.figures([decision_picture(decision, metric)])
        + _table(("runs an arm", "P(better)", "P(worth it)", "needed"), looks)
        + "".join(f"<h3>{name.capitalize()}</h3>{_params(params)}" for name, params in arms)
        + "</article>"
    )


def _round(data: RoundData, page: _Page) -> str:
    roles = ", ".join(f"{escape(name)} <em>{escape(role)}</em>" for name, role in data.roles.items())
    return (
        f"<h2>{escape(data.goal)}</h2><p class='roles'>{len(data.trials)} trials. {roles}</p>"
        + _findings(data.findings)
        + page.figures(round_pictures(data))
    )


def _findings(findings: Findings) -> str:
    if not len(findings):
        return ""
    rows = []
    for f in findings:
        action = f"<br><span class='next'>→ {escape(f.next_action)}</span>" if f.next_action else ""
        command = f"<br><code>{escape(f.command)}</code>" if f.command else ""
        rows.append(
            f"<tr><td>{_chip(f.verdict.value)}</td><td><b>{escape(f.subject)}</b><br><small>{escape(f.code)}</small></td>"
            f"<td>{escape(f.headline)}{action}{command}</td></tr>"
        )
    return f'<div class="scroll"><table class="findings"><tbody>{"".join(rows)}</tbody></table></div>'


def _noise(data: ReportData, page: _Page) -> str:
    if data.noise is None:
        return ""
    metric = data.rounds[0].trials.goals[0].name if data.rounds else "value"
    return "<h2>Noise</h2>" + page.figures([noise_picture(data.noise, metric)])


def _end(data: ReportData) -> str:
    parts = []
    if data.launch_log:
        rows = [(e["verdict"], e["headline"], e.get("cost") or "none stated") for e in data.launch_log]
        parts.append("<h2>Launch log</h2>" + _table(("decision", "why", "cost"), rows))
    if data.limits:
        parts.append(
            "<h2>Limits</h2><ul>" + "".join(f"<li>{escape(text)}</li>" for text in data.limits) + "</ul>"
        )
    if data.commands:
        parts.append("<h2>Reproduce</h2><pre>" + "\n".join(escape(c) for c in data.commands) + "</pre>")
    return "\n".join(parts)


def _chip(verdict: str) -> str:
    kind = {"ADOPT": "ok", "KEEP": "na", "UNDECIDED": "unsure"}.get(verdict, verdict.lower().replace("/", ""))
    return f'<span class="chip {kind}">{_GLYPH[verdict]} {escape(verdict)}</span>'


def _params(params: Mapping[str, Any]) -> str:
    rows = (
        (name, f"{value:.5g}" if isinstance(value, float) else str(value)) for name, value in params.items()
    )
    items = "".join(f"<div><dt>{escape(n)}</dt><dd>{escape(v)}</dd></div>" for n, v in rows)
    return f'<dl class="params">{items}</dl>'


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return (
        json.dumps(value, allow_nan=False)
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


@lru_cache(maxsize=1)
def _runtime() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    try:
        import vl_convert
    except ImportError:
        raise MissingExtra("vl-convert-python", "report", "Writing a report") from None
    bundle: str = vl_convert.javascript_bundle("window.tunewiseEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


def _asset(name: str) -> str:
    return files("tunewise.report").joinpath(name).read_text(encoding="utf-8")
