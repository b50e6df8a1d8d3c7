"""``tunewise edit``"""

from __future__ import annotations

import json
from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.cli.place import open_study, study_argument
from tunewise.errors import SettingError


@click.command(
    "edit",
    epilog=epilog(
        'tunewise edit runs.db::digits 3 --note machine=a7 --note "tags=[1, 2]"',
        'tunewise edit runs.db::digits 4 --invalid "trained on the wrong split"',
        codes="0 done; 3 the study cannot be changed or has no such trial; 4 wrong usage.",
    ),
)
@study_argument
@click.argument("number", type=click.IntRange(min=0))
@click.option(
    "--note",
    "notes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set a user attribute: JSON, or else text. May be repeated.",
)
@click.option(
    "--invalid", metavar="REASON", help="The trial says nothing; it stays, as failed, with its curves."
)
@click.option("--delete", metavar="REASON", help="Take the trial out; an empty row keeps its number.")
def command(
    *,
    study: str,
    storage: str | None,
    number: int,
    notes: tuple[str, ...],
    invalid: str | None,
    delete: str | None,
) -> None:
    """Annotate, invalidate or delete trial NUMBER of STUDY. The log keeps what was there before."""
    if bool(notes) + (invalid is not None) + (delete is not None) != 1:
        raise click.UsageError("Give one of --note, --invalid and --delete.")
    attrs = dict(_pair(note) for note in notes)
    opened = open_study(study, storage)
    if attrs:
        opened.annotate_trial(number, **attrs)
        done = "annotated"
    elif invalid is not None:
        opened.invalidate_trial(number, invalid)
        done = "declared invalid"
    else:
        opened.delete_trial(number, delete or "")
        done = "deleted"
    click.echo(f"Trial {number} was {done}.")


def _pair(note: str) -> tuple[str, Any]:
    key, separator, text = note.partition("=")
    if not separator or not key:
        raise SettingError(f"{note!r} is no note; write KEY=VALUE, such as machine=a7.")
    try:
        return key, json.loads(text)
    except ValueError:
        return key, text
