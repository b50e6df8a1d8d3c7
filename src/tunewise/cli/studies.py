"""``tunewise studies``"""

from __future__ import annotations

from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.cli.place import storage_option
from tunewise.cli.show import iso, print_json, print_table
from tunewise.errors import SettingError
from tunewise.records import TrialState


@click.command(
    "studies",
    epilog=epilog(
        "tunewise studies runs.db",
        "tunewise studies optuna.db",
        codes="0 done; 3 the storage cannot be used; 4 wrong usage.",
    ),
)
@click.argument("where", metavar="[STORAGE]", required=False)
@storage_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(*, where: str | None, storage: str | None, as_json: bool) -> None:
    """List the studies of a storage: goals, trials, best value."""
    from tunewise.integrations.readers import Reading, open_source

    if not (where or storage):
        raise SettingError("No storage was named; give --storage runs.db, or set TUNEWISE_STORAGE.")
    source = open_source(where or storage)
    rows = [_summary(name, source.read(name, Reading())) for name in source.names()]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("No studies yet.")


def _summary(name: str, trials: Any) -> dict[str, Any]:
    best = trials.best() if len(trials.goals) == 1 else None
    return {
        "study": name,
        "goal": ", ".join(f"{goal.direction} {goal.name}" for goal in trials.goals),
        "trials": len(trials),
        "complete": int((trials.state == TrialState.COMPLETE).sum()),
        "running": int((trials.state == TrialState.RUNNING).sum()),
        "best": None if best is None else float(trials.values[best, 0]),
        "best_trial": best,
        "created": iso(trials.info.created_at),
    }
