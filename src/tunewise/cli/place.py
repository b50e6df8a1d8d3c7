"""Which study a command is about: ``STORAGE::NAME``, or a name and a storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tunewise.errors import SettingError, StudyNotFound

F = TypeVar("F", bound=Callable[..., Any])


def storage_option(command: F) -> F:
    """``--storage URL``, or the variable TUNEWISE_STORAGE."""
    return click.option(
        "--storage",
        metavar="URL",
        envvar="TUNEWISE_STORAGE",
        help="Where the studies are: sqlite:///runs.db or runs.db (or the variable TUNEWISE_STORAGE).",
    )(command)


def study_argument(command: F) -> F:
    """The argument STUDY and the option ``--storage``."""
    return click.argument("study", metavar="STUDY")(storage_option(command))


def split(study: str, storage: str | None) -> tuple[str, str]:
    """(storage, name) from ``STORAGE::NAME``, or from a name and ``--storage``.

    Raises:
        SettingError: neither says where the study is.
    """
    where, separator, name = study.rpartition("::")
    if separator and where:
        return where, name
    if not storage:
        raise SettingError(
            f"Where is the study {study!r}? Write STORAGE::NAME, such as runs.db::{study}, or give --storage."
        )
    return storage, study


def open_storage(storage: str | None) -> Any:
    """The log of a storage that exists already.

    Raises:
        SettingError: no storage was named.
        StorageError: it is not there or cannot be used.
    """
    from tunewise.storage import open_log

    if not storage:
        raise SettingError("No storage was named; give --storage runs.db, or set TUNEWISE_STORAGE.")
    return open_log(storage, create=False)


def open_study(study: str, storage: str | None, sampler: str | None = "random") -> Any:
    """The `Study` of a command line. Whoever only reads needs no sampler of its own: ``None`` is the recorded one.

    Raises:
        StudyNotFound: there is none of that name; the message offers the nearest names.
        StorageError: the storage is not there or cannot be used.
    """
    from tunewise.integrations.readers import hint
    from tunewise.study import load_study

    where, name = split(study, storage)
    log = open_storage(where)
    names = log.studies()
    if name not in names:
        raise StudyNotFound(f"There is no study {name!r} in {where}{hint(name, names)}")
    return load_study(name, log, sampler, "never")
