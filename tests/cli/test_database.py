"""The export as a SQLite database: what a person with a SQL client finds there."""

import math
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.cli.database import write_database
from tunewise.errors import SettingError
from tunewise.records import FrozenTrial, Goal, TrialState


def ask(question, file="out.db"):
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute(question).fetchall()


def test_questions_are_joins(run, store):
    assert run("export", "runs.db::digits", "out.db").output == "5 trials written to out.db\n"
    best = "SELECT number, val_error, value FROM trials JOIN params ON trial = number AND name = 'lr' ORDER BY val_error LIMIT 1"
    ((number, error, lr),) = ask(best)
    assert (number, error) == (1, 0.25)
    assert 1e-4 <= lr <= 1e-1
    assert ask("SELECT state, count(*) FROM trials GROUP BY state ORDER BY state") == [
        ("complete", 2),
        ("failed", 1),
        ("pruned", 1),
        ("running", 1),
    ]
    assert ask("SELECT step, value FROM curves WHERE trial = 1 AND metric = 'val_error'") == [
        (0, 1.0),
        (1, 0.25),
    ]
    assert ask("SELECT value FROM curves WHERE trial = 1 AND metric = 'train_loss'") == [(None,)]
    assert ask("SELECT value FROM attrs WHERE name = 'seeds'") == [("[1, 2]",), ("[1, 2]",)]
    assert ask("SELECT reason FROM trials WHERE number = 3") == [("out of memory",)]


def test_an_export_is_replaced_and_nothing_else(run, store):
    before = list(tw.load_study("digits", store).trials)
    for form in ([], ["--format", "csv"], ["--format", "sqlite"]):
        result = run("export", "runs.db::digits", "runs.db", *form)
        assert result.exit_code == 3
        assert "not overwritten" in result.stderr
    assert list(tw.load_study("digits", store).trials) == before
    for _ in range(2):
        assert run("export", "runs.db::digits", "out.sqlite").exit_code == 0


odd = st.text(max_size=8) | st.sampled_from(
    ["number", "STATE", 'a"b', "'); DROP TABLE trials; --", "\x00", "\ud800", "{goals}"]
)
choice = st.none() | st.booleans() | st.integers() | st.floats() | odd
records = st.builds(
    FrozenTrial,
    number=st.just(0),
    state=st.sampled_from(TrialState),
    params=st.dictionaries(odd, choice, max_size=3),
    values=st.none() | st.tuples(st.floats(), st.floats()),
    curves=st.dictionaries(odd, st.dictionaries(st.integers(0), st.floats(), max_size=3), max_size=2),
    user_attrs=st.dictionaries(odd, choice | st.lists(choice, max_size=2), max_size=3),
    reason=st.none() | odd,
    domains=st.just({}),
    constraints=st.just({}),
    started_at=st.just(float("nan")) | st.floats(0, 4e9),
    finished_at=st.just(float("nan")) | st.floats(0, 4e9),
    sampler=odd,
    worker=odd,
)


@settings(max_examples=60)
@given(several=st.lists(records, max_size=4), goals=st.lists(odd, min_size=2, max_size=2, unique=True))
def test_whatever_names_and_values_are(several, goals, tmp_path):
    numbered = [record._replace(number=number) for number, record in enumerate(several)]
    file = tmp_path / "odd.db"
    write_database(numbered, [Goal(name) for name in goals], file)
    tables = {name for (name,) in ask("SELECT name FROM sqlite_master WHERE type = 'table'", file)}
    assert tables == {"trials", "params", "attrs", "curves"}
    rows = ask("SELECT * FROM trials ORDER BY number", file)
    assert [row[:2] for row in rows] == [(each.number, each.state.name.lower()) for each in numbered]
    for row, record in zip(rows, numbered, strict=True):
        for stored, value in zip(row[2:4], record.values or (None, None), strict=True):
            assert stored == value or (stored is None and math.isnan(value))


def test_a_file_that_is_no_database_is_not_overwritten(tmp_path):
    (tmp_path / "notes.db").write_text("notes")
    with pytest.raises(SettingError, match="not an export"):
        write_database([], [Goal("a")], tmp_path / "notes.db")
