"""Pieces of HTML. Every text that comes from outside is escaped here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from tunewise.figures import Picture
from tunewise.playbook.finding import Finding, Verdict

_GLYPH = {"OK": "✓", "ACT": "▲", "UNSURE": "?", "N/A": "–", "ADOPT": "✓", "KEEP": "■", "UNDECIDED": "?"}
_MOST_PARAMS = 30
_KIND = {"ADOPT": "ok", "KEEP": "na", "UNDECIDED": "unsure", "N/A": "na"}


class Page:
    """Collects the chart specifications of a page while its text is written."""

    def __init__(self) -> None:
        self.specs: list[Any] = []

    def figure(self, picture: Picture, verdict: str = "", captioned: bool = True) -> str:
        """A figure; the chart itself is drawn into it by the page's script."""
        number = len(self.specs)
        self.specs.append(picture.chart.to_dict(validate=False))
        label = escape(f"{picture.title}. {picture.caption}", quote=True)
        mark = f" {chip(verdict)}" if verdict else ""
        return (
            f'<figure class="{"wide" if picture.wide else ""}"><h4>{escape(picture.title)}{mark}</h4>'
            f'<div class="chart" id="chart-{number}" role="img" aria-label="{label}"></div>'
            f"{f'<figcaption>{escape(picture.caption)}</figcaption>' if captioned else ''}</figure>"
        )

    def figures(self, pictures: Iterable[Picture | tuple[Picture, str]], lead: str = "") -> str:
        """Figures in two columns (one on a narrow screen); a pair gives a verdict beside the title.

        With a ``lead``, a sentence above that says how to read them all, they have no captions of their own.
        """
        pairs = [p if isinstance(p[0], Picture) else (p, "") for p in pictures]
        inside = "".join(self.figure(picture, verdict, not lead) for picture, verdict in pairs)
        words = f'<p class="roles">{escape(lead)}</p>' if lead and inside else ""
        return f'{words}<div class="figures">{inside}</div>' if inside else ""


def chip(verdict: str) -> str:
    """A verdict as a word in a frame, with a glyph, so that it is readable without colour."""
    return (
        f'<span class="chip {_KIND.get(verdict, verdict.lower())}">{_GLYPH[verdict]} {escape(verdict)}</span>'
    )


def params(values: Mapping[str, Any]) -> str:
    """Names and values in columns; more than 30 are folded away."""
    rows = [(name, f"{v:.5g}" if isinstance(v, float) else str(v)) for name, v in values.items()]
    items = [f"<div><dt>{escape(n)}</dt><dd>{escape(v)}</dd></div>" for n, v in rows]
    shown, folded = (
        f'<dl class="params">{"".join(part)}</dl>' for part in (items[:_MOST_PARAMS], items[_MOST_PARAMS:])
    )
    more = len(items) - _MOST_PARAMS
    return shown + (f"<details><summary>{more:,} others</summary>{folded}</details>" if more > 0 else "")


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table that scrolls sideways where it is too wide."""
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell(c))}</td>" for c in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def cell(value: Any) -> str:
    """A value as it stands in a table: floats with 4 digits, None as nothing, configurations as name=value."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={cell(v)}" for k, v in value.items())
    return ", ".join(map(cell, value)) if isinstance(value, list | tuple) else str(value)


def card(title: str, inside: str) -> str:
    """A small box with a title."""
    return f'<section class="card"><h2>{escape(title)}</h2>{inside}</section>'


def bullets(sentences: Iterable[str], kind: str = "") -> str:
    """Sentences as a list; nothing for none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in sentences)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def findings(found: Iterable[Finding], fold: bool = True) -> str:
    """Findings as a table; those that ask for nothing are folded away under a line that counts them."""
    each = list(found)
    open_ones = [f for f in each if f.verdict in (Verdict.ACT, Verdict.UNSURE) or not fold]
    fine = [f for f in each if f not in open_ones]
    words = _counted(fine)
    folded = f"<details><summary>{escape(words)}</summary>{_rows(fine)}</details>" if fine else ""
    return _rows(open_ones) + folded


def _counted(fine: list[Finding]) -> str:
    n_ok = sum(f.verdict == Verdict.OK for f in fine)
    n_na = len(fine) - n_ok
    parts = [f"{n_ok} in order"] if n_ok else []
    return ", ".join([*parts, f"{n_na} not applicable"] if n_na else parts)


def _rows(found: list[Finding]) -> str:
    return f'<table class="findings"><tbody>{"".join(map(_row, found))}</tbody></table>' if found else ""


def _row(f: Finding) -> str:
    action = f'<p class="next">→ {escape(f.next_action)}{escape(f.price)}</p>' if f.next_action else ""
    command = f"<p><code>{escape(f.command)}</code></p>" if f.command else ""
    details = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in _details(f) if text
    )
    more = f'<details class="why"><summary>why</summary><dl>{details}</dl></details>' if details else ""
    return (
        f"<tr><td>{chip(f.verdict.value)}</td><td><b>{escape(f.subject)}</b> <small>{escape(f.code)}</small></td>"
        f"<td><p>{escape(f.headline)}</p>{action}{command}{more}</td></tr>"
    )


def _details(f: Finding) -> list[tuple[str, str]]:
    """The numbers and conditions behind a verdict."""
    between = f"{cell(f.interval[0])} to {cell(f.interval[1])}" if f.interval is not None else ""
    return [
        ("effect", cell(f.effect)),
        ("interval (90 %)", between),
        ("probability", cell(f.probability)),
        ("by chance", cell(f.chance)),
        ("threshold", f"{cell(f.threshold)} ({f.threshold_source})" if f.threshold is not None else ""),
        ("claim about", f.scope),
        ("data used", f.data_used),
        ("missing", f.needs),
        ("assumes", " ".join(f.assumptions)),
    ]


def script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in; NaN and infinities, which JSON lacks, become null."""
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
