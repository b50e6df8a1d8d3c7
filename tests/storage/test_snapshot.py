"""A table from a snapshot is the table that was saved, and goes on like it; what does not fit is left aside."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.curves import CurveColumns
from tunewise.storage import snapshot
from tunewise.storage.sqlite import SqliteLog
from tunewise.structure import Evidence
from tunewise.testing import facts
from tunewise.testing.logs import CREATED
from tunewise.trials import CACHES, Trials


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    tw.logging.set_verbosity(60)
    monkeypatch.setenv("TUNEWISE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def plain(value):
    """A value in a form that can be compared, NaN and arrays included."""
    if isinstance(value, np.ndarray):
        return ("array", value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, CurveColumns):
        return [bytes(column) for column in value.columns()]
    if isinstance(value, Evidence):
        return plain(value.__dict__)
    if isinstance(value, dict):
        return [(plain(k), plain(v)) for k, v in value.items()]
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if value == value else "nan"


def content(table):
    return {name: plain(value) for name, value in table.__dict__.items() if name not in CACHES}


def through_a_file(table, log):
    """The table, saved and loaded."""
    last = [CREATED]
    if log.studies() == []:
        log.append(table.info.name, last, at=0)
    snapshot.save(log, table.info.name, table, 1, last)
    found = snapshot.load(log, table.info.name)
    assert found is not None, "the table could not be saved"
    again = Trials()
    again.info = table.info
    again.clear(found.state)
    return again


@settings(max_examples=60, deadline=None)
@given(st.lists(facts(), max_size=12), st.lists(facts(), max_size=4))
def test_any_table_survives(tmp_path_factory, before, after):
    log = SqliteLog(tmp_path_factory.mktemp("s") / "s.db")
    table = Trials()
    table.apply_all([CREATED, *before])
    again = through_a_file(table, log)
    assert content(again) == content(table)
    table.apply_all(after)
    again.apply_all(after)
    assert content(again) == content(table)


def branching(trial):
    x = trial.suggest_float("x", -1, 1)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    if kind == "a":
        x += trial.suggest_int("n", 1, 8, log=True) * trial.suggest_float("scale", 1e-3, 1, log=True)
    trial.report(x, 0)
    trial.report({"other": 2 * x}, 1)
    trial.set_user_attr("note", {"a": [1, None, "b"]})
    if trial.number % 9 == 4:
        raise tw.TrialPruned("slow")
    return math.nan if x > 3 else x


def test_a_study_opens_the_same_from_its_snapshot(tmp_path, monkeypatch, cache):
    monkeypatch.setattr(snapshot, "FROM_EVENTS", 50)
    path = tmp_path / "s.db"
    study = tw.create_study("s", path, sampler="tpe", seed=3, space=None)
    study.optimize(branching, 40)
    study.enqueue_trial({"x": 0.5})
    study.invalidate_trial(3, "wrong data")
    study.delete_trial(5)
    study.ask()
    assert not list(cache.rglob("*.npz"))
    first = tw.load_study("s", path)
    (file,) = cache.rglob("*.npz")
    assert file.parent.stat().st_mode & 0o077 == 0
    reads = []
    read = SqliteLog.read
    monkeypatch.setattr(
        SqliteLog,
        "read",
        lambda log, name, start, *most: reads.append(start) or read(log, name, start, *most),
    )
    again = tw.load_study("s", path)
    assert min(reads) > 100
    assert repr(list(again.trials)) == repr(list(first.trials))
    assert content(again._trials) == content(first._trials)
    assert again.best_trial == first.best_trial
    for opened in (first, again):
        opened._dice = type(opened._dice)(opened.info.seed)
    assert again.sampler == first.sampler
    one = tw.load_study("s", path).ask()
    x = one.suggest_float("x", -1, 1)
    file.unlink()
    assert tw.load_study("s", path).trials[one.number].params == {} or x == x


def test_a_study_is_read_page_by_page(tmp_path, monkeypatch):
    for module in ("tunewise.storage.log", "tunewise.study.study"):
        monkeypatch.setattr(f"{module}.PAGE", 7)
    monkeypatch.setattr(snapshot, "FROM_EVENTS", 50)
    sizes, read = [], SqliteLog.read

    def paged(log, name, start, most=7):
        batches = read(log, name, start, most)
        sizes.append(len(batches))
        return batches

    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=3)
    other = tw.load_study("s", tmp_path / "s.db")
    study.optimize(branching, 20)
    monkeypatch.setattr(SqliteLog, "read", paged)
    for opened in (other, tw.load_study("s", tmp_path / "s.db"), tw.load_study("s", tmp_path / "s.db")):
        assert repr(list(opened.trials)) == repr(list(study.trials))
    copy = tw.copy_study("s", tmp_path / "s.db", tmp_path / "copy.db")
    assert repr(list(copy.trials)) == repr(list(study.trials))
    assert set(sizes) >= {7} and max(sizes) == 7


def test_suggestions_do_not_depend_on_a_snapshot(tmp_path, monkeypatch, cache):
    monkeypatch.setattr(snapshot, "FROM_EVENTS", 50)
    params = []
    for with_snapshot in (False, True):
        path = tmp_path / f"{with_snapshot}.db"
        study = tw.create_study("s", path, sampler="tpe", seed=3)
        study.optimize(branching, 30)
        for _ in range(3):
            if not with_snapshot:
                monkeypatch.setattr(snapshot, "load", lambda log, name: None)
            else:
                monkeypatch.undo()
                monkeypatch.setenv("TUNEWISE_CACHE", str(cache))
                monkeypatch.setattr(snapshot, "FROM_EVENTS", 50)
            tw.load_study("s", path).optimize(branching, 4)
        params.append([trial.params for trial in tw.load_study("s", path).trials])
    assert params[0] == params[1]


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "code", "text", "gone"])
def test_a_snapshot_that_does_not_fit_is_left_aside(damage, tmp_path, monkeypatch, cache):
    monkeypatch.setattr(snapshot, "FROM_EVENTS", 10)
    path = tmp_path / "s.db"
    tw.create_study("s", path, sampler="random", seed=3).optimize(branching, 20)
    first = tw.load_study("s", path)
    (file,) = cache.rglob("*.npz")
    data = file.read_bytes()
    if damage == "truncate":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "flip":
        file.write_bytes(
            data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
        )
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "code":
        monkeypatch.setattr(snapshot, "_fingerprint", lambda: "another")
    elif damage == "text":
        file.write_text("hello")
    else:
        file.unlink()
    assert repr(list(tw.load_study("s", path).trials)) == repr(list(first.trials))


def test_a_snapshot_of_another_study_of_that_name_is_left_aside(tmp_path, monkeypatch, cache):
    monkeypatch.setattr(snapshot, "FROM_EVENTS", 10)
    path = tmp_path / "s.db"
    for n in (20, 8):
        tw.create_study("s", path, sampler="random", seed=n).optimize(branching, n)
        assert len(tw.load_study("s", path).trials) == n
        tw.delete_study("s", path)
    tw.create_study("s", path, sampler="random", seed=1).optimize(branching, 30)
    assert tw.load_study("s", path).info.seed == 1
    assert len(tw.load_study("s", path).trials) == 30


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TUNEWISE_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(snapshot, "FROM_EVENTS", 10)
    tw.create_study("s", tmp_path / "s.db", sampler="random").optimize(branching, 20)
    assert len(tw.load_study("s", tmp_path / "s.db").trials) == 20
