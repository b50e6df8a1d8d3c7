"""``tunewise tell``"""

from __future__ import annotations

import click

from tunewise.cli.help import epilog
from tunewise.cli.place import open_study, study_argument
from tunewise.cli.show import as_json as trial_json
from tunewise.cli.show import as_text, print_json
from tunewise.records import TrialState


@click.command(
    "tell",
    epilog=epilog(
        "tunewise tell runs.db::digits 7 --value 0.31",
        'tunewise tell runs.db::digits 8 --state failed --reason "out of memory"',
        codes="0 done; 3 the trial cannot be finished (unknown, or finished before); 4 wrong usage.",
    ),
)
@study_argument
@click.argument("number", type=click.IntRange(min=0))
@click.option("--value", "values", type=float, multiple=True, help="The result; repeat it for several goals.")
@click.option(
    "--state", type=click.Choice(["pruned", "failed", "infeasible"]), help="How it ended without a result."
)
@click.option("--reason", help="Why it ended so.")
@click.option("--json", "as_json", is_flag=True, help="Print the trial as JSON.")
def command(
    *,
    study: str,
    storage: str | None,
    number: int,
    values: tuple[float, ...],
    state: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Finish trial NUMBER, either with its value or with the state in which it ended.

    A run that diverged is infeasible (or has the value nan): samplers learn from it. A run that crashed is failed.
    """
    if bool(values) == bool(state):
        raise click.UsageError("Give either --value or --state.")
    opened = open_study(study, storage)
    ending = TrialState[state.upper()] if state else None
    record = opened.tell(number, list(values) or None, state=ending, reason=reason)
    if as_json:
        print_json(trial_json(record))
        return
    result = " ".join(as_text(value) for value in record.values or ())
    click.echo(f"Trial {number} {record.state.name.lower()} {result}".rstrip())
