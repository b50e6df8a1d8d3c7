"""Optuna's journal: a file of JSON lines, each an operation; its state is their replay in order (Optuna 3.1 to 5)."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tunewise.errors import DataError, StudyNotFound
from tunewise.integrations.readers.foreign_json import parsed
from tunewise.integrations.readers.found import Found, Reports
from tunewise.integrations.readers.optuna_rows import STATES, Decoder, Raw, goals_of, seconds, to_frozen

_STATE_NAMES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
_DIRECTIONS = ("NOT_SET", "MINIMIZE", "MAXIMIZE")
_SKIPPABLE = (2, 3, 5, 7, 8, 9)  # lines without which the numbering of studies and trials stays right


@dataclass
class _Study:
    name: str
    directions: list[str]
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)
    trials: list[int] = field(default_factory=list)


class Journal:
    """A journal, replayed. Like Optuna it lets the first of two conflicting lines win, and forgives a torn last line.

    Raises:
        DataError: a line before the last cannot be read, and what follows depends on it.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.notes: list[str] = []
        self._studies: dict[int, _Study] = {}
        self._n_studies = 0
        self._trials: list[Raw] = []
        self._reports = array("q"), array("q"), array("d")
        apply: dict[int, Callable[[dict[str, Any]], None]] = {
            0: self._create_study, 1: self._delete_study, 2: self._study_attr, 3: self._study_attr, 4: self._create_trial,
            5: self._param, 6: self._state, 7: self._report, 8: self._trial_attr, 9: self._trial_attr, 10: self._discard,
        }  # fmt: skip
        for number, line in self._lines(path):
            try:
                apply[line["op_code"]](line)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
                raise DataError(
                    f"Line {number} of {path} is no operation of Optuna's journal ({type(error).__name__}: {error})."
                ) from None

    def study_names(self) -> list[str]:
        """The names of the studies in the order of creation."""
        return [study.name for study in self._studies.values()]

    def read(self, name: str) -> Found:
        """One study. Raises StudyNotFound."""
        study = next((s for s in self._studies.values() if s.name == name), None)
        if study is None:
            raise StudyNotFound(f"There is no study {name!r} in {self.where}.")
        goals = goals_of(study.directions, study.system_attrs)
        place = np.full(len(self._trials), -1, dtype=np.int64)
        place[study.trials] = np.arange(len(study.trials))
        trial, step, value = (np.array(column) for column in self._reports)
        mine = place[trial] >= 0 if len(trial) else np.zeros(0, dtype=bool)
        reports = Reports(place[trial[mine]], step[mine], value[mine])
        for number in reports.trial[~np.isfinite(reports.value)].tolist():
            self._trials[study.trials[number]].bad_report = True
        decoder = Decoder()
        trials = [to_frozen(self._trials[i], goals, decoder) for i in study.trials]
        curves = {goals[0].name: reports} if len(reports.trial) else {}
        source = f"Optuna's journal {self.where}"
        return Found(name, source, goals, trials, curves, list(self.notes), dict(study.user_attrs))

    def _lines(self, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        waiting: tuple[int, bytes] | None = None  # a bad line is forgiven only if nothing follows
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                if not raw.strip():
                    continue
                if waiting is not None:
                    self._forgive(*waiting)
                    waiting = None
                try:
                    line = parsed(raw)
                    if not isinstance(line, dict):
                        raise ValueError("no object")
                except ValueError:
                    waiting = number, raw
                    continue
                yield number, line
        if waiting is not None:
            self.notes.append(
                f"The last line of the journal ({waiting[0]}) is torn; it is left out, as Optuna does."
            )

    def _forgive(self, number: int, raw: bytes) -> None:
        """Leave out a damaged line on which no number depends; refuse to guess otherwise."""
        known = any(
            raw.lstrip().startswith((b'{"op_code":%d,' % op, b'{"op_code": %d,' % op)) for op in _SKIPPABLE
        )
        if not known:
            raise DataError(
                f"Line {number} of {self.where} is damaged, and it may have created a trial, so the trials after it cannot "
                "be told apart. Restore the line, or cut the file there to read what comes before."
            )
        self.notes.append(
            f"Line {number} of the journal is damaged and left out (a parameter, report or attribute)."
        )

    def _create_study(self, line: dict[str, Any]) -> None:
        if line["study_name"] in self.study_names():
            return
        self._studies[self._n_studies] = _Study(
            line["study_name"], [_DIRECTIONS[d] for d in line["directions"]]
        )
        self._n_studies += 1

    def _delete_study(self, line: dict[str, Any]) -> None:
        self._studies.pop(line["study_id"], None)

    def _study_attr(self, line: dict[str, Any]) -> None:
        study = self._studies.get(line["study_id"])
        if study is not None:
            study.user_attrs.update(line.get("user_attr", {}))
            study.system_attrs.update(line.get("system_attr", {}))

    def _create_trial(self, line: dict[str, Any]) -> None:
        study = self._studies.get(line["study_id"])
        if study is None:
            return
        texts = line.get("distributions", {})
        values = line.get("values") or ([line["value"]] if line.get("value") is not None else None)
        raw = Raw(
            len(study.trials), _STATE_NAMES[line.get("state", 0)], values and [float(v) for v in values],
            {name: (coded, texts[name]) for name, coded in line.get("params", {}).items()},
            dict(line.get("user_attrs", {})), dict(line.get("system_attrs", {})),
            seconds(line.get("datetime_start")), seconds(line.get("datetime_complete")),
        )  # fmt: skip
        study.trials.append(len(self._trials))
        self._trials.append(raw)
        for step, value in line.get("intermediate_values", {}).items():
            self._add_report(len(self._trials) - 1, int(step), value)

    def _param(self, line: dict[str, Any]) -> None:
        raw = self._open(line)
        if raw is not None:
            raw.params[line["param_name"]] = (line["param_value_internal"], line["distribution"])

    def _state(self, line: dict[str, Any]) -> None:
        raw, state = self._open(line), _STATE_NAMES[line["state"]]
        if raw is None or raw.state == state == "RUNNING":
            return
        raw.state = state
        if state == "RUNNING":
            raw.started_at = seconds(line.get("datetime_start"))
        if STATES[state].is_finished:
            raw.finished_at = seconds(line.get("datetime_complete"))
        if line.get("values") is not None:
            raw.values = [float(value) for value in line["values"]]

    def _report(self, line: dict[str, Any]) -> None:
        if self._open(line) is not None:
            self._add_report(line["trial_id"], line["step"], line["intermediate_value"])

    def _trial_attr(self, line: dict[str, Any]) -> None:
        raw = self._open(line)
        if raw is not None:
            raw.user_attrs.update(line.get("user_attr", {}))
            raw.system_attrs.update(line.get("system_attr", {}))

    def _discard(self, line: dict[str, Any]) -> None:
        """Rustuna's operation 10: trials that its storage drops."""
        for study in self._studies.values():
            dropped = set(line.get("trial_ids", []))
            study.trials = [i for i in study.trials if i not in dropped]

    def _open(self, line: dict[str, Any]) -> Raw | None:
        """The trial of a line, unless it is unknown or has finished."""
        number = line["trial_id"]
        raw = self._trials[number] if 0 <= number < len(self._trials) else None
        return None if raw is None or STATES[raw.state].is_finished else raw

    def _add_report(self, trial: int, step: int, value: float | None) -> None:
        trials, steps, values = self._reports
        trials.append(trial)
        steps.append(step)
        values.append(float("nan") if value is None else value)
