"""Samplers: pure functions of the table. One method a file, loaded when first used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from tunewise.errors import SettingError
from tunewise.samplers.base import Sampler
from tunewise.types import Json

_FILE_OF = {
    "Auto": "auto",
    "BruteForce": "brute_force",
    "CmaEs": "cmaes",
    "GP": "gp",
    "Grid": "grid",
    "NSGA2": "nsga2",
    "NSGA3": "nsga3",
    "PartialFixed": "partial",
    "QMC": "qmc",
    "Random": "random",
    "TPE": "tpe",
}
_NAMED: dict[str, tuple[str, dict[str, Json]]] = {
    "auto": ("Auto", {}),
    "brute_force": ("BruteForce", {}),
    "cmaes": ("CmaEs", {}),
    "gp": ("GP", {}),
    "grid": ("Grid", {}),
    "halton": ("QMC", {"kind": "halton"}),
    "nsga2": ("NSGA2", {}),
    "nsga3": ("NSGA3", {}),
    "partial": ("PartialFixed", {}),
    "qmc": ("QMC", {}),
    "random": ("Random", {}),
    "sobol": ("QMC", {"kind": "sobol"}),
    "tpe": ("TPE", {}),
}

__all__ = ["Sampler", "from_settings", "make", "settings", "versions", *_FILE_OF]  # noqa: PLE0604 (lazy names)


def __getattr__(name: str) -> Any:
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def make(sampler: Sampler | str) -> Sampler:
    """A sampler from its lower-case name, or the sampler itself.

    Raises:
        SettingError: the name is unknown, or the object has no ``suggest``.
    """
    if isinstance(sampler, str):
        return from_settings({"name": sampler})
    if isinstance(sampler, type) or not hasattr(sampler, "suggest"):
        raise SettingError(
            f"{sampler!r} is no sampler; give one of {sorted(_NAMED)}, or an object with `suggest`."
        )
    return sampler


def settings(sampler: Sampler) -> dict[str, Json]:
    """The sampler's name, version and settings as plain JSON values; only the name of one that is not of this package."""
    kind = type(sampler)
    name = _FILE_OF.get(kind.__name__)
    if name is None or kind.__module__ != f"{__name__}.{name}" or not is_dataclass(sampler):
        return {"name": sampler.name}
    values = {field.name: getattr(sampler, field.name) for field in fields(sampler)}
    return {"name": name, "version": kind.version, **{key: _plain(value) for key, value in values.items()}}


def from_settings(values: Mapping[str, Json]) -> Sampler:
    """The sampler that `settings` described, in its present version.

    Raises:
        SettingError: the name or a setting is unknown.
    """
    name = values.get("name")
    if name not in _NAMED:
        raise SettingError(f"There is no sampler {name!r}; the names are {sorted(_NAMED)}.")
    class_name, given = _NAMED[name]
    rest = {key: _revived(value) for key, value in values.items() if key not in ("name", "version")}
    try:
        sampler: Sampler = __getattr__(class_name)(**{**given, **rest})
    except TypeError as error:
        raise SettingError(f"The settings {dict(values)!r} do not make a sampler: {error}.") from None
    return sampler


def versions(values: Mapping[str, Json]) -> tuple[int, int]:
    """The version of the sampler that `settings` described, 0 where it was not stored, and the present one."""
    recorded, present = values.get("version", 0), settings(from_settings(values)).get("version", 0)
    return int(recorded), int(present)


def _plain(value: Any) -> Json:
    if hasattr(value, "suggest"):
        return {"sampler": settings(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _revived(value: Json) -> Any:
    if isinstance(value, dict) and set(value) == {"sampler"}:
        return from_settings(value["sampler"])
    return value
