"""Artifacts as Optuna's scripts use them."""

import io
from pathlib import Path

import pytest

import tunewise.optuna


@pytest.fixture
def store(lib, tmp_path):
    (tmp_path / "kept").mkdir()
    return lib.artifacts.FileSystemArtifactStore(tmp_path / "kept")


def meta_of(lib, owner):
    return [
        (meta.filename, meta.mimetype, meta.encoding) for meta in lib.artifacts.get_all_artifact_meta(owner)
    ]


def test_files_of_trials_and_studies(lib, study, store):
    Path("plot.png").write_bytes(b"plot")
    Path("table.csv.gz").write_bytes(b"table")
    ids = []

    def objective(trial):
        trial.suggest_float("x", 0, 1)
        ids.append(
            lib.artifacts.upload_artifact(artifact_store=store, file_path="plot.png", study_or_trial=trial)
        )
        assert meta_of(lib, trial) == [("plot.png", "image/png", None)]
        return 1.0

    study.optimize(objective, n_trials=2)
    lib.artifacts.upload_artifact(artifact_store=store, file_path="table.csv.gz", study_or_trial=study)
    assert meta_of(lib, study) == [("table.csv.gz", "text/csv", "gzip")]
    assert len(set(ids)) == 2
    lib.artifacts.download_artifact(artifact_store=store, file_path="out.png", artifact_id=ids[1])
    assert Path("out.png").read_bytes() == b"plot"
    store.remove(ids[1])
    with pytest.raises(lib.artifacts.exceptions.ArtifactNotFound):
        store.open_reader(ids[1])


@pytest.mark.parametrize("wrong", ["../x", "/etc/passwd"])
def test_no_id_leads_out_of_the_folder(wrong, lib, store):
    with pytest.raises(ValueError, match=r"."):
        store.write(wrong, io.BytesIO(b"x"))


def test_a_script_may_bring_its_own_store(lib, study):
    class Own:
        def __init__(self):
            self.files = {}

        def write(self, artifact_id, content_body):
            self.files[artifact_id] = content_body.read()

        def open_reader(self, artifact_id):
            return io.BytesIO(self.files[artifact_id])

    own = Own()
    Path("a.txt").write_text("mine")
    key = lib.artifacts.upload_artifact(artifact_store=own, file_path="a.txt", study_or_trial=study)
    assert own.files == {key: b"mine"}
    assert meta_of(lib, study) == [("a.txt", "text/plain", None)]


def test_a_frozen_trial_is_refused_with_a_sentence():
    study = tunewise.optuna.create_study()
    study.optimize(lambda trial: 1.0, n_trials=1)
    with pytest.raises(ValueError, match="does not know its study"):
        tunewise.optuna.artifacts.get_all_artifact_meta(study.trials[0])
