"""A folded table in a file, so that a large study opens without folding its whole log again.

A snapshot is a cache of this user: it may be deleted at any time, and is left aside when anything about it does not fit: the code
that folded it, the study, or the batch at its position. It is one ``.npz`` file of numbers and JSON; nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tunewise import curves, events, records, space, structure, trials
from tunewise.curves import CurveColumns
from tunewise.errors import TunewiseError
from tunewise.events import ArtifactStored, Event, TrialFinished, encode
from tunewise.records import Goal, Lease, StudyInfo, TrialState
from tunewise.space import Categorical, Float, Int, Space, domain_from_json, space_from_json
from tunewise.storage.log import Log
from tunewise.structure import Evidence
from tunewise.trials import CACHES, Trials
from tunewise.types import Json

FROM_EVENTS = 20_000
"""How many facts must be new since the last snapshot for another one to be worth its file."""

_PLAIN = {"user_attrs", "unreadable", "_fixed", "_attrs", "_constraints", "_reasons"}  # whose values are JSON
_NAMED: dict[str, Any] = {
    kind.__name__: kind for kind in (TrialFinished, ArtifactStored, Goal, Lease, StudyInfo, trials._Parameter)
}
_UNUSABLE: tuple[type[Exception], ...] = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    *(struct.error, zipfile.BadZipFile, zlib.error, TunewiseError),
)


class Snapshot(NamedTuple):
    """A table, and the position up to which it was folded."""

    state: dict[str, Any]
    position: int


def save(log: Log, study: str, table: Trials, position: int, last: list[Event]) -> None:
    """Write a snapshot of a table that was folded up to ``position``; ``last`` is the batch before it. Fails silently."""
    with suppress(*_UNUSABLE):
        arrays: list[np.ndarray[Any, Any]] = []
        state = {
            name: json.dumps(_pairs(value)) if name in _PLAIN else _pack(value, arrays)
            for name, value in table.__dict__.items()
            if name not in CACHES
        }
        about = {"code": _fingerprint(), "position": position, "last": _digest(encode(last)), "state": state}
        head = np.frombuffer(json.dumps(about).encode("ascii"), dtype=np.uint8)
        file = file_of(log, study)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent)
        try:
            with os.fdopen(descriptor, "wb") as out:
                np.savez(out, head=head, **{f"a{i}": each for i, each in enumerate(arrays)})  # type: ignore[arg-type]
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def load(log: Log, study: str) -> Snapshot | None:
    """The snapshot of a study that fits this code and this log; None where there is none."""
    file = file_of(log, study)
    with suppress(*_UNUSABLE), file.open("rb") as source, np.load(source, allow_pickle=False) as data:
        about = json.loads(bytes(data["head"]).decode("ascii"))
        position = about["position"]
        if about["code"] != _fingerprint():
            return None
        batches = log.read(study, position - 1, 1)
        if not batches or _digest(encode(batches[0])) != about["last"]:
            return None
        unpack = _Unpacker(data)
        state = {
            name: _unpaired(json.loads(node)) if name in _PLAIN else unpack(node)
            for name, node in about["state"].items()
        }
        return Snapshot(state, position)
    return None


def file_of(log: Log, study: str) -> Path:
    """Where the snapshot of a study is kept."""
    given = os.environ.get("TUNEWISE_CACHE")
    base = (
        Path(given)
        if given
        else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tunewise"
    )
    return base / "snapshots" / f"{_digest(f'{log.url} {study}')[:32]}.npz"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    """Of all code that decides what a table looks like, and of this file."""
    modules = (curves, events, records, structure, trials)
    files = [Path(module.__file__ or "") for module in modules]
    files += [Path(__file__), *sorted(Path(space.__file__ or "").parent.glob("*.py"))]
    return _digest("".join(_digest(file.read_text(encoding="utf-8")) for file in files))


# --- values to JSON and arrays, and back -----------------------------------------------------------------------------


def _pairs(value: Any) -> Json:
    """JSON in which the keys of a dict may be numbers."""
    return {"pairs": list(value.items())} if isinstance(value, dict) else {"list": value}


def _unpaired(node: Json) -> Any:
    return dict(map(tuple, node["pairs"])) if "pairs" in node else node["list"]


def _pack(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Json:
    """A value as JSON; long rows of numbers go into ``arrays``. Raises TypeError for what it does not know."""
    if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, TrialState)):
        return value
    if isinstance(value, TrialState):
        return {"state": int(value)}
    if isinstance(value, np.ndarray):
        return {"array": _put(value, arrays)}
    if isinstance(value, array):
        return {"typed": [value.typecode, _put(np.array(value), arrays)]}
    if isinstance(value, Float | Int | Categorical):
        return {"domain": value.to_json()}
    if isinstance(value, Space):
        return {"space": value.to_json()}
    if isinstance(value, CurveColumns):
        return {"curve": [_pack(column, arrays) for column in value.columns()]}
    if isinstance(value, Evidence):
        return {"evidence": _pack(value.__dict__, arrays)}
    if type(value).__name__ in _NAMED and is_dataclass(value) and not isinstance(value, type):
        members = [getattr(value, each.name) for each in fields(value)]
        return {"named": [type(value).__name__, [_pack(member, arrays) for member in members]]}
    if type(value).__name__ in _NAMED and isinstance(value, tuple):
        return {"named": [type(value).__name__, [_pack(member, arrays) for member in value]]}
    if isinstance(value, dict):
        return {"dict": [_pack(list(value), arrays), _pack(list(value.values()), arrays)]}
    if isinstance(value, set | frozenset):
        return {"set": _pack(sorted(value), arrays)}
    if isinstance(value, tuple):
        return {"tuple": [_pack(each, arrays) for each in value]}
    if isinstance(value, list):
        return _pack_list(value, arrays)
    if hasattr(value, "items"):  # a read-only mapping
        return _pack(dict(value), arrays)
    raise TypeError(f"{type(value).__name__} cannot be kept in a snapshot")


def _pack_list(value: list[Any], arrays: list[np.ndarray[Any, Any]]) -> Json:
    kinds = set(map(type, value))
    if len(value) > 16 and kinds == {int}:
        return {"ints": _put(np.array(value, dtype=np.int64), arrays)}
    if len(value) > 16 and kinds <= {
        str,
        tuple,
    }:  # few different ones, as the names of parameters and workers are
        code = {each: i for i, each in enumerate(dict.fromkeys(value))}
        codes = np.array([code[each] for each in value], dtype=np.int64)
        return {"coded": [[_pack(each, arrays) for each in code], _put(codes, arrays)]}
    return {"list": [_pack(each, arrays) for each in value]}


def _put(value: np.ndarray[Any, Any], arrays: list[np.ndarray[Any, Any]]) -> int:
    arrays.append(value)
    return len(arrays) - 1


@dataclass(frozen=True, slots=True)
class _Unpacker:
    """The way back from `_pack`."""

    arrays: Any

    def __call__(self, node: Json) -> Any:
        if not isinstance(node, dict):
            return node
        ((kind, content),) = node.items()
        return _READERS[kind](self, content)

    def get(self, index: int) -> np.ndarray[Any, Any]:
        """An array of the file."""
        found: np.ndarray[Any, Any] = self.arrays[f"a{index}"]
        return found

    def coded(self, content: Json) -> list[Any]:
        """A list of which few members differ."""
        distinct = [self(each) for each in content[0]]
        return list(map(distinct.__getitem__, self.get(content[1]).tolist()))

    def evidence(self, content: Json) -> Evidence:
        """What is known about combinations of parameters."""
        made = Evidence()
        made.__dict__.update(self(content))
        return made


_READERS: dict[str, Callable[[_Unpacker, Any], Any]] = {
    "state": lambda _, content: TrialState(content),
    "array": lambda unpack, content: unpack.get(content),
    "typed": lambda unpack, content: array(content[0], unpack.get(content[1]).tobytes()),
    "domain": lambda _, content: domain_from_json(content),
    "space": lambda _, content: space_from_json(content),
    "curve": lambda unpack, content: CurveColumns(*map(unpack, content)),
    "evidence": _Unpacker.evidence,
    "named": lambda unpack, content: _NAMED[content[0]](*map(unpack, content[1])),
    "dict": lambda unpack, content: dict(zip(unpack(content[0]), unpack(content[1]), strict=True)),
    "set": lambda unpack, content: set(unpack(content)),
    "tuple": lambda unpack, content: tuple(map(unpack, content)),
    "list": lambda unpack, content: list(map(unpack, content)),
    "ints": lambda unpack, content: unpack.get(content).tolist(),
    "coded": _Unpacker.coded,
}
