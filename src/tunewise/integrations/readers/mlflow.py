"""MLflow's experiments: its SQL store, or its folder ``mlruns``; an experiment is a study, a run a trial."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tunewise.errors import DataError, StudyNotFound
from tunewise.integrations.readers.columns import Columns, flattened
from tunewise.integrations.readers.curves import Curve
from tunewise.integrations.readers.files import typed
from tunewise.integrations.readers.found import Found, Reading
from tunewise.integrations.readers.sql import Database, rows
from tunewise.integrations.readers.table import read_table

NEEDS = {"experiments", "runs", "latest_metrics", "params"}
_STATUS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
_PARENT = "mlflow.parentRunId"


class Run:
    """One run: what a row of the table needs, and its curves by metric."""

    def __init__(self, key: str, name: str, status: str, start: Any, end: Any) -> None:
        self.key, self.name, self.status, self.start, self.end = key, name, status, start, end
        self.params: dict[str, str] = {}
        self.parent: str | None = None
        self.curves: dict[str, Curve] = {}


def sql_names(database: Database) -> list[str]:
    """The names of the experiments that hold a run."""
    query = (
        "SELECT e.name FROM experiments e WHERE e.lifecycle_stage = 'active' AND EXISTS "
        "(SELECT 1 FROM runs r WHERE r.experiment_id = e.experiment_id) ORDER BY e.experiment_id"
    )
    return [name for (name,) in rows(database, query)]


def read_sql(database: Database, name: str, reading: Reading) -> Found:
    """An experiment from the SQL store. Raises StudyNotFound; DataError as for a table."""
    where = "JOIN experiments e ON e.experiment_id = r.experiment_id WHERE e.name = ? AND r.lifecycle_stage = 'active'"
    query = f"SELECT r.run_uuid, r.name, r.status, r.start_time, r.end_time FROM runs r {where} ORDER BY r.start_time"
    runs = {
        key: Run(key, title or key, status, start, end)
        for key, title, status, start, end in rows(database, query, name)
    }
    if not runs:
        raise StudyNotFound(f"There is no experiment {name!r} with runs in {database.where}.")
    query = f"SELECT p.run_uuid, p.key, p.value FROM params p JOIN runs r ON r.run_uuid = p.run_uuid {where}"
    for key, param, value in rows(database, query, name):
        runs[key].params[param] = value
    query = f"SELECT t.run_uuid, t.value FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid {where} AND t.key = '{_PARENT}'"
    for key, parent in rows(database, query, name):
        runs[key].parent = parent
    query = (
        f"SELECT m.run_uuid, m.key, m.step, m.value, m.is_nan FROM metrics m JOIN runs r ON r.run_uuid = m.run_uuid {where} "
        "ORDER BY m.step, m.timestamp"
    )
    for key, metric, step, value, is_nan in rows(database, query, name):
        runs[key].curves.setdefault(metric, []).append((int(step), math.nan if is_nan else float(value)))
    return _found(runs.values(), name, f"MLflow's experiment {name!r} in {database.where}", reading)


def folder_names(folder: Path) -> list[str]:
    """The names of the experiments in a folder ``mlruns`` that hold a run."""
    return [name for name, place in _experiments(folder) if any(place.glob("*/meta.yaml"))]


def read_folder(folder: Path, name: str, reading: Reading) -> Found:
    """An experiment from a folder ``mlruns``. Raises StudyNotFound; DataError as for a table."""
    place = next((place for title, place in _experiments(folder) if title == name), None)
    if place is None:
        raise StudyNotFound(f"There is no experiment {name!r} in {folder}.")
    runs = [run for path in sorted(place.glob("*/meta.yaml")) if (run := _run(path.parent)) is not None]
    runs.sort(key=lambda run: (float(run.start or 0), run.key))
    return _found(runs, name, f"MLflow's experiment {name!r} in {folder}", reading)


def _found(all_runs: Iterable[Run], name: str, what: str, reading: Reading) -> Found:
    """The study of the runs; a run that has runs of its own is a frame around them, no trial."""
    runs = list(all_runs)
    parents = {run.parent for run in runs}
    trials = [run for run in runs if run.key not in parents]
    metrics = dict.fromkeys(metric for run in trials for metric in run.curves)
    if not metrics:
        raise DataError(f"No run of {what} has logged a metric.")
    columns: Columns = {
        "run_id": [run.key for run in trials],
        "run_name": [run.name for run in trials],
        "status": [run.status for run in trials],
        "start_time": [run.start for run in trials],
        "end_time": [run.end for run in trials],
    }
    params = flattened([{f"params.{key}": value for key, value in run.params.items()} for run in trials])
    columns |= {column: typed(cells) for column, cells in params.items()}
    columns |= {
        f"metrics.{m}": [run.curves[m][-1][1] if run.curves.get(m) else None for run in trials]
        for m in metrics
    }
    curves = {m: [_one_a_step(run.curves.get(m, [])) for run in trials] for m in metrics}
    curves = {m: each for m, each in curves.items() if any(len(curve) > 1 for curve in each)}
    found = read_table(columns, reading, name, what, curves=curves)
    if len(trials) < len(runs):
        found.notes.append(f"{len(runs) - len(trials)} of the runs only hold other runs; they are left out.")
    return found


def _one_a_step(curve: Curve) -> Curve:
    """The last value logged at each step."""
    return sorted(dict(curve).items())


def _experiments(folder: Path) -> list[tuple[str, Path]]:
    found = []
    for meta in sorted(folder.glob("*/meta.yaml")):
        facts = _meta(meta)
        if facts.get("lifecycle_stage", "active") == "active":
            found.append((facts.get("name", meta.parent.name), meta.parent))
    return found


def _run(folder: Path) -> Run | None:
    facts = _meta(folder / "meta.yaml")
    if facts.get("lifecycle_stage", "active") != "active":
        return None
    status = facts.get("status", "3")
    status = _STATUS.get(int(status), status) if status.isdigit() else status
    name = facts.get("run_name") or _text(folder / "tags" / "mlflow.runName") or folder.name
    run = Run(folder.name, name, status, _time(facts, "start_time"), _time(facts, "end_time"))
    run.parent = _text(folder / "tags" / _PARENT)
    for path in _files(folder / "params"):
        run.params[str(path.relative_to(folder / "params"))] = path.read_text(
            encoding="utf-8", errors="replace"
        ).strip()
    for path in _files(folder / "metrics"):
        metric = str(path.relative_to(folder / "metrics"))
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        run.curves[metric] = [report for line in lines if (report := _report(line))]
        run.curves[metric].sort(key=lambda report: report[0])
    return run


def _report(line: str) -> tuple[int, float] | None:
    """A line "timestamp value step"; None for a torn one."""
    parts = line.split()
    try:
        return int(parts[2]) if len(parts) > 2 else 0, float(parts[1])
    except (ValueError, IndexError):
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def _meta(path: Path) -> dict[str, str]:
    """The flat "key: value" lines of a meta.yaml."""
    facts = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and not key.startswith((" ", "-")):
            facts[key.strip()] = value.strip().strip("'\"")
    return facts


def _time(facts: Mapping[str, str], key: str) -> float | None:
    text = facts.get(key, "")
    return float(text) if text.isdigit() else None


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else None
