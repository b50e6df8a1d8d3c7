"""``tunewise export``"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from tunewise.cli.database import is_database, write_database
from tunewise.cli.help import epilog
from tunewise.cli.reading import open_trials, study_or_file
from tunewise.cli.rows import flat_rows, one_kind_a_column, write_csv
from tunewise.cli.show import as_json, finite
from tunewise.errors import MissingExtra, SettingError

_FORMATS = ("csv", "json", "parquet", "sqlite")
_SUFFIXES = {"db": "sqlite", "sqlite3": "sqlite"}


@click.command(
    "export",
    epilog=epilog(
        "tunewise export runs.db::digits trials.csv",
        "tunewise export runs.db::digits trials.sqlite",
        codes="0 done; 3 the study cannot be read or the file not written; 4 wrong usage.",
    ),
)
@study_or_file
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(_FORMATS), help="By default taken from the file's suffix."
)
def command(*, study: str, storage: str | None, file: Path, form: str | None, **reading: Any) -> None:
    """Write all trials of a study to FILE: CSV, JSON (with the curves), Parquet, or a SQLite database.

    The database has the tables trials, params, attrs and curves, for any SQL client.
    """
    suffix = file.suffix.removeprefix(".").lower()
    form = form or _SUFFIXES.get(suffix, suffix)
    if form not in _FORMATS:
        raise SettingError(
            f"The suffix of {file.name!r} names no format; end in .csv, .json, .parquet or .sqlite, or give --format."
        )
    if form != "sqlite" and file.is_file() and is_database(file):
        raise SettingError(f"{file} is a SQLite file and is not overwritten; choose another name.")
    table = open_trials(study, storage, **reading).trials
    records = list(table)
    if form == "csv":
        with file.open("w", encoding="utf-8", newline="") as out:
            write_csv(records, table.goals, out)
    elif form == "json":
        data = finite([as_json(record) for record in records])
        file.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")
    elif form == "sqlite":
        write_database(records, table.goals, file)
    else:
        _write_parquet(file, *flat_rows(records, table.goals))
    click.echo(f"{len(records)} trials written to {file}")


def _write_parquet(file: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    try:
        import pandas
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "pyarrow", "data", "Writing Parquet") from None
    pandas.DataFrame(one_kind_a_column(rows), columns=columns).to_parquet(file, index=False)
