"""Optuna's storages of all versions say the same, and what Optuna itself says of them."""

import math
import re
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from tunewise.errors import DataError, StorageError, StudyNotFound
from tunewise.integrations.readers import read_study
from tunewise.records import TrialState
from tunewise.space import Categorical, Float, Int
from tunewise.trials import Trials

S = TrialState


def test_a_storage_of_any_version_is_read_whole(stored):
    path, version = stored
    trials = read_study(path, "mixed")
    assert isinstance(trials, Trials)
    assert [goal.direction for goal in trials.goals] == ["maximize"]
    knew_why = version < (2, 4)  # later versions do not write down that a result was NaN
    assert [TrialState(state) for state in trials.state[:10]] == [
        S.COMPLETE, S.COMPLETE, S.COMPLETE, S.INFEASIBLE, S.COMPLETE, S.COMPLETE, S.PRUNED,
        S.INFEASIBLE if knew_why else S.FAILED, S.FAILED, S.INFEASIBLE,
    ]  # fmt: skip
    assert len(trials.curves().trial) == 40
    assert trials.user_attrs["author"] == "somebody"
    first = trials.row(0)
    assert first.value == pytest.approx(-3.33191198)
    assert first.params["lr"] == pytest.approx(4.6568e-4, rel=1e-4)
    assert first.domains["lr"] == Float(1e-5, 0.1, log=True)
    assert first.domains["layers"] == Int(1, 5)
    assert first.domains["units"] == Int(1, 64, log=True)
    assert first.domains["dropout"] == Float(0.0, 0.5, step=0.1)
    assert first.domains["kind"] == Categorical(("sgd", "adam", None))
    assert first.domains["width"] == Categorical((32, 64, 128, 256), ordered=True)
    assert first.curves["value"][3] == pytest.approx(-3.08191198)
    assert first.user_attrs["note"] == {"seed": 0, "tags": ["a", "b"]}
    assert first.duration is not None
    assert first.duration > 0
    assert "momentum" in first.params
    assert type(first.params["flag"]) is bool
    assert trials.best() == 5


def test_every_version_agrees_with_the_newest(optuna_files):
    databases, journals = optuna_files

    def content(path):
        trials = read_study(path, "mixed")
        return [(t.params["lr"], t.params["units"], t.user_attrs) for t in list(trials)[:10]]

    newest = content(databases[-1])
    for path in journals:
        assert content(path) == newest


def test_several_goals_keep_their_names_and_constraints(stored):
    path, version = stored
    if version < (2, 4):
        with pytest.raises(StudyNotFound, match="There is no study 'pair'"):
            read_study(path, "pair")
        return
    trials = read_study(path, "pair")
    named = version >= (3, 2)
    assert [goal.name for goal in trials.goals] == (["loss", "accuracy"] if named else ["value_0", "value_1"])
    assert [goal.direction for goal in trials.goals] == ["minimize", "maximize"]
    assert np.isfinite(trials.values).all()
    if version >= (2, 5):
        assert trials.row(1).constraints == {"0": pytest.approx(0.049662478)}
        assert trials.violation[1] == pytest.approx(0.049662478)
    one = read_study(path, "pair", metric=trials.goals[1].name)
    assert [goal.direction for goal in one.goals] == ["maximize"]
    assert one.values[:, 0].tolist() == trials.values[:, 1].tolist()


def test_what_had_to_be_assumed_is_said(stored):
    path, _ = stored
    notes = " ".join(read_study(path, "mixed").user_attrs["reader"]["notes"])
    assert "does not say how trials were chosen" in notes
    assert "is the direction right?" in notes  # the curves of these trials fall
    assert "is the direction right?" not in " ".join(
        read_study(path, "mixed", direction="minimize").user_attrs["reader"]["notes"]
    )


def test_reading_changes_nothing(stored):
    path, _ = stored
    before, beside = path.read_bytes(), sorted(path.parent.iterdir())
    read_study(path, "mixed")
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == beside


@pytest.mark.usefixtures("optunas_connections")
def test_the_newest_optuna_says_the_same(tmp_path):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{tmp_path / 'new.db'}"
    study = optuna.create_study(storage=url, study_name="s", sampler=optuna.samplers.RandomSampler(seed=3))

    def objective(trial):
        kind = trial.suggest_categorical("kind", ["a", 1, 2.5, True, None])
        x = trial.suggest_float("x", -1, 1)
        if kind == "a":
            trial.suggest_int("k", 10, 20, step=5)
        for step in (3, 1, 7):
            trial.report(x + step, step)
        trial.set_user_attr("n", trial.number)
        trial.set_constraint("c", x - 0.5)
        if trial.number % 7 == 6:
            raise optuna.TrialPruned
        return x if trial.number % 5 else float("-inf")

    study.optimize(objective, 25)
    for trials in (read_study(url), read_study(f"{url}::s")):
        for theirs, ours in zip(study.trials, trials, strict=True):
            assert ours.params == theirs.params
            assert [type(v) for v in ours.params.values()] == [type(v) for v in theirs.params.values()]
            assert ours.curves["value"] == theirs.intermediate_values
            assert ours.user_attrs == theirs.user_attrs
            assert ours.constraints == theirs.constraints
            assert ours.duration == pytest.approx(theirs.duration.total_seconds(), abs=1e-5)
            if theirs.state == optuna.trial.TrialState.PRUNED:
                assert ours.state == S.PRUNED
            elif math.isinf(theirs.value):
                assert (ours.state, ours.values) == (S.INFEASIBLE, None)
            else:
                assert ours.values == (theirs.value,)


@pytest.mark.usefixtures("optunas_connections")
def test_the_sampler_is_known_where_it_left_a_trace(tmp_path):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{tmp_path / 'grid.db'}"
    sampler = optuna.samplers.GridSampler({"x": [0.0, 0.5, 1.0]})
    optuna.create_study(storage=url, sampler=sampler).optimize(lambda t: t.suggest_float("x", 0, 1), 3)
    trials = read_study(url)
    assert [trials.sampler_of(n) for n in range(3)] == ["grid"] * 3


@pytest.fixture
def broken(optuna_files):
    path = optuna_files[0][-1]

    def after(statement):
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(statement)
        return path

    return after


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE trial_params SET distribution_json = 'x' WHERE param_id = 3", "no distribution of Optuna"),
        ("UPDATE trial_params SET param_value = 9 WHERE param_name = 'kind'", "cannot have: index 9"),
        ("UPDATE trials SET state = 'LOST' WHERE number = 2", "'LOST'"),
        ("DELETE FROM study_directions", "direction"),
        ("UPDATE trial_values SET value = 'abc' WHERE trial_id = 1", "does not write: .*'abc'"),
        ("UPDATE trial_intermediate_values SET intermediate_value = 'abc'", "that Optuna does not write"),
        (
            "UPDATE trial_params SET distribution_json = replace(distribution_json, '0.1', '1e999')",
            "infinite|inf",
        ),
    ],
)
def test_a_damaged_storage_is_a_sentence(broken, damage, said):
    with pytest.raises(DataError, match=said):
        read_study(broken(damage), "mixed")


def test_a_storage_without_one_of_its_tables_is_named(broken):
    with pytest.raises(StorageError, match="looks like an Optuna storage, but has no table trial_params"):
        read_study(broken("DROP TABLE trial_params"), "mixed")


def test_a_complete_trial_without_its_value_is_no_silent_result(broken):
    trials = read_study(broken("DELETE FROM trial_values WHERE trial_id = 1"), "mixed")
    assert trials.row(0).state == S.FAILED
    assert "0 of 1 values" in trials.row(0).reason


def test_gaps_in_the_numbers_are_said_and_kept(broken):
    trials = read_study(broken("DELETE FROM trials WHERE number = 1"), "mixed")
    assert trials.row(1).user_attrs["source_number"] == 2
    assert trials.row(1).curves["value"][0] == pytest.approx(
        -1.32067832
    )  # the reports moved with their trial
    assert any("numbered anew" in note for note in trials.user_attrs["reader"]["notes"])


def test_failed_trials_can_be_read_as_diverged(stored):
    path, _ = stored
    trials = read_study(path, "mixed", failed="diverged")
    reasons = [t.reason for t in trials if t.state == S.FAILED]
    assert all(reasons)  # those for which the source gives a reason stay failed


def test_a_file_cut_in_half_is_a_sentence(broken):
    path = broken("SELECT 1")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(StorageError, match=str(path)):
        read_study(path, "mixed")


def test_a_journal_with_a_text_for_a_value_is_a_sentence(tmp_path, optuna_files):
    path = tmp_path / "journal.log"
    text = optuna_files[1][-1].read_text()
    path.write_text(re.sub(r'"values": ?\[[^\]]+\]', '"values":["abc"]', text))
    with pytest.raises(DataError, match=r"no operation of Optuna's journal.*abc"):
        read_study(path, "mixed")


def test_a_journal_forgives_a_torn_end_and_lines_that_number_nothing(tmp_path, optuna_files):
    lines = optuna_files[1][-1].read_bytes().splitlines(keepends=True)
    path = tmp_path / "journal.log"
    path.write_bytes(b"".join(lines) + b'{"op_code": 4, "wor')
    trials = read_study(path, "mixed")
    assert any("torn" in note for note in trials.user_attrs["reader"]["notes"])
    report = next(i for i, line in enumerate(lines) if b'"op_code":7' in line)
    path.write_bytes(b"".join(lines[:report]) + lines[report][:30] + b"\n" + b"".join(lines[report + 1 :]))
    trials = read_study(path, "mixed")
    assert len(trials.curves().trial) == 39
    assert any(f"Line {report + 1}" in note for note in trials.user_attrs["reader"]["notes"])


def test_a_journal_never_guesses_the_numbers_of_trials(tmp_path, optuna_files):
    lines = optuna_files[1][-1].read_bytes().splitlines(keepends=True)
    path = tmp_path / "journal.log"
    created = [i for i, line in enumerate(lines) if b'"op_code":4' in line][1]
    path.write_bytes(b"".join(lines[:created]) + lines[created][:20] + b"\n" + b"".join(lines[created + 1 :]))
    with pytest.raises(DataError, match=f"Line {created + 1} .* damaged"):
        read_study(path, "mixed")


def test_conflicts_in_a_journal_are_settled_as_optuna_does(tmp_path, optuna_files):
    path = tmp_path / "journal.log"
    late = (
        '{"op_code":6,"worker_id":"b","trial_id":0,"state":1,"values":[99.0],"datetime_complete":"2026-01-01T00:00:00"}\n'
        '{"op_code":0,"worker_id":"b","study_name":"mixed","directions":[1]}\n'
    )
    path.write_bytes(optuna_files[1][-1].read_bytes() + late.encode())
    trials = read_study(path, "mixed")
    assert trials.row(0).value == pytest.approx(-3.33191198)
    assert trials.goals[0].direction == "maximize"
