"""``tunewise report``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.cli.reading import Opened, open_trials, study_or_file
from tunewise.playbook.finding import Findings


@click.command(
    "report",
    epilog=epilog(
        "tunewise report runs.db::digits report.html",
        "tunewise report sqlite:///optuna.db::cnn cnn.html",
        codes="0 done; 3 the study cannot be read, the file not written, or Altair is missing; 4 wrong usage.",
    ),
)
@study_or_file
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default="report.html")
def command(*, study: str, storage: str | None, file: Path, **reading: Any) -> None:
    """Write a study's report to FILE (by default report.html): one HTML file that needs no network.

    Needs Altair: pip install "tunewise[report]".
    """
    from tunewise.playbook import check

    opened = open_trials(study, storage, **reading)
    write_report(opened, check(opened.trials, source=opened.words), file)


def write_report(opened: Opened, findings: Findings, file: Path) -> None:
    """Draw the report of a study whose findings are known, and say where it is."""
    from tunewise.report import render_report, study_report

    trials = opened.trials
    path = render_report(study_report(trials, trials.space, findings, opened.title), file)
    click.echo(f"Report written to {path}", err=True)


def is_ours(path: Path) -> bool:
    """Whether a file is a report of tunewise, which may be written anew."""
    with path.open("rb") as file:
        return b'name="generator" content="tunewise"' in file.read(2000)
