"""``tunewise check``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.cli.place import open_study, split, study_argument
from tunewise.cli.show import print_json, print_table
from tunewise.playbook.finding import Finding, Findings, Verdict

EXIT = {Verdict.OK: 0, Verdict.NA: 0, Verdict.ACT: 1, Verdict.UNSURE: 2}
_STYLE = {Verdict.OK: "green", Verdict.NA: "dim", Verdict.ACT: "bold red", Verdict.UNSURE: "yellow"}


@click.command(
    "check",
    epilog=epilog(
        "tunewise check runs.db::digits",
        "tunewise check runs.db::digits --report report.html",
        codes="0 done, nothing to do; 1 something to act on; 2 the evidence does not decide; 3 the study cannot be "
        "read; 4 wrong usage.",
    ),
)
@study_argument
@click.option(
    "--noise-sd", type=float, help="Spread over seeds at a good configuration, where it was measured."
)
@click.option("--min-effect", type=float, default=0.0, help="The smallest change worth acting on.")
@click.option("--all", "show_all", is_flag=True, help="Show the checks that do not apply, too.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the HTML report as well."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the verdict and all findings.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    study: str,
    storage: str | None,
    noise_sd: float | None,
    min_effect: float,
    show_all: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Say what the Tuning Playbook's checks find in a study, the most pressing first, and what to do next."""
    from tunewise.playbook import check

    opened = open_study(study, storage)
    findings = check(opened.trials, noise_sd=noise_sd, min_effect=min_effect)
    if as_json:
        print_json({"verdict": findings.verdict.value, "findings": findings.to_json()})
    else:
        print_findings(findings, show_all)
    if report is not None:
        from tunewise.cli.report import write_report

        write_report(opened, findings, "::".join(split(study, storage)), report)
    ctx.exit(EXIT[findings.verdict])


def print_findings(findings: Findings, show_all: bool = False) -> None:
    """A table of findings, and how many there are of each verdict."""
    shown = [finding for finding in findings if show_all or finding.verdict != Verdict.NA]
    if shown:
        rows = [[_verdict(f.verdict), f.code, f.subject, _advice(f)] for f in shown]
        print_table(["verdict", "check", "about", "finding"], rows)
    counts = {verdict: sum(f.verdict == verdict for f in findings) for verdict in Verdict}
    click.echo(
        f"{counts[Verdict.ACT]} to act on, {counts[Verdict.UNSURE]} unsure, {counts[Verdict.OK]} fine, "
        f"{counts[Verdict.NA]} not applicable"
    )


def _verdict(verdict: Verdict) -> Any:
    from rich.text import Text

    return Text(verdict.value, style=_STYLE[verdict])


def _advice(finding: Finding) -> str:
    lines = [finding.headline]
    if finding.next_action:
        cost = f" (+{finding.cost_trials} trials)" if finding.cost_trials else ""
        lines.append(f"→ {finding.next_action}{cost}")
    if finding.command:
        lines.append(f"  {finding.command}")
    return "\n".join(lines)
