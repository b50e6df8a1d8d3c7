"""``tunewise artifacts``"""

from __future__ import annotations

from pathlib import Path

import click

from tunewise.cli.help import epilog
from tunewise.cli.place import open_study, study_argument
from tunewise.cli.show import iso, print_json, print_table


@click.command(
    "artifacts",
    epilog=epilog(
        "tunewise artifacts runs.db::digits",
        "tunewise artifacts runs.db::digits plots/loss.png --trial 3 --to loss.png",
        codes="0 done; 3 the study cannot be read, or the file is not there; 4 wrong usage.",
    ),
)
@study_argument
@click.argument("name", required=False)
@click.option(
    "--trial", type=click.IntRange(min=0), metavar="NUMBER", help="Of this trial; else of the study."
)
@click.option(
    "--to", type=click.Path(path_type=Path), help="The file or folder to write; by default its own name."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *, study: str, storage: str | None, name: str | None, trial: int | None, to: Path | None, as_json: bool
) -> None:
    """List the files kept with STUDY and its trials; with NAME fetch one of them."""
    opened = open_study(study, storage)
    if name is not None:
        click.echo(f"{name} written to {opened.fetch_artifact(name, trial, to)}")
        return
    rows = [
        {
            "trial": each.number,
            "name": each.name,
            "bytes": each.bytes,
            "stored": iso(each.at),
            "key": each.key,
        }
        for each in opened.artifacts
        if trial is None or each.number == trial
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("No artifacts.")
