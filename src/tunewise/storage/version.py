"""Whether this tunewise can read a storage, by the version that is written in it."""

from __future__ import annotations

from typing import Any

from tunewise.errors import StorageError


def check_version(where: object, found: Any, known: int) -> None:
    """Pass a version of 1 to ``known``, a number or its text.

    Raises:
        StorageError: ``found`` is a newer version, or none at all.
    """
    try:
        version = int(found)
    except (TypeError, ValueError, OverflowError):
        version = 0
    if version < 1:
        text = found.decode(errors="replace") if isinstance(found, bytes) else found
        raise StorageError(
            f"{where} says that its version is {text!r}, which is no version of tunewise: it is damaged, or of another "
            "program. Restore a backup, or choose another place."
        )
    if version > known:
        raise StorageError(
            f"{where} has version {version}, newer than {known}, which this tunewise knows; upgrade tunewise."
        )
