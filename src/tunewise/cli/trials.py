"""``tunewise trials``"""

from __future__ import annotations

import sys
from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.cli.reading import open_trials, study_or_file
from tunewise.cli.rows import write_csv
from tunewise.cli.show import as_json as trial_json
from tunewise.cli.show import params_text, print_json, print_table, state_text
from tunewise.records import TrialState


@click.command(
    "trials",
    epilog=epilog(
        "tunewise trials runs.db::digits --state complete --last 20",
        "tunewise trials optuna.db::cnn --csv",
        codes="0 done; 3 the study cannot be read; 4 wrong usage.",
    ),
)
@study_or_file
@click.option(
    "--state",
    type=click.Choice([state.name.lower() for state in TrialState]),
    multiple=True,
    help="Only trials in this state; may be repeated.",
)
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Only the last N of them.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with curves and attributes.")
def command(
    *,
    study: str,
    storage: str | None,
    state: tuple[str, ...],
    last: int | None,
    as_csv: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """List the trials of a study."""
    table = open_trials(study, storage, **reading).trials
    wanted = {TrialState[name.upper()] for name in state} or set(TrialState)
    records = [record for record in table if record.state in wanted]
    records = records[-last:] if last else records
    if as_json:
        print_json([trial_json(record) for record in records])
    elif as_csv:
        write_csv(records, table.goals, sys.stdout)
    elif records:
        names = [goal.name for goal in table.goals]
        rows = [
            [r.number, state_text(r.state), *(r.values or [None] * len(names)), r.duration, params_text(r)]
            for r in records
        ]
        print_table(["trial", "state", *names, "seconds", "params"], rows)
    else:
        click.echo("No such trials.")
