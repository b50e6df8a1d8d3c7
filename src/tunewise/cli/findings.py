"""How findings are printed: one table, the most pressing first; many alike are one line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import click

from tunewise.cli.show import print_table
from tunewise.playbook.finding import Finding, Findings, Verdict

STYLE = {Verdict.OK: "green", Verdict.NA: "dim", Verdict.ACT: "bold red", Verdict.UNSURE: "yellow"}
_MOST_ALIKE = {Verdict.ACT: 12, Verdict.UNSURE: 6, Verdict.OK: 3, Verdict.NA: 3}


def print_findings(findings: Findings, show_all: bool = False) -> None:
    """A table of findings, and how many there are of each verdict. Those that do not apply only with ``show_all``."""
    shown = [f for f in findings if show_all or f.verdict != Verdict.NA]
    if shown:
        print_table(["verdict", "check", "about", "finding"], list(_rows(shown, show_all)))
    counts = {verdict: sum(f.verdict == verdict for f in findings) for verdict in Verdict}
    hidden = counts[Verdict.NA] and not show_all
    click.echo(
        f"{counts[Verdict.ACT]} to act on, {counts[Verdict.UNSURE]} unsure, {counts[Verdict.OK]} fine, "
        f"{counts[Verdict.NA]} not applicable{' (--all shows why)' if hidden else ''}"
    )


def _rows(findings: list[Finding], show_all: bool) -> Iterator[list[Any]]:
    """A row a finding; beyond a few of one check and verdict, one row for the rest."""
    for (verdict, code), each in groupby(findings, key=lambda f: (f.verdict, f.code)):
        alike = list(each)
        most = len(alike) if show_all else _MOST_ALIKE[verdict]
        whole = alike if len(alike) <= most + 1 else alike[:most]
        for finding in whole:
            yield [verdict_text(verdict), code, finding.subject, _advice(finding)]
        if len(whole) < len(alike):
            rest = ", ".join(f.subject for f in alike[most : most + 4])
            words = f"the same verdict for {rest}{' and others' if len(alike) > most + 4 else ''} (--all shows each)"
            yield [verdict_text(verdict), code, f"{len(alike) - most} more", words]


def verdict_text(verdict: Verdict) -> Any:
    """A verdict in its colour."""
    from rich.text import Text

    return Text(verdict.value, style=STYLE[verdict])


def _advice(finding: Finding) -> str:
    lines = [finding.headline]
    if finding.next_action:
        lines.append(f"→ {finding.next_action}{_cost(finding)}")
    if finding.command:
        lines.append(f"  {finding.command}")
    return "\n".join(lines)


def _cost(finding: Finding) -> str:
    parts = []
    if finding.cost_trials:
        parts.append(f"+{finding.cost_trials} trials")
    if finding.cost_seconds and finding.cost_seconds >= 60:
        minutes = finding.cost_seconds / 60
        parts.append(f"about {minutes:.0f} min" if minutes < 120 else f"about {minutes / 60:.0f} h")
    return f" ({', '.join(parts)})" if parts else ""
