"""``tunewise copy``"""

from __future__ import annotations

import click

from tunewise.cli.help import epilog
from tunewise.cli.place import open_study, study_argument


@click.command(
    "copy",
    epilog=epilog(
        "tunewise copy runs.db::digits archive.db",
        "tunewise copy runs.db::digits postgresql://user@db/runs::digits-2",
        codes="0 done; 3 the study cannot be read, or the copy exists already; 4 wrong usage.",
    ),
)
@study_argument
@click.argument("target", metavar="STORAGE[::NAME]")
def command(*, study: str, storage: str | None, target: str) -> None:
    """Copy STUDY, fact by fact, into STORAGE (of any kind), where it is called NAME or as before.

    Artifacts are not copied: the copy refers to them where they are.
    """
    from tunewise.study import copy_study

    source = open_study(study, storage)
    where, separator, name = target.rpartition("::")
    where, name = (where, name) if separator else (target, source.name)
    copied = copy_study(source.name, source.storage, where, name)
    click.echo(f"{len(copied.trials)} trials copied to {copied.storage.url}::{name}")
