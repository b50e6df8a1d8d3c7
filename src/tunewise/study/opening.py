"""Studies in a storage: made, opened, listed, copied, deleted."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tunewise.errors import Conflict, SettingError, StudyExists, StudyNotFound
from tunewise.events import ArtifactStored, Event, StudyCreated
from tunewise.pruners import Pruner
from tunewise.pruners import make as make_pruner
from tunewise.pruners import settings as pruner_settings
from tunewise.records import Goal, Lease
from tunewise.run import log
from tunewise.samplers import Sampler
from tunewise.samplers import make as make_sampler
from tunewise.samplers import settings as sampler_settings
from tunewise.samplers import versions as sampler_versions
from tunewise.space import Space
from tunewise.storage import Log, open_log
from tunewise.storage.artifacts import default_place
from tunewise.storage.log import is_storable, pages
from tunewise.study.study import Study

Storage = str | Path | Log | None


def create_study(
    study_name: str | None = None,
    storage: Storage = None,
    direction: str | None = None,
    directions: Sequence[str] | None = None,
    goals: Sequence[Goal] | Mapping[str, str] | None = None,
    sampler: Sampler | str = "auto",
    pruner: Pruner | str | None = None,
    space: Space | None = None,
    seed: int | None = None,
    load_if_exists: bool = False,
    lease: float | None = 60.0,
    on_lost: str = "fail",
    artifacts: str | Path | None = None,
) -> Study:
    """Make a study, or with ``load_if_exists`` open the one of that name.

    Args:
        study_name: by default a name that no other study has.
        storage: None (memory), "sqlite:///file.db", a path to a .db file, or a `Log`.
        direction: "minimize" (default) or "maximize", for one goal named "value".
        directions: one direction a goal, for goals named "value_0", "value_1", ...
        goals: named goals, as `Goal` records or {"val_error": "minimize", ...}; instead of a direction.
        sampler: a sampler or its name; recorded, so that `load_study` has it again.
        pruner: a pruner, its name, or None (never prune); recorded likewise.
        space: the space where it is declared up front; else it is found by running the objective.
        seed: whole number >= 0, by default drawn at random; it belongs to the study and is recorded.
        lease: seconds within which the trials of a worker that died are noticed; None: never. Recorded.
        on_lost: what becomes of them: "fail", or "retry": they are queued again with the same parameters. Recorded.
        artifacts: the folder or fsspec URL ("s3://bucket/runs") for files; None: beside the storage where it is a file or folder.
            Recorded.

    Raises:
        StudyExists: the name is taken and ``load_if_exists`` is False.
        SettingError, StorageError: an argument is not valid.
    """
    wanted = _goals(direction, directions, goals)
    chosen, judge = make_sampler(sampler), make_pruner(pruner)
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "little")
    if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed < 2**64:
        raise SettingError(f"The seed is {seed!r}; it must be a whole number in 0..2**64-1.")
    name = study_name if study_name is not None else f"study-{uuid.uuid4().hex[:8]}"
    _check_name(name)
    place = open_log(storage)
    rule = asdict(Lease(lease, on_lost))
    created = StudyCreated(
        wanted,
        int(seed),
        time.time(),
        space,
        sampler_settings(chosen),
        pruner_settings(judge),
        rule,
        _where(artifacts),
    )
    try:
        place.append(name, [created], at=0, durable=True)
    except Conflict:
        if not load_if_exists:
            raise StudyExists(
                f"There is a study {name!r} in {place.url} already; choose another name, or pass load_if_exists=True."
            ) from None
        return _same_goals(Study(place, name, chosen, judge), wanted, direction or directions or goals)
    log.log_created(name, "in memory" if place.url == "memory" else f"in {place.url}")
    return Study(place, name, chosen, judge)


def load_study(
    study_name: str | None = None,
    storage: Storage = None,
    sampler: Sampler | str | None = None,
    pruner: Pruner | str | None = None,
) -> Study:
    """Open a study, by default the only one in its storage, with the sampler and pruner it was created with.

    Raises:
        StudyNotFound: no such study, or no name given and not exactly one study there.
    """
    place = open_log(storage, create=False)
    if study_name is None:
        names = place.studies()
        if len(names) != 1:
            raise StudyNotFound(f"{place.url} holds {len(names)} studies {names}; say which by study_name.")
        study_name = names[0]
    _check_name(study_name)
    chosen = make_sampler(sampler) if sampler is not None else None
    study = Study(place, study_name, chosen, make_pruner(pruner) if pruner is not None else None)
    if chosen is None:
        _note_other_version(study)
    return study


def _note_other_version(study: Study) -> None:
    """Earlier suggestions of such a study cannot be replayed."""
    recorded, present = sampler_versions(study.info.sampler)
    if recorded != present and len(study.trials):
        log.log_other_version(study.logger, study.sampler.name, recorded, present)


def study_names(storage: Storage) -> list[str]:
    """The names of all studies in a storage."""
    return open_log(storage, create=False).studies()


def delete_study(study_name: str, storage: Storage) -> None:
    """Remove a study and all its trials. Raises StudyNotFound."""
    _check_name(study_name)
    open_log(storage, create=False).delete(study_name)


def copy_study(
    from_study_name: str, from_storage: Storage, to_storage: Storage, to_study_name: str | None = None
) -> Study:
    """Copy a study, fact by fact, to another storage or name, and return the copy. Whole or not at all.

    Artifacts are not copied: the copy refers to them where they are. Trials that are running stay so in the copy.

    Raises:
        StudyNotFound: the first is not there. StudyExists: the second is there already.
    """
    source, target = open_log(from_storage, create=False), open_log(to_storage)
    name = from_study_name if to_study_name is None else to_study_name
    _check_name(name)
    first = source.read(from_study_name, 0, 1)[0]
    if any(
        type(event) is ArtifactStored
        for page in pages(source, from_study_name)
        for batch in page
        for event in batch
    ):
        first = [_with_place(event, source) for event in first]
    try:
        target.append(name, first, at=0)
    except Conflict:
        raise StudyExists(
            f"There is a study {name!r} in {target.url} already; choose another name."
        ) from None
    end = 1
    try:
        for page in pages(source, from_study_name, end):
            for place, batch in enumerate(page, 1):
                end = target.append(name, batch, at=end, durable=place == len(page))
    except BaseException:
        target.delete(name)
        raise
    return Study(target, name, None, None)


def _with_place(event: Event, source: Log) -> Event:
    """The study's first fact, which says where its artifacts are."""
    if not isinstance(event, StudyCreated) or event.artifacts is not None:
        return event
    return event._replace(artifacts=default_place(source.url))


def _goals(
    direction: str | None, directions: Sequence[str] | None, goals: Sequence[Goal] | Mapping[str, str] | None
) -> tuple[Goal, ...]:
    if sum(given is not None for given in (direction, directions, goals)) > 1:
        raise SettingError("direction, directions and goals say the same thing; give one of them.")
    if directions is not None:
        if isinstance(directions, str) or not directions:
            raise SettingError(f"directions is {directions!r}; give a list with one direction a goal.")
        if len(directions) == 1:
            return (Goal("value", directions[0]),)
        return tuple(Goal(f"value_{i}", each) for i, each in enumerate(directions))
    if goals is None:
        return (Goal("value", direction or "minimize"),)
    named = tuple(Goal(*pair) for pair in goals.items()) if isinstance(goals, Mapping) else tuple(goals)
    if not named or len({goal.name for goal in named}) != len(named):
        raise SettingError(f"goals is {goals!r}; give at least one goal, each with a name of its own.")
    return named


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name or not is_storable(name):
        raise SettingError(f"{name!r} is no study name; use a non-empty text, without NUL and surrogates.")


def _where(artifacts: str | Path | None) -> str | None:
    """The place of artifacts as it is recorded: paths are absolute, as workers start in other folders."""
    if artifacts is None or "://" in str(artifacts):
        return None if artifacts is None else str(artifacts)
    return str(Path(artifacts).expanduser().absolute())


def _same_goals(study: Study, wanted: tuple[Goal, ...], given: object) -> Study:
    if given and tuple(g.direction for g in wanted) != study.directions:
        raise SettingError(
            f"Study {study.name!r} has the directions {study.directions}; leave them out or match them."
        )
    return study
