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
    """A row a finding; those of one check that say the same of several subjects are one, and so is a long rest."""
    for (verdict, code), each in groupby(findings, key=lambda f: (f.verdict, f.code)):
        alike: dict[str, list[Finding]] = {}
        for finding in each:
            alike.setdefault(_advice(finding), []).append(finding)
        most = len(alike) if show_all else _MOST_ALIKE[verdict]
        shown = list(alike.items()) if len(alike) <= most + 1 else list(alike.items())[:most]
        for advice, same in shown:
            yield [verdict_text(verdict), code, _subjects(same), advice]
        rest = [same[0] for same in list(alike.values())[len(shown) :]]
        if rest:
            words = f"the same verdict for {', '.join(f.subject for f in rest[:4])}"
            yield [
                verdict_text(verdict),
                code,
                f"{len(rest)} more",
                f"{words}{' and others' * (len(rest) > 4)} (--all shows each)",
            ]


def _subjects(same: list[Finding]) -> str:
    names = [f.subject for f in same]
    return "\n".join(names[:6]) + (f"\nand {len(names) - 6} others" if len(names) > 6 else "")


def verdict_text(verdict: Verdict) -> Any:
    """A verdict in its colour."""
    from rich.text import Text

    return Text(verdict.value, style=STYLE[verdict])


def _advice(finding: Finding) -> str:
    lines = [finding.headline]
    if finding.next_action:
        lines.append(f"→ {finding.next_action}{finding.price}")
    if finding.command:
        lines.append(f"  {finding.command}")
    return "\n".join(lines)
