"""Tables of trials: any round trip gives the trials back, and nothing is guessed without being said."""

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewise as tw
from tunewise.errors import DataError, MissingExtra, SettingError
from tunewise.integrations.readers import read_study
from tunewise.records import TrialState

ROWS = [
    {"lr": 10 ** -(i % 4 + 1), "act": "relu" if i % 2 else "gelu", "val_loss": round(0.5 - 0.01 * i, 3)}
    for i in range(12)
]


def write(path, rows, **settings):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), **settings)
        writer.writeheader()
        writer.writerows(rows)
    return path


def notes(trials):
    return " ".join(trials.user_attrs["reader"]["notes"])


numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6))


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "params_x": numbers,
                "params_k": st.integers(-5, 5),
                "params_c": st.sampled_from(["a", "b"]),
                "loss": numbers,
            }
        ),
        min_size=4,
        max_size=20,
    )
)
def test_a_table_keeps_every_value(rows):
    trials = read_study(rows, direction="minimize")
    assert trials.values[:, 0].tolist() == [row["loss"] for row in rows]
    for row, trial in zip(rows, trials, strict=True):
        fixed = {name for name in ("x", "k", "c") if len({r[f"params_{name}"] for r in rows}) == 1}
        assert trial.params == {n: row[f"params_{n}"] for n in ("x", "k", "c") if n not in fixed}
        assert all(trial.domains[name].contains(value) for name, value in trial.params.items())


def test_every_form_of_the_same_table_is_the_same_study(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_json(tmp_path / "columns.json")
    (tmp_path / "records.json").write_text(json.dumps(ROWS))
    (tmp_path / "wrapped.json").write_text(json.dumps({"trials": ROWS}))
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    nested = [
        {"config": {"lr": r["lr"], "act": r["act"]}, "summary": {"val_loss": r["val_loss"]}} for r in ROWS
    ]
    (tmp_path / "nested.json").write_text(json.dumps(nested))
    texts = [
        {"name": f"r{i}", "config": str(r["config"]), "summary": str(r["summary"])}
        for i, r in enumerate(nested)
    ]
    forms = [
        write(tmp_path / "a.csv", ROWS),
        write(tmp_path / "semicolons.csv", ROWS, delimiter=";"),
        write(tmp_path / "tabs.tsv", ROWS, delimiter="\t"),
        write(tmp_path / "api.csv", texts),  # as the documentation of Weights & Biases makes it
        *(tmp_path / f"{name}.json" for name in ("columns", "records", "wrapped", "nested")),
        tmp_path / "a.parquet",
        tmp_path / "lines.jsonl",
        frame,
        {name: [row[name] for row in ROWS] for name in ROWS[0]},
        ROWS,
    ]  # fmt: skip
    for form in forms:
        trials = read_study(form)
        assert [t.params for t in trials] == [{"lr": r["lr"], "act": r["act"]} for r in ROWS], form
        assert trials.values[:, 0].tolist() == [r["val_loss"] for r in ROWS]
        assert trials.goals == (tw.Goal("val_loss", "minimize"),)


def test_what_tunewise_exports_comes_back(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from tunewise.cli import main

    monkeypatch.chdir(tmp_path)
    study = tw.create_study("s", tmp_path / "runs.db", goals={"error": "minimize"}, sampler="qmc", seed=1)

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        trial.suggest_categorical("kind", ["a", "b"])
        trial.set_user_attr("note", trial.number)
        for step in range(4):
            trial.report(x + step, step)
        return x if trial.number != 3 else math.nan

    study.optimize(objective, 12)
    for name in ("t.csv", "t.json", "t.parquet"):
        result = CliRunner().invoke(main, ["export", "runs.db::s", name])
        assert result.exit_code == 0, result.output
        trials = read_study(tmp_path / name, direction="minimize")
        for ours, theirs in zip(trials, study.trials, strict=True):
            assert ours.params == theirs.params
            assert ours.values == theirs.values
            assert ours.state == theirs.state
            assert ours.user_attrs["note"] == theirs.user_attrs["note"]
            assert ours.duration == pytest.approx(theirs.duration, abs=0.01)
        if name == "t.json":
            assert [list(c.values()) for t in trials for c in t.curves.values()] == [
                list(t.curves["error"].values()) for t in study.trials
            ]


def test_what_optuna_exports_comes_back(tmp_path):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(lambda t: t.suggest_float("x", 0, 1) + t.suggest_int("k", 1, 9), 20)
    frame = study.trials_dataframe()
    frame.to_csv(tmp_path / "t.csv", index=False)
    for source in (frame, study.trials_dataframe(multi_index=True), tmp_path / "t.csv"):
        trials = read_study(source, direction="minimize")
        assert [t.params for t in trials] == [t.params for t in study.trials]
        assert [t.value for t in trials] == [t.value for t in study.trials]


def test_states_are_read_by_their_words():
    words = ["COMPLETE", "finished", "PRUNED", "crashed", "running", "infeasible", "killed", "scheduled"]
    rows = [{**ROWS[i], "status": word} for i, word in enumerate(words)]
    S = TrialState
    wanted = [S.COMPLETE, S.COMPLETE, S.PRUNED, S.FAILED, S.RUNNING, S.INFEASIBLE, S.FAILED, S.QUEUED]
    assert read_study(rows, metric="val_loss").state.tolist() == wanted


def test_nan_diverged_and_an_empty_cell_failed(tmp_path):
    rows = [
        {**row, "val_loss": {3: "nan", 4: "inf", 5: ""}.get(i, row["val_loss"])} for i, row in enumerate(ROWS)
    ]
    path = write(tmp_path / "a.csv", rows)
    trials = read_study(path)
    S = TrialState
    assert trials.state[3:6].tolist() == [S.INFEASIBLE, S.INFEASIBLE, S.FAILED]
    assert "1 of 12 trials failed" in notes(trials)
    assert read_study(path, failed="diverged").state[5] == S.INFEASIBLE


def test_a_number_that_stands_for_divergence(tmp_path):
    rows = [{**row, "val_loss": 1e9 if i % 6 == 5 else row["val_loss"]} for i, row in enumerate(ROWS)]
    trials = read_study(rows)
    assert "--diverged 1e+09" in notes(trials)
    trials = read_study(rows, diverged=1e6)
    assert (trials.state == TrialState.INFEASIBLE).sum() == 2
    assert "--diverged" not in notes(trials)
    up = [{**row, "val_loss": -row["val_loss"]} for row in rows]
    assert (read_study(up, direction="maximize", diverged=-1e6).state == TrialState.INFEASIBLE).sum() == 2


def test_constants_are_no_hyperparameters():
    trials = read_study([{**row, "batch": 64} for row in ROWS])
    assert "batch" not in trials.names
    assert trials.row(0).user_attrs["batch"] == 64
    assert "The same in every trial" in notes(trials)


def test_params_can_be_named_by_pattern():
    rows = [{**row, "opt.beta": i / 20, "opt.eps": i / 30, "extra": i} for i, row in enumerate(ROWS)]
    assert set(read_study(rows, metric="val_loss", params=("opt.*",)).names) == {"opt.beta", "opt.eps"}


def test_a_given_space_is_the_space_and_what_lies_outside_is_said():
    space = tw.Space({"lr": tw.Float(1e-3, 1.0, log=True)})
    trials = read_study(ROWS, space=space)
    assert trials.space["lr"] == space["lr"]
    assert "3 trials have a lr outside" in notes(trials)
    assert trials.row(3).params["lr"] == ROWS[3]["lr"]  # nothing is lost


@pytest.mark.parametrize(
    ("rows", "settings", "error", "said"),
    [
        ([], {}, DataError, "holds no trials"),
        (ROWS, {"metric": "loss"}, DataError, "no column 'loss'.*'lr', 'act', 'val_loss'"),
        (ROWS, {"params": ("nope",)}, DataError, "no column 'nope'"),
        (ROWS, {"trial": "nope"}, DataError, "no column 'nope'"),
        (ROWS, {"rename": {"nope": "x"}}, SettingError, "no parameter 'nope'"),
        (ROWS, {"rename": {"act": "lr"}}, SettingError, "twice"),
        (ROWS, {"direction": "up"}, SettingError, "minimize"),
        (ROWS, {"metrik": "x"}, SettingError, "no setting"),
        (ROWS, {"space": tw.Space({"nope": tw.Int(1, 2)})}, DataError, "'nope'"),
        (ROWS, {"space": tw.Space({"act": tw.Int(1, 2)})}, DataError, "no number"),
        ([{"a": 1.0, "b": 2.0}] * 5, {}, DataError, "Which column .* is the metric"),
        ([{"params_a": 1.0, "t": 2.0}] * 5, {"metric": "t"}, DataError, "smaller or a larger t"),
        ([{"a": 1.0, "val_loss": 2.0, "val_error": 3.0}] * 5, {}, DataError, "may be one of 'val_loss', 'val_error'"),
        ({"a": [1], "b": [1, 2]}, {}, DataError, "differ in length"),
        (3, {}, DataError, "no table"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_sentence(rows, settings, error, said):
    with pytest.raises(error, match=said):
        read_study(rows, **settings)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00\x01binary\xff", "neither text in UTF-8"),
        (b"a,b\n1,2,3\n", "Row 2 .* has 3 cells"),
        (b"a,a\n1,2\n", "stands twice"),
        (b"[1, 2, 3]", "list of something else"),
        (b'{"a": ', "no JSON"),
        (b"PAR1 but no more", "no usable Parquet"),
        (b"val_loss\n", "holds no trials"),
    ],
)
def test_a_file_that_is_no_table_is_a_sentence(tmp_path, content, said):
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    with pytest.raises((DataError, MissingExtra), match=said):
        read_study(path)


def test_thousands_of_columns_are_read(tmp_path):
    rng = np.random.default_rng(0)
    columns = {f"params_p{j}": rng.random(30).tolist() for j in range(2000)}
    trials = read_study({**columns, "loss": rng.random(30).tolist()})
    assert len(trials.names) == 2000


def test_trials_are_numbered_by_their_start_where_nothing_numbers_them():
    rows = [{**row, "created_at": 100 - i} for i, row in enumerate(ROWS)]
    assert [t.params["lr"] for t in read_study(rows)] == [row["lr"] for row in ROWS[::-1]]


@pytest.mark.parametrize(
    "name", ["runtime_s", "Duration (s)", "train_time", "wall_time", "elapsed", "total_time_s"]
)
def test_what_a_run_took_is_no_hyperparameter(tmp_path, name):
    rows = [{**row, name: 60.0 + i} for i, row in enumerate(ROWS)]
    trials = read_study(write(tmp_path / "t.csv", rows))
    assert set(trials.names) == {"lr", "act"}


def test_curves_alone_are_no_search(tmp_path):
    rows = [
        {"run": f"r{i}", "epoch": e, "val_loss": 1 / e + 0.01 * i} for i in range(12) for e in range(1, 12)
    ]
    trials = read_study(write(tmp_path / "c.csv", rows))
    assert trials.names == ()
    assert "No column is read as a hyperparameter" in notes(trials)
    found = [f for f in tw.playbook.check(trials) if f.code == "P17"]
    assert [f.verdict.value for f in found] == ["N/A"]
    assert "No parameter was tuned" in found[0].headline
