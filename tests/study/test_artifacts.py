"""Artifacts of studies and trials: noted in the log, found again by everybody who opens it."""

import json
from pathlib import Path

import pytest

import tunewise as tw
from tunewise.errors import DataError, SettingError, TrialStateError
from tunewise.events import ArtifactStored, StudyNoted


@pytest.fixture(autouse=True)
def quiet():
    tw.logging.set_verbosity(60)


@pytest.fixture
def study(tmp_path):
    return tw.create_study("s", tmp_path / "runs.db", sampler="random", seed=1)


def train(trial):
    Path("plot.txt").write_text(f"plot of {trial.number}")
    trial.save_artifact("plot.txt")
    trial.save_artifact(json.dumps({"x": trial.suggest_float("x", 0, 1)}).encode(), "settings/run.json")
    return 1.0


def test_a_trial_keeps_files_and_bytes(study, tmp_path):
    study.optimize(train, 2)
    study.save_artifact(b"all", "summary.txt")
    again = tw.load_study("s", tmp_path / "runs.db")
    assert [(each.number, each.name) for each in again.artifacts] == [
        (None, "summary.txt"),
        (0, "plot.txt"),
        (0, "settings/run.json"),
        (1, "plot.txt"),
        (1, "settings/run.json"),
    ]
    assert again.fetch_artifact("plot.txt", 1, tmp_path / "out.txt").read_text() == "plot of 1"
    assert again.fetch_artifact("settings/run.json", 0) == Path("settings/run.json")
    assert json.loads(Path("settings/run.json").read_text()) == again.trials[0].params
    assert len([each for each in (tmp_path / "runs.artifacts").rglob("*") if each.is_file()]) == 5


def test_of_one_name_the_last_counts_and_no_file_is_overwritten(study, tmp_path):
    for content in (b"first", b"last"):
        study.save_artifact(content, "a.txt")
    (found,) = study.artifacts
    assert found.bytes == 4
    study.fetch_artifact("a.txt", to="out")
    assert Path("out").read_bytes() == b"last"


def test_a_file_in_the_way_is_not_overwritten(study):
    study.save_artifact(b"theirs", "train.py")
    Path("train.py").write_text("mine")
    for to in (None, "."):
        with pytest.raises(SettingError, match="already"):
            study.fetch_artifact("train.py", to=to)
    assert Path("train.py").read_text() == "mine"


def test_what_cannot_be_kept(study):
    with pytest.raises(SettingError, match="need a name"):
        study.save_artifact(b"x")
    with pytest.raises(SettingError, match="is a folder"):
        study.save_artifact(Path())
    with pytest.raises(FileNotFoundError):
        study.save_artifact("nothing.txt")
    with pytest.raises(TrialStateError):
        study.save_artifact(b"x", "a", trial=0)
    with pytest.raises(SettingError, match="cannot be the name"):
        study.save_artifact(b"x", "../a")
    with pytest.raises(SettingError, match="has no artifact"):
        study.fetch_artifact("a")
    assert study.artifacts == ()


def test_a_study_without_a_place_says_so_and_one_with_a_place_keeps_it(tmp_path):
    with pytest.raises(SettingError, match=r"create_study\(artifacts="):
        tw.create_study().save_artifact(b"x", "a")
    study = tw.create_study(artifacts="kept")
    study.save_artifact(b"x", "a")
    assert study.info.artifacts == str(tmp_path / "kept")
    remote = tw.create_study("r", tmp_path / "r.db", artifacts="memory://kept")
    remote.save_artifact(b"far", "a")
    tw.load_study("r", tmp_path / "r.db").fetch_artifact("a", to="near")
    assert Path("near").read_bytes() == b"far"


@pytest.mark.parametrize("key", ["../../secret", "/etc/passwd", "a/../../secret", "C:\\secret", "\x00"])
def test_a_hostile_log_reads_and_writes_nothing_elsewhere(key, study, tmp_path):
    (tmp_path / "secret").write_text("secret")
    study.storage.append("s", [ArtifactStored(None, "a", key, 6, "0" * 64, 0.0)])
    study.storage.append("s", [ArtifactStored(None, key, "s/a", 6, "0" * 64, 0.0)])
    for name in ("a", key):
        with pytest.raises(SettingError, match="cannot be the name"):
            study.fetch_artifact(name)
    assert sorted(each.name for each in tmp_path.iterdir() if "runs" not in each.name) == ["secret"]


def test_artifacts_of_a_deleted_trial_are_not_shown(study):
    study.optimize(train, 2)
    study.delete_trial(0)
    assert {each.number for each in study.artifacts} == {1}


def test_a_copy_refers_to_the_same_files(study, tmp_path):
    study.save_artifact(b"x", "a")
    copied = tw.copy_study("s", tmp_path / "runs.db", f"dir:{tmp_path}/far")
    assert copied.fetch_artifact("a", to="out").read_bytes() == b"x"
    study.storage.append("s", [StudyNoted({"n": 1})])
    plain = tw.create_study("t", tmp_path / "runs.db")
    assert tw.copy_study("t", plain.storage, None).info.artifacts is None


def test_a_damaged_file_is_noticed(study, tmp_path):
    study.save_artifact(b"right", "a")
    (file,) = (tmp_path / "runs.artifacts").rglob("*-a")
    file.write_bytes(b"wrong")
    with pytest.raises(DataError, match="not the file that was stored"):
        study.fetch_artifact("a", to="out")
