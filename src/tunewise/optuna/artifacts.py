"""Optuna's artifact functions. The facts about a file lie in the study's log; the file lies in the store that is passed in."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, Protocol

from tunewise.errors import DataError, SettingError
from tunewise.events import ArtifactStored
from tunewise.optuna.study import Study
from tunewise.optuna.trial import Trial
from tunewise.storage.artifacts import Folder, Stored

exceptions = SimpleNamespace(ArtifactNotFound=DataError)


class ArtifactStore(Protocol):
    """Where files are kept; scripts may bring their own."""

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The file, for reading."""
        ...

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep a file."""
        ...

    def remove(self, artifact_id: str) -> None:
        """Remove a file."""
        ...


@dataclass(frozen=True)
class ArtifactMeta:
    """What is known about a file. The kinds are guessed from its name."""

    artifact_id: str
    filename: str
    mimetype: str
    encoding: str | None


class FileSystemArtifactStore:
    """Files in a folder, which must not be left by any id. Raises DataError for a file that is not there."""

    def __init__(self, base_path: str | Path) -> None:
        self._folder = Folder(Path(base_path))

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The file, for reading."""
        return self._folder.open(artifact_id)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep a file, whole or not at all."""
        self._folder.write(artifact_id, content_body)

    def remove(self, artifact_id: str) -> None:
        """Remove a file."""
        self._folder.remove(artifact_id)


def upload_artifact(
    *,
    artifact_store: ArtifactStore,
    file_path: str | Path,
    study_or_trial: Study | Trial,
    storage: Any = None,
    mimetype: str | None = None,
    encoding: str | None = None,
) -> str:
    """Keep a file with a study or a running trial, and return its id. ``storage``, ``mimetype`` and ``encoding`` are not needed.

    Raises:
        SettingError: ``study_or_trial`` is a frozen trial, which does not know its study.
    """
    native = _live(study_or_trial).native
    stored = native.save_artifact(file_path, place=_Place(artifact_store))
    return stored.key


def download_artifact(*, artifact_store: ArtifactStore, file_path: str | Path, artifact_id: str) -> None:
    """Copy a file out of a store."""
    with artifact_store.open_reader(artifact_id) as source, Path(file_path).open("wb") as out:
        while chunk := source.read(2**20):
            out.write(chunk)


def get_all_artifact_meta(study_or_trial: Study | Trial, *, storage: Any = None) -> list[ArtifactMeta]:
    """What is known about the files of a study (not those of its trials) or of a running trial."""
    live = _live(study_or_trial)
    if isinstance(live, Study):
        return [_meta(each) for each in live.native.sync().artifacts()]
    return [_meta(each) for each in live.native.artifacts]


class _Place:
    """One of Optuna's stores as a place of ours."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def write(self, key: str, source: BinaryIO) -> Stored:
        digest, n = hashlib.sha256(), 0
        while chunk := source.read(2**20):
            digest.update(chunk)
            n += len(chunk)
        source.seek(0)
        self._store.write(key, source)
        return Stored(n, digest.hexdigest())

    def open(self, key: str) -> BinaryIO:
        return self._store.open_reader(key)

    def remove(self, key: str) -> None:
        self._store.remove(key)


def _live(study_or_trial: Study | Trial) -> Study | Trial:
    if not isinstance(study_or_trial, Study | Trial):
        raise SettingError(
            f"{type(study_or_trial).__name__} does not know its study; give the study, or the trial while it runs."
        )
    return study_or_trial


def _meta(stored: ArtifactStored) -> ArtifactMeta:
    kind, encoding = mimetypes.guess_type(stored.name)
    return ArtifactMeta(stored.key, stored.name, kind or "application/octet-stream", encoding)
