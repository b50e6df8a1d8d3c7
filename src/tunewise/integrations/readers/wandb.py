"""Weights & Biases: the run files that it leaves in a folder ``wandb``, read without it and without its server.

A run file is a log of records in the framing of LevelDB: blocks of 32 KiB, each piece with a checksum, its length and
whether it begins, continues or ends a record. A record is a protocol buffer of which five kinds matter here: run, config,
summary, history and exit. Tables exported from its pages (CSV), or made from its API, are read as any other table.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewise.errors import DataError, StudyNotFound
from tunewise.integrations.readers.columns import Columns, flattened
from tunewise.integrations.readers.curves import Curve
from tunewise.integrations.readers.foreign_json import parsed
from tunewise.integrations.readers.found import Found, Reading
from tunewise.integrations.readers.table import read_table

_BLOCK, _MAGIC = 32768, b":W&B"
_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT = 2, 3, 5, 17, 18
_ITEM, _UPDATE, _KEY, _NESTED, _JSON = 1, 1, 1, 2, 16


class _Run:
    def __init__(self, path: Path) -> None:
        self.id, self.name, self.project, self.sweep = path.stem.removeprefix("run-"), "", "", ""
        self.config: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self.exit_code: int | None = None
        self.started_at: float | None = None
        self.curves: dict[str, Curve] = {}


def is_folder(folder: Path) -> bool:
    """Whether a folder holds run files."""
    return next(folder.glob("*run-*/run-*.wandb"), None) is not None


def names(folder: Path) -> list[str]:
    """The projects to which the runs of a folder belong."""
    return list(dict.fromkeys(run.project or "wandb" for run in _runs(folder)))


def read(folder: Path, name: str, reading: Reading) -> Found:
    """The runs of a project as a study. Raises StudyNotFound; DataError as for a table."""
    runs = [run for run in _runs(folder) if (run.project or "wandb") == name]
    if not runs:
        raise StudyNotFound(f"There is no run of a project {name!r} in {folder}.")
    metrics = dict.fromkeys(
        metric for run in runs for metric in (*run.summary, *run.curves) if not metric.startswith("_")
    )
    columns: Columns = {
        "run_id": [run.id for run in runs],
        "name": [run.name or run.id for run in runs],
        "state": [_state(run) for run in runs],
        "started_at": [run.started_at for run in runs],
    }
    config = flattened([run.config for run in runs])
    columns |= {f"config.{key}": cells for key, cells in config.items() if not key.startswith("_wandb")}
    columns |= {f"summary.{metric}": [_last(run, metric) for run in runs] for metric in metrics}
    curves = {
        m: [run.curves.get(m, []) for run in runs]
        for m in metrics
        if any(len(r.curves.get(m, ())) > 1 for r in runs)
    }
    return read_table(columns, reading, name, f"the runs in {folder}", curves=curves)


def _state(run: _Run) -> str:
    if run.exit_code is None:
        return "crashed"
    return "finished" if run.exit_code == 0 else "failed"


def _last(run: _Run, metric: str) -> Any:
    value = run.summary.get(metric)
    if value is None and run.curves.get(metric):
        return run.curves[metric][-1][1]
    return _number(value)


def _number(value: Any) -> Any:
    """NaN and infinities, which Weights & Biases writes as texts, as numbers."""
    return float(value) if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity") else value


def _runs(folder: Path) -> list[_Run]:
    found = [_run(path) for path in sorted(folder.glob("*run-*/run-*.wandb"))]
    return sorted(found, key=lambda run: (run.started_at or math.inf, run.id))


def _run(path: Path) -> _Run:
    run = _Run(path)
    step = -1
    for record in _records(path):
        for kind, body in _fields(record):
            if kind == _HISTORY:
                step = _history(run, body, step)
            elif kind == _SUMMARY:
                run.summary.update(_items(body, _UPDATE))
            elif kind == _CONFIG:
                run.config.update(_items(body, _UPDATE))
            elif kind == _EXIT:
                run.exit_code = next((value for number, value in _fields(body) if number == 1), 0)
            elif kind == _RUN:
                _about(run, body)
    return run


def _about(run: _Run, body: bytes) -> None:
    for number, value in _fields(body):
        if number == 3:
            run.project = _text(value)
        elif number == 4:
            run.config.update(_items(value, _UPDATE))
        elif number == 8:
            run.name = _text(value)
        elif number == 12:
            run.sweep = _text(value)
        elif number == 17:
            run.started_at = float(next((s for n, s in _fields(value) if n == 1 and isinstance(s, int)), 0))


def _history(run: _Run, body: bytes, step: int) -> int:
    """Add one row of the history to the curves, and return its step."""
    items = _items(body, _ITEM)
    known = next(
        (next((n for k, n in _fields(value) if k == 1), 0) for number, value in _fields(body) if number == 2),
        None,
    )
    step = int(items.get("_step", step + 1 if known is None else known))
    for metric, value in items.items():
        number = _number(value)
        if not metric.startswith("_") and isinstance(number, int | float) and not isinstance(number, bool):
            run.curves.setdefault(metric, []).append((step, float(number)))
    return step


def _items(body: bytes, field: int) -> dict[str, Any]:
    """Keys and values of the items of a record; the parts of a nested key are joined by points."""
    items = {}
    for number, item in _fields(body):
        if number != field:
            continue
        keys = [_text(value) for n, value in _fields(item) if n in (_KEY, _NESTED)]
        text = next((value for n, value in _fields(item) if n == _JSON), b"null")
        key = ".".join(k for k in keys if k)
        try:
            items[key] = parsed(text)
        except ValueError:
            items[key] = _text(text)
    return items


def _records(path: Path) -> Iterator[bytes]:
    """The records of a run file; what a crash left torn at its end is left out."""
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise DataError(f"{path} is no run file of Weights & Biases.")
    place, parts = 7, b""
    while place + 7 <= len(data):
        room = _BLOCK - place % _BLOCK
        if room < 7:
            place += room
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        piece = data[place + 7 : place + 7 + length]
        checksum = int.from_bytes(data[place : place + 4], "little")
        if kind not in (1, 2, 3, 4) or zlib.crc32(data[place + 6 : place + 7 + length]) != checksum:
            return
        place += 7 + length
        parts = piece if kind in (1, 2) else parts + piece
        if kind in (1, 4):
            yield parts


def _fields(body: Any) -> Iterator[tuple[int, Any]]:
    """(field number, value) of a protocol buffer: whole numbers, or bytes. Nothing, where it is none."""
    if not isinstance(body, bytes):
        return
    place = 0
    while place < len(body):
        tag, place = _varint(body, place)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, place = _varint(body, place)
            yield number, value
            continue
        if kind == 2:
            length, place = _varint(body, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            return
        yield number, body[place : place + length]
        place += length


def _varint(body: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(body):
        byte = body[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    return value, place


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
