import json
from pathlib import Path

import tunewise as tw


def test_files_are_listed_and_fetched(run, store):
    assert run("artifacts", "runs.db::digits").output == "No artifacts.\n"
    study = tw.load_study("digits", "runs.db")
    study.save_artifact(b"summary", "a.txt")
    study.save_artifact(b"plot", "plots/b.txt", trial=1)
    rows = json.loads(run("artifacts", "runs.db::digits", "--json").output)
    assert [(row["trial"], row["name"], row["bytes"]) for row in rows] == [
        (None, "a.txt", 7),
        (1, "plots/b.txt", 4),
    ]
    assert "plots/b.txt" in run("artifacts", "runs.db::digits", "--trial", "1").output
    assert "a.txt" not in run("artifacts", "runs.db::digits", "--trial", "1").output
    result = run("artifacts", "runs.db::digits", "plots/b.txt", "--trial", "1", "--to", "out.txt")
    assert result.output == "plots/b.txt written to out.txt\n"
    assert Path("out.txt").read_bytes() == b"plot"


def test_what_is_not_there(run, store):
    result = run("artifacts", "runs.db::digits", "x")
    assert result.exit_code == 3
    assert "has no artifact 'x'" in result.stderr
