"""``tunewise report``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.cli.place import open_study, split, study_argument
from tunewise.playbook.finding import Findings


@click.command(
    "report",
    epilog=epilog(
        "tunewise report runs.db::digits report.html",
        codes="0 done; 3 the study cannot be read, the file not written, or Altair is missing; 4 wrong usage.",
    ),
)
@study_argument
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="report.html")
def command(*, study: str, storage: str | None, file: Path) -> None:
    """Write a study's report to FILE (by default report.html): one HTML file that needs no network.

    Needs Altair: pip install "tunewise[report]".
    """
    from tunewise.playbook import check

    opened = open_study(study, storage)
    write_report(opened, check(opened.trials), "::".join(split(study, storage)), file)


def write_report(opened: Any, findings: Findings, title: str, file: Path) -> None:
    """Draw the report of a study whose findings are known, and say where it is."""
    from tunewise.report import render_report, study_report

    trials = opened.trials
    space = trials.space
    path = render_report(study_report(trials, space, findings, title), file)
    click.echo(f"Report written to {path}", err=True)
