import csv
import io
import json


def test_a_table_with_states_that_are_readable_without_colour(run, store):
    head, *rows = run("trials", "runs.db::digits").output.splitlines()
    assert head.split() == ["trial", "state", "val_error", "seconds", "params"]
    assert [row.split()[1:3] for row in rows] == [
        ["✓", "complete"],
        ["✓", "complete"],
        ["✂", "pruned"],
        ["✗", "failed"],
        ["●", "running"],
    ]
    assert "lr=" in rows[0]


def test_by_state_and_the_last_ones(run, store):
    only = run("trials", "runs.db::digits", "--state", "pruned", "--state", "failed").output.splitlines()
    assert [row.split()[0] for row in only[1:]] == ["2", "3"]
    last = run("trials", "runs.db::digits", "--last", "1").output.splitlines()
    assert [row.split()[0] for row in last[1:]] == ["4"]
    assert run("trials", "runs.db::digits", "--state", "queued").output == "No such trials.\n"


def test_as_csv(run, store):
    rows = list(csv.DictReader(io.StringIO(run("trials", "runs.db::digits", "--csv").output)))
    assert [row["state"] for row in rows] == ["complete", "complete", "pruned", "failed", "running"]
    assert [row["val_error"] for row in rows] == ["0.5", "0.25", "", "", ""]
    assert json.loads(rows[0]["user_attrs_seeds"]) == [1, 2]


def test_as_json_with_curves_and_no_nan(run, store):
    trials = json.loads(run("trials", "runs.db::digits", "--json").output)
    assert trials[0]["curves"] == {"val_error": [[0, 1.0], [1, 0.5]], "train_loss": [[0, None]]}
    assert trials[3]["reason"] == "out of memory"
    assert trials[4]["finished_at"] is None
