"""Pruners: pure functions ``(trials, number) -> bool`` of the table. One rule a file, loaded when first used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from tunewise.errors import SettingError
from tunewise.pruners.base import Pruner
from tunewise.types import Json

_WHERE = {
    "never": ("never", "Never"),
    "median": ("median", "Median"),
    "percentile": ("percentile", "Percentile"),
    "threshold": ("threshold", "Threshold"),
    "patient": ("patient", "Patient"),
    "successive_halving": ("halving", "SuccessiveHalving"),
    "hyperband": ("hyperband", "Hyperband"),
}
_FILE_OF = {class_name: file for file, class_name in _WHERE.values()}

__all__ = ["Pruner", "from_settings", "make", "settings", *_FILE_OF]  # noqa: PLE0604 (lazy names)


def __getattr__(name: str) -> Any:
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def make(pruner: Pruner | str | None = None) -> Pruner:
    """A pruner from None (never prune), a name such as "median", or a pruner, which is returned as it is.

    Raises:
        SettingError: the name is unknown, or the object cannot be called.
    """
    if pruner is None:
        pruner = "never"
    if isinstance(pruner, str):
        return from_settings({"name": pruner})
    if not callable(pruner):
        raise SettingError(
            f"{pruner!r} is no pruner; give one of the names {_names()}, or (trials, number) -> bool."
        )
    return pruner


def settings(pruner: Pruner) -> dict[str, Json]:
    """The pruner's name and settings as plain JSON values; only the name of a pruner that is not of this package."""
    name = getattr(pruner, "name", type(pruner).__name__)
    if name not in _WHERE or not is_dataclass(pruner):
        return {"name": name}
    values = {field.name: getattr(pruner, field.name) for field in fields(pruner)}
    return {
        "name": name,
        **{key: settings(value) if callable(value) else value for key, value in values.items()},
    }


def from_settings(values: Mapping[str, Json]) -> Pruner:
    """The pruner that `settings` described.

    Raises:
        SettingError: the name or a setting is unknown.
    """
    name = values.get("name")
    if name not in _WHERE:
        raise SettingError(f"There is no pruner {name!r}; the names are {_names()}.")
    arguments = {
        key: from_settings(v) if isinstance(v, dict) else v for key, v in values.items() if key != "name"
    }
    try:
        pruner: Pruner = __getattr__(_WHERE[name][1])(**arguments)
    except TypeError as error:
        raise SettingError(f"The settings {arguments} do not fit the pruner {name!r}: {error}.") from None
    return pruner


def _names() -> str:
    return ", ".join(f'"{name}"' for name in _WHERE)
