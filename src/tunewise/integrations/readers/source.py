"""Finding out what a source is: a tunewise storage, an Optuna storage or journal, MLflow, Weights & Biases, or a table."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from tunewise.errors import DataError, SettingError, StorageError, StudyNotFound
from tunewise.integrations.readers import mlflow, optuna_sql, wandb
from tunewise.integrations.readers.build import to_trials, with_goal
from tunewise.integrations.readers.files import columns_of_file, columns_of_object, without_nan
from tunewise.integrations.readers.found import Found, Reading
from tunewise.integrations.readers.optuna_journal import Journal
from tunewise.integrations.readers.sql import Database, Server, SqliteFile, is_sqlite
from tunewise.integrations.readers.table import read_table
from tunewise.storage import open_log
from tunewise.storage.log import pages
from tunewise.study import load_study
from tunewise.trials import Trials

_SERVERS = ("postgresql", "postgres", "mysql", "mariadb")
_OWN_TABLES = ({"studies", "batches"}, {"studies", "events"}, {"tunewise_studies"})


class Source(NamedTuple):
    """A place with studies: their names, and how to read one."""

    where: str
    names: Callable[[], list[str]]
    read: Callable[[str, Reading], Trials]


def open_source(where: Any) -> Source:
    """What ``where`` is: a URL, a path to a file or folder, or a table in memory.

    Raises:
        StorageError: it is not there, or it is a database of another program.
        DataError: it is a file that holds no trials.
    """
    if not isinstance(where, str | Path):
        columns = columns_of_object(where)
        if hasattr(where, "to_dict"):
            columns = without_nan(columns)
        kind = type(where).__name__
        return _table(f"the {kind}", "table", lambda: columns)
    text = str(where)
    scheme, _, rest = text.partition("://")
    if scheme.partition("+")[0] in _SERVERS and rest:
        return _database(Server(text), text)
    if scheme == "sqlite" and rest.startswith("/"):
        return _file(Path(rest[1:].partition("?")[0]))
    if rest or text.startswith("dir:"):
        return _own(text)
    path = Path(text).expanduser()
    return _folder(path) if path.is_dir() else _file(path)


def read_study(
    source: Any,
    name: str | None = None,
    *,
    metric: str | None = None,
    direction: str | None = None,
    **settings: Any,
) -> Trials:
    """A study that exists, whoever made it, as a `Trials` table for `playbook.check`, figures and reports.

    Args:
        source: a tunewise storage; the URL or file of an Optuna storage (SQLite, PostgreSQL, MySQL) or its journal; a
            folder ``mlruns`` or database of MLflow; a folder ``wandb``; a CSV, JSON, JSON-lines or Parquet file with one
            row a trial (or one a report); a data frame, a dict of columns, a list of dicts. "SOURCE::NAME" names
            the study too.
        name: of the study, where the source holds several.
        metric: the goal among several, or the column that holds it.
        direction: "minimize" or "maximize"; needed where neither the source nor the metric's name says it.
        settings: the other fields of `Reading`: params, space, curves, sampler, diverged, failed, rename, trial, value.

    The table's ``user_attrs["reader"]`` names the source and holds notes about everything that had to be assumed. Nothing in
    the source is changed. O(its size); about 2 s for 10,000 trials with a million reports.

    Raises:
        StorageError, DataError: the source is not there or is not what it should be.
        StudyNotFound: no study of that name, or no name given and not exactly one study there.
        SettingError: a setting is not valid.
    """
    unknown = set(settings) - set(Reading.__dataclass_fields__)
    if unknown:
        raise SettingError(
            f"{sorted(unknown)[0]!r} is no setting of read_study; there are {list(Reading.__dataclass_fields__)}."
        )
    if isinstance(source, str) and name is None and not Path(source).exists():
        where, separator, last = source.rpartition("::")
        source, name = (where, last) if separator and where else (source, None)
    opened = open_source(source)
    try:
        return opened.read(the_name(opened, name), Reading(metric=metric, direction=direction, **settings))
    except OverflowError as error:
        raise DataError(f"{opened.where} holds a number that no machine keeps: {error}.") from None


def the_name(source: Source, name: str | None) -> str:
    """The name of the study that is meant: the given one, or the only one.

    Raises:
        StudyNotFound: it is not there, or there is not exactly one.
    """
    names = source.names()
    if name is not None and name in names:
        return name
    if name is None and len(names) == 1:
        return names[0]
    if name is None and not names:
        raise StudyNotFound(f"{source.where} holds no study yet.")
    if name is None:
        raise StudyNotFound(
            f"{source.where} holds {len(names)} studies; say which: {_some(names, source.where)}."
        )
    raise StudyNotFound(f"There is no study {name!r} in {source.where}{hint(name, names)}")


def hint(name: str, names: list[str]) -> str:
    """The end of a sentence that offers the nearest names."""
    import difflib

    if not names:
        return "; it holds no study yet."
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    return f"; it holds {', '.join(map(repr, names[:5]))}{' and others' if len(names) > 5 else ''}."


def _some(names: list[str], where: str) -> str:
    shown = ", ".join(f"{where}::{name}" for name in names[:5])
    return shown + (f" and {len(names) - 5} others" if len(names) > 5 else "")


def _file(path: Path) -> Source:
    if not path.is_file():
        raise StorageError(f"There is no file {path}; check the path.")
    if is_sqlite(path):
        return _database(SqliteFile(path), str(path))
    with path.open("rb") as file:
        head = file.read(256)
    if head.lstrip()[:1] == b"{" and b'"op_code"' in head:
        return _journal(path)
    if path.suffix in (".db", ".sqlite", ".sqlite3"):
        raise StorageError(
            f"{path} is not a usable SQLite file; it {'begins with something else' if head else 'is empty'}."
        )
    return _table(str(path), path.stem, lambda: columns_of_file(path))


def _folder(path: Path) -> Source:
    if (path / "mlruns").is_dir() and not any(path.glob("*/meta.yaml")):
        path = path / "mlruns"
    if any(path.glob("*/meta.yaml")):
        return Source(
            str(path),
            lambda: mlflow.folder_names(path),
            lambda name, reading: to_trials(
                mlflow.read_folder(path, name, reading), _without_metric(reading)
            ),
        )
    folder = path if wandb.is_folder(path) else path / "wandb"
    if wandb.is_folder(folder):
        return Source(
            str(folder),
            lambda: wandb.names(folder),
            lambda name, reading: to_trials(wandb.read(folder, name, reading), _without_metric(reading)),
        )
    if not (path / "tunewise.json").exists():
        raise StorageError(
            f"The folder {path} holds no study: neither tunewise's own (a directory log), nor MLflow's (mlruns), nor runs of "
            "Weights & Biases (wandb)."
        )
    return _own(str(path))


def _database(database: Database, where: str) -> Source:
    """An Optuna storage, an MLflow store, or tunewise's own; told apart by their tables."""
    tables = database.tables()
    if set(tables) >= optuna_sql.NEEDS:
        return Source(
            database.where,
            lambda: optuna_sql.study_names(database),
            lambda name, reading: to_trials(_turned(optuna_sql.read(database, name), reading), reading),
        )
    if set(tables) >= mlflow.NEEDS:
        return Source(
            database.where,
            lambda: mlflow.sql_names(database),
            lambda name, reading: to_trials(
                mlflow.read_sql(database, name, reading), _without_metric(reading)
            ),
        )
    if any(own <= set(tables) for own in _OWN_TABLES):
        return _own(where)
    if not tables:
        raise StorageError(f"{database.where} is an empty database; nothing was saved there.")
    if len(optuna_sql.NEEDS & set(tables)) >= 3:
        lacking = ", ".join(sorted(optuna_sql.NEEDS - set(tables)))
        raise StorageError(
            f"{database.where} looks like an Optuna storage, but has no table {lacking}: it is not whole."
        )
    some = ", ".join(sorted(tables)[:6])
    raise StorageError(
        f"{database.where} is a database of another program (tables: {some}); tunewise reads its own studies, Optuna's and "
        "MLflow's."
    )


def _journal(path: Path) -> Source:
    journal = Journal(path)
    return Source(
        str(path),
        journal.study_names,
        lambda name, reading: to_trials(_turned(journal.read(name), reading), reading),
    )


def _table(what: str, name: str, columns: Callable[[], Any]) -> Source:
    def read(name: str, reading: Reading) -> Trials:
        curves = None if reading.curves is None else _columns_of(reading.curves)
        return to_trials(
            read_table(columns(), reading, name, what, curve_table=curves), _without_metric(reading)
        )

    return Source(what, lambda: [name], read)


def _own(where: str) -> Source:
    """A tunewise storage. Its studies say everything themselves, so a reading has nothing to add but the goal."""
    log = open_log(where, create=False)

    def read(name: str, reading: Reading) -> Trials:
        needless = [
            f
            for f in Reading.__dataclass_fields__
            if f != "metric" and getattr(reading, f) != getattr(Reading(), f)
        ]
        if needless:
            raise SettingError(
                f"{needless[0]} says how to read other people's results; a tunewise study says it itself. Leave it out."
            )
        trials = load_study(name, log, "random", "never").trials
        return (
            trials
            if reading.metric is None
            else with_goal(trials, chain.from_iterable(chain.from_iterable(pages(log, name))), reading.metric)
        )

    return Source(where, log.studies, read)


def _columns_of(source: Any) -> Any:
    return columns_of_file(Path(source)) if isinstance(source, str | Path) else columns_of_object(source)


def _turned(found: Found, reading: Reading) -> Found:
    """The study with the direction that the user says it has."""
    if reading.direction is not None and len(found.goals) == 1:
        found.goals = (found.goals[0].__class__(found.goals[0].name, reading.direction),)
    return found


def _without_metric(reading: Reading) -> Reading:
    """For tables, whose metric is chosen while they are read."""
    from dataclasses import replace

    return replace(reading, metric=None)
