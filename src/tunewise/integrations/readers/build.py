"""From what a reader found to a `Trials` table: numbered, with one goal, its divergences named, its doubts noted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tunewise.errors import DataError, SettingError
from tunewise.events import (
    Constrained,
    Event,
    Noted,
    ParamsSet,
    Reported,
    StudyCreated,
    StudyNoted,
    TrialFinished,
    TrialQueued,
    TrialStarted,
)
from tunewise.integrations.readers.doubts import guess_sampler, notes_about
from tunewise.integrations.readers.found import Found, Reading, Reports
from tunewise.records import FrozenTrial, Goal, StudyInfo, TrialState
from tunewise.space import Categorical, Domain, Float, Int, Space
from tunewise.trials import Trials
from tunewise.types import IntArray


def to_trials(found: Found, reading: Reading) -> Trials:
    """The table; ``user_attrs["reader"]`` names the source and holds the notes. O(trials and reports).

    Raises:
        SettingError: the wanted goal, or a parameter to be renamed, is not there.
    """
    found = _numbered(_one_goal(_renamed(found, reading.rename), reading.metric))
    found.trials = [_judged(trial, found.goals, reading) for trial in found.trials]
    outline = _folded(replace(found, reports={}), None, "")
    space = _declared(outline, found, reading.space)
    outline = _folded(replace(found, reports={}), space, "") if space is not None else outline
    found.notes += notes_about(outline, found.reports, reading)
    sampler = reading.sampler or guess_sampler(
        outline, found.ranges_known or bool(reading.space), found.notes
    )
    return _folded(found, space, sampler)


def with_goal(trials: Trials, events: Iterable[Event], metric: str) -> Trials:
    """The table of a study with one of its goals alone. Raises SettingError where there is no such goal."""
    names = [goal.name for goal in trials.goals]
    if names == [metric]:
        return trials
    if metric not in names:
        raise SettingError(f"There is no goal {metric!r} in this study; it has {names}.")
    j = names.index(metric)
    alone = Trials()
    alone.info = trials.info
    for event in events:
        if isinstance(event, StudyCreated):
            event = event._replace(goals=(trials.goals[j],))
        elif isinstance(event, TrialFinished) and event.values is not None:
            event = event._replace(values=(event.values[j],))
        alone.apply(event)
    return alone


def _renamed(found: Found, rename: Mapping[str, str]) -> Found:
    if not rename:
        return found
    known = {name for trial in found.trials for name in trial.params}
    missing = [name for name in rename if name not in known]
    if missing:
        raise SettingError(f"There is no parameter {missing[0]!r} to rename; there are {sorted(known)[:20]}.")

    def renamed(mapping: Mapping[str, Any]) -> dict[str, Any]:
        out = {rename.get(name, name): value for name, value in mapping.items()}
        if len(out) < len(mapping):
            raise SettingError(
                f"Renaming {dict(rename)} gives one trial the same parameter twice; a rename joins names that never "
                "occur together."
            )
        return out

    trials = [t._replace(params=renamed(t.params), domains=renamed(t.domains)) for t in found.trials]
    return replace(found, trials=trials)


def _one_goal(found: Found, metric: str | None) -> Found:
    """With a wanted metric, the study with that goal alone."""
    names = [goal.name for goal in found.goals]
    if metric is None or names == [metric]:
        return found
    if metric not in names:
        raise SettingError(f"There is no goal {metric!r} in this study; it has {names}.")
    j = names.index(metric)
    trials = [t if t.values is None else t._replace(values=(t.values[j],)) for t in found.trials]
    return replace(found, goals=(found.goals[j],), trials=trials)


def _numbered(found: Found) -> Found:
    """The trials in the order of their numbers, which become 0..n-1."""
    order = sorted(range(len(found.trials)), key=lambda i: (found.trials[i].number, i))
    numbers = [found.trials[i].number for i in order]
    gapless = numbers == list(range(len(order)))
    if gapless and order == numbers:
        return found
    trials = [found.trials[i] for i in order]
    if not gapless:
        found.notes.append(
            "The trial numbers of the source have gaps or repeat: trials are numbered anew here, and each keeps its old "
            "number in the attribute source_number."
        )
        trials = [
            t._replace(number=i, user_attrs={**t.user_attrs, "source_number": t.number})
            for i, t in enumerate(trials)
        ]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    reports = {m: Reports(place[r.trial], r.step, r.value) for m, r in found.reports.items()}
    return replace(found, trials=trials, reports=reports)


def _judged(trial: FrozenTrial, goals: tuple[Goal, ...], reading: Reading) -> FrozenTrial:
    """The trial with its true end: a value that is not finite, or beyond the limit, is a divergence."""
    if trial.state == TrialState.FAILED and trial.reason is None and reading.failed == "diverged":
        return trial._replace(state=TrialState.INFEASIBLE, reason="failed without a reason")
    if trial.state != TrialState.COMPLETE or trial.values is None:
        return trial
    for goal, value in zip(goals, trial.values, strict=True):
        limit = math.inf if reading.diverged is None else goal.sign * reading.diverged
        if not math.isfinite(value) or goal.sign * value >= limit:
            return trial._replace(
                state=TrialState.INFEASIBLE, values=None, reason=f"{goal.name} is {value:g}"
            )
    return trial


def _declared(outline: Trials, found: Found, given: Space | None) -> Space | None:
    """The space with its conditions, where the user gave ranges or a range changed; else None, as it speaks for itself.

    A range that changed becomes the smallest that holds all.
    """
    seen: dict[str, dict[Domain, None]] = {}
    for domains in {id(t.domains): t.domains for t in found.trials}.values():
        for name, domain in domains.items():
            seen.setdefault(name, {})[domain] = None
    domains = dict(given or {})
    unknown = [name for name in domains if name not in seen]
    if unknown:
        raise SettingError(
            f"The space names {unknown[0]!r}, which is no parameter here; there are {sorted(seen)[:20]}."
        )
    moved = [name for name, each in seen.items() if len(each) > 1 and name not in domains]
    if moved:
        found.notes.append(
            f"The range of {_listed(moved)} changed during the study; trials are judged over the union of the ranges, "
            "which they do not cover evenly."
        )
    domains |= {name: _union(name, list(seen[name])) for name in moved}
    if not domains:
        return None
    space = outline.space.replace(
        **{name: domain for name, domain in domains.items() if name in outline.space}
    )
    outside = {name: k for name, k in zip(space, _n_outside(outline, space), strict=True) if k}
    for name, k in list(outside.items())[:5]:
        found.notes.append(
            f"{k} trials have a {name} outside the given range {space[name]}; they are left out of the checks."
        )
    return space


def _n_outside(trials: Trials, space: Space) -> list[int]:
    """For each parameter of the space how many trials have a value that it does not hold."""
    known = ~np.isnan(trials.raw(space))
    have = np.array([[name in t.params for name in space] for t in trials], dtype=bool).reshape(known.shape)
    return (have & ~known).sum(axis=0).tolist()  # type: ignore[no-any-return]


def _union(name: str, domains: list[Domain]) -> Domain:
    if len(domains) == 1:
        return domains[0]
    if all(isinstance(d, Categorical) for d in domains):
        choices = dict.fromkeys((type(c), c) for d in domains for c in d.choices)  # type: ignore[union-attr]
        ordered = all(d.ordered for d in domains)  # type: ignore[union-attr]
        return Categorical(tuple(c for _, c in choices), ordered)
    numbers = [d for d in domains if isinstance(d, Float | Int)]
    if len(numbers) < len(domains):
        raise DataError(
            f"Parameter {name!r} is a number in some trials and a choice in others; rename it in one of them."
        )
    low, high = min(d.low for d in numbers), max(d.high for d in numbers)
    log = all(d.log for d in numbers)
    if all(isinstance(d, Int) for d in numbers):
        return Int(int(low), int(high), log)
    return Float(low, high, log)


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} others" if len(names) > 5 else "")


def _folded(found: Found, space: Space | None, sampler: str) -> Trials:
    trials = Trials()
    trials.info = StudyInfo(found.name, found.goals, 0, math.nan)
    trials.apply_all(_facts(found, space, sampler))
    return trials


def _facts(found: Found, space: Space | None, sampler: str) -> Iterator[Event]:
    created = min((t.started_at for t in found.trials if t.started_at == t.started_at), default=math.nan)
    yield StudyCreated(found.goals, 0, created, space)
    yield StudyNoted({**found.user_attrs, "reader": {"source": found.source, "notes": list(found.notes)}})
    pieces = {metric: _by_trial(reports, len(found.trials)) for metric, reports in found.reports.items()}
    first: dict[str, Domain] = {}
    for n, t in enumerate(found.trials):
        if t.state == TrialState.QUEUED:
            yield TrialQueued(n, t.params, t.user_attrs, t.started_at)
            continue
        yield TrialStarted(n, t.sampler or sampler, t.worker, t.started_at)
        if t.params:
            new = {m: d for m, d in t.domains.items() if first.get(m) is not d and first.get(m) != d}
            for name, domain in new.items():
                first.setdefault(name, domain)
            yield ParamsSet(n, t.params, new, 0)
        for metric, (ends, order, reports) in pieces.items():
            rows = order[ends[n] : ends[n + 1]]
            pairs = zip(reports.step[rows].tolist(), reports.value[rows].tolist(), strict=True)
            yield from (Reported(n, step, {metric: value}, math.nan) for step, value in pairs)
        if t.user_attrs:
            yield Noted(n, t.user_attrs)
        if t.constraints:
            yield Constrained(n, t.constraints)
        if t.state.is_finished:
            yield TrialFinished(n, t.state, t.values, t.reason, t.finished_at)


def _by_trial(reports: Reports, n: int) -> tuple[list[int], IntArray, Reports]:
    order = np.argsort(reports.trial, kind="stable")
    ends = np.searchsorted(reports.trial[order], np.arange(n + 1))
    return ends.tolist(), order, reports
