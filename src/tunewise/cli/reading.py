"""Which study a reading command is about, whoever made it, and the options that say what its source leaves open."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from tunewise.errors import SettingError

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--metric", metavar="NAME", help="The goal among several, or the column that holds it."),
    click.option(
        "--direction", type=click.Choice(["minimize", "maximize"]), help="Where the source does not say it."
    ),
    click.option(
        "--params",
        metavar="NAMES",
        help='Columns that are hyperparameters: "lr,momentum,opt.*"; by default guessed.',
    ),
    click.option("--space", metavar="JSON", help='The ranges that were searched: {"lr": "log 1e-5..1e-1"}.'),
    click.option(
        "--curves",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Training curves in a file of their own.",
    ),
    click.option("--sampler", metavar="NAME", help="How trials were chosen: random, qmc, grid, tpe, ..."),
    click.option("--diverged", metavar="VALUE", type=float, help="Values at least this bad mean divergence."),
    click.option(
        "--failed",
        type=click.Choice(["crashed", "diverged"]),
        help="What a failed trial without a reason did.",
    ),
    click.option(
        "--rename", metavar="OLD=NEW", multiple=True, help="Another name for a parameter; may be repeated."
    ),
    click.option("--trial-column", "trial", metavar="NAME", help="The column that names the trial."),
    click.option(
        "--value", type=click.Choice(["last", "best"]), help="A trial's value, where only its curve is known."
    ),
)


class Opened(NamedTuple):
    """A study that was found: its table, its name, and the words that name it again on a command line, options too."""

    trials: Any
    title: str
    words: str


def reading_options(command: F) -> F:
    """The options that say how to read a study that does not say everything itself, gathered in ``reading``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def study_or_file(command: F) -> F:
    """The argument STUDY, ``--storage`` and the options of `reading_options`."""
    from tunewise.cli.place import storage_option

    return click.argument("study", metavar="STUDY")(storage_option(reading_options(command)))


def open_trials(study: str, storage: str | None, **options: Any) -> Opened:
    """The table of the study that a command line names: STORAGE::NAME, a file, a folder, a URL.

    Raises:
        StorageError, DataError, StudyNotFound, SettingError: as `read_study`.
    """
    from tunewise.integrations.readers import Reading, open_source, the_name

    where, name = _parts(study, storage)
    source = open_source(where)
    chosen = the_name(source, name)
    title = where if name is None else f"{where}::{name}"
    return Opened(source.read(chosen, Reading(**_given(options))), title, _again(title, options))


def _again(title: str, options: dict[str, Any]) -> str:
    """Title and reading options as a shell would take them."""
    words = [title]
    for key, value in options.items():
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None:
                words += [f"--{'trial-column' if key == 'trial' else key}", str(each)]
    return shlex.join(words)


def _parts(study: str, storage: str | None) -> tuple[str, str | None]:
    """(where, name): a file, folder or URL alone, ``WHERE::NAME``, or a name and the storage."""
    if Path(study).expanduser().exists():
        return study, None
    where, separator, name = study.rpartition("::")
    if separator and where:
        return where, name
    if storage is not None and "://" not in study:
        return storage, study
    if "://" in study or Path(study).suffix:
        return study, None
    raise SettingError(
        f"Where is the study {study!r}? Write STORAGE::NAME, such as runs.db::{study}, or give --storage."
    )


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `Reading` from the options that were given."""
    from tunewise.cli.space_text import parse_space

    given = {key: value for key, value in options.items() if value}
    if "params" in given:
        given["params"] = tuple(name.strip() for name in given["params"].split(",") if name.strip())
    if "space" in given:
        given["space"] = parse_space(given["space"])
    if "rename" in given:
        pairs = [text.partition("=") for text in given["rename"]]
        wrong = next((old for old, _, new in pairs if not old or not new), None)
        if wrong is not None:
            raise SettingError(f"{wrong!r} is no renaming; write OLD=NEW.")
        given["rename"] = {old: new for old, _, new in pairs}
    if options.get("diverged") is not None:
        given["diverged"] = options["diverged"]
    return given
