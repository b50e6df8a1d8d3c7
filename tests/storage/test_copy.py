"""A study can be copied between any two kinds of store, and nothing is lost or changed on the way."""

from contextlib import closing, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.errors import StorageUnreachable, StudyExists
from tunewise.events import StudyNoted, Unreadable, decode, encode
from tunewise.storage import MemoryLog
from tunewise.testing.logs import CREATED
from tunewise.testing.strategies import facts

KINDS = ("memory", "sqlite", "directory", "postgresql", "mariadb", "redis", "http")


@pytest.fixture(autouse=True)
def quiet():
    tw.logging.set_verbosity(60)


def everything(log, name="s"):
    """A study with trials in every state, with artifacts, notes and an odd name or two."""
    study = tw.create_study(
        name, log, goals={"error": "minimize"}, sampler="tpe", pruner="median", seed=7, artifacts="kept"
    )
    for number in range(6):
        trial = study.ask()
        trial.suggest_float("l\ud800r", 1e-5, 1e-1, log=True)
        trial.suggest_categorical("act", ["relu", None, True, 1, 0.5])
        trial.report({"error": float("nan") if number == 1 else number, "tr'ain": float("inf")}, 3)
        trial.set_user_attr("notes", {"a": [1, "ü", "\x00"]})
        if number < 5:
            state = [None, "infeasible", "pruned", "failed", None][number]
            study.tell(trial, number if state is None else None, state=state)
    study.enqueue_trial({"act": "relu"})
    study.save_artifact(b"x", "a.txt", trial=0)
    study.set_user_attr("who", "me")
    study.annotate_trial(0, good=True)
    study.invalidate_trial(4, "wrong split")
    study.delete_trial(3)
    return study


@pytest.mark.parametrize(
    ("source", "target"), [*zip(KINDS, KINDS, strict=True), *zip(KINDS, KINDS[1:] + KINDS[:1], strict=True)]
)
def test_from_every_kind_and_to_every_kind(source, target, opener):
    open_source = opener(source)
    open_target = open_source if source == target else opener(target)
    study = everything(open_source())
    copied = tw.copy_study("s", open_source(), open_target(), "copy")
    again = tw.load_study("copy", open_target())
    batches = [
        [encode(batch) for batch in log.read(name, 0)]
        for log, name in ((open_source(), "s"), (open_target(), "copy"))
    ]
    assert batches[0] == batches[1]
    for each in (copied, again):
        assert list(each.trials) == list(study.trials)
        assert each.artifacts == study.artifacts
        assert each.user_attrs == study.user_attrs
        assert each.info == study.info.__class__(**{**_fields(study.info), "name": "copy"})
        assert (each.sampler, each.pruner) == (study.sampler, study.pruner)
    assert copied.ask().number == 6  # the queued one; the copy goes on by itself
    assert study.trials[6].state.name == "QUEUED"


def _fields(record):
    return {name: getattr(record, name) for name in record.__slots__}


@settings(max_examples=30)
@given(batches=st.lists(st.lists(facts(), min_size=1, max_size=4), max_size=6))
def test_whatever_the_facts_are(batches):
    source, target = MemoryLog(), MemoryLog()
    source.append("s", [CREATED], at=0)
    for batch in batches:
        source.append("s", batch)
    with suppress(tw.TunewiseError):  # facts that no study can be made of
        tw.copy_study("s", source, target)
    first, copied = source.read("s", 0), target.read("s", 0)
    assert copied[1:] == first[1:]
    assert copied[0][0]._replace(artifacts=None) == first[0][0]


@pytest.mark.parametrize("target", KINDS)
def test_a_damaged_batch_stays_one_and_keeps_its_place(target, opener, tmp_path):
    import sqlite3

    study = tw.create_study("s", tmp_path / "damaged.db", sampler="random", seed=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    with closing(sqlite3.connect(tmp_path / "damaged.db")) as connection, connection:
        connection.execute("UPDATE batches SET body = 'x' WHERE seq = 2")
    damaged = tw.load_study("s", tmp_path / "damaged.db")
    copied = tw.copy_study("s", tmp_path / "damaged.db", opener(target)())
    assert list(copied.trials) == list(damaged.trials)
    assert len(copied.trials.unreadable) == len(damaged.trials.unreadable) == 1
    assert copied.position == damaged.position


def test_damage_that_was_copied_reads_as_damage():
    assert decode([encode([Unreadable("position 3: it is damaged")])]) == [
        [Unreadable("position 3: it is damaged")]
    ]


def test_a_copy_that_fails_leaves_nothing_and_one_that_is_there_stays():
    class Failing(MemoryLog):
        def append(self, study, events, at=None, **settings):
            if at is not None and at > 2:
                raise StorageUnreachable("The disk is full.")
            return super().append(study, events, at, **settings)

    source, target = MemoryLog(), Failing()
    everything(source)
    with pytest.raises(StorageUnreachable):
        tw.copy_study("s", source, target)
    assert target.studies() == []
    target.append("s", [CREATED], at=0)
    target.append("s", [StudyNoted({"mine": 1})])
    with pytest.raises(StudyExists):
        tw.copy_study("s", source, target)
    assert len(target.read("s", 0)) == 2
