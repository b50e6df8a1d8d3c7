"""``tunewise check``"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

from tunewise.cli.findings import print_findings
from tunewise.cli.help import epilog
from tunewise.cli.reading import Opened, open_trials, study_or_file
from tunewise.cli.show import as_text, counts_text, params_text, print_json, print_paragraph, terminal_width
from tunewise.playbook.finding import Findings, Verdict

_MOST_PARAMS = 20
EXIT = {Verdict.OK: 0, Verdict.NA: 0, Verdict.ACT: 1, Verdict.UNSURE: 2}


@click.command(
    "check",
    epilog=epilog(
        "tunewise check runs.db::digits",
        "tunewise check sqlite:///optuna.db::cnn --report cnn.html",
        "tunewise check trials.csv --metric val_loss --sampler random",
        "tunewise check mlruns::my-experiment --metric val_accuracy",
        codes="0 done, nothing to do; 1 something to act on; 2 the evidence does not decide; 3 the study cannot be "
        "read; 4 wrong usage.",
    ),
)
@study_or_file
@click.option(
    "--noise-sd", type=float, help="Spread over seeds at a good configuration, where it was measured."
)
@click.option("--min-effect", type=float, default=0.0, help="The smallest change worth acting on.")
@click.option("--all", "show_all", is_flag=True, help="Show every finding, also of checks that do not apply.")
@click.option("--plots/--no-plots", default=None, help="Small plots; by default on a terminal only.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML report; by default tunewise-NAME.html.",
)
@click.option("--no-report", is_flag=True, help="Write no report.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON: the verdict and all findings; no report unless asked for.",
)
def command(
    *,
    study: str,
    storage: str | None,
    noise_sd: float | None,
    min_effect: float,
    show_all: bool,
    plots: bool | None,
    report: Path | None,
    no_report: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Say what the Tuning Playbook's checks find in a study, the most pressing first, and what to do next.

    STUDY is a tunewise study, or anybody's: an Optuna storage (SQLite, PostgreSQL or MySQL URL, a file, a journal), a
    table of trials (CSV, JSON, Parquet), an MLflow or Weights & Biases folder. Nothing in it is changed.
    """
    from tunewise.playbook import check

    opened = open_trials(study, storage, **reading)
    findings = check(opened.trials, noise_sd=noise_sd, min_effect=min_effect, source=opened.words)
    if as_json:
        print_json(_as_json(opened, findings))
    else:
        _print(opened, findings, show_all=show_all, plots=sys.stdout.isatty() if plots is None else plots)
    if report is not None or not (as_json or no_report or opened.trials.n_finished == 0):
        _write(opened, findings, report)
    click.get_current_context().exit(EXIT[findings.verdict])


def _print(opened: Opened, findings: Findings, *, show_all: bool, plots: bool) -> None:
    trials = opened.trials
    reader = trials.user_attrs.get("reader", {})
    goal = trials.goals[0]
    best = trials.best()
    click.secho(opened.title, bold=True, nl=False)
    source = reader.get("source", opened.title)
    click.echo(f"  {source}" if source != opened.title else "")
    click.echo(f"{counts_text(trials)}; {goal.direction} {goal.name}")
    if best is not None:
        params = params_text(trials.row(best), most=_MOST_PARAMS)
        where = f"in trial {best}: {params}" if params else f"in trial {best}"
        click.echo(f"best {goal.name} {as_text(float(trials.values[best, 0]))} {where}")
    for note in reader.get("notes", []):
        print_paragraph(note, "note: ")
    click.echo()
    print_findings(findings, show_all)
    if plots and best is not None:
        from tunewise.cli.pictures import print_pictures

        click.echo()
        print_pictures(trials, trials.space, findings, terminal_width())


def _as_json(opened: Opened, findings: Findings) -> dict[str, Any]:
    trials = opened.trials
    reader = trials.user_attrs.get("reader", {})
    return {
        "study": opened.title,
        "source": reader.get("source"),
        "notes": reader.get("notes", []),
        "verdict": findings.verdict.value,
        "findings": findings.to_json(),
    }


def _write(opened: Opened, findings: Findings, report: Path | None) -> None:
    """Write the report; where nobody asked for it by name, its lack is no error."""
    from tunewise.cli.report import is_ours, write_report
    from tunewise.errors import MissingExtra

    if report is not None:
        write_report(opened, findings, report)
        return
    path = Path(
        "tunewise-" + (re.sub(r"[^\w.-]+", "-", opened.trials.info.name).strip("-.") or "study") + ".html"
    )
    if path.exists() and not is_ours(path):
        click.echo(f"{path} is somebody else's file, so no report was written; say --report FILE.", err=True)
        return
    try:
        write_report(opened, findings, path)
    except (MissingExtra, OSError) as error:
        click.echo(f"No report was written: {error}", err=True)
