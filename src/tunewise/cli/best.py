"""``tunewise best``"""

from __future__ import annotations

from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.cli.reading import open_trials, study_or_file
from tunewise.cli.show import as_json as trial_json
from tunewise.cli.show import as_text, print_json
from tunewise.errors import NoTrials
from tunewise.records import FrozenTrial


@click.command(
    "best",
    epilog=epilog(
        "tunewise best runs.db::digits --json",
        "tunewise best optuna.db::cnn",
        codes="0 done; 3 no trial is complete, or the study cannot be read; 4 wrong usage.",
    ),
)
@study_or_file
@click.option("--json", "as_json", is_flag=True, help="Print JSON (a list where there are several goals).")
def command(*, study: str, storage: str | None, as_json: bool, **reading: Any) -> None:
    """Show the best trial of a study; with several goals, all trials that no other one dominates.

    The best of many noisy values flatters: `tunewise check` says by how much.
    """
    table = open_trials(study, storage, **reading).trials
    has_one_goal = len(table.goals) == 1
    numbers = [table.best()] if has_one_goal else table.pareto().tolist()
    records = [table.row(number) for number in numbers if number is not None]
    if not records:
        raise NoTrials(
            f"Study {table.info.name!r} has no complete trial without violation yet; run some first."
        )
    if as_json:
        data = [trial_json(record) for record in records]
        print_json(data[0] if has_one_goal else data)
        return
    for record in records:
        _print(record, [goal.name for goal in table.goals])


def _print(record: FrozenTrial, names: list[str]) -> None:
    click.echo(f"Trial {record.number}")
    for name, value in zip(names, record.values or (), strict=True):
        click.echo(f"  {name}: {as_text(value)}")
    click.echo("  params:")
    for name, choice in record.params.items():
        click.echo(f"    {name}: {choice}")
