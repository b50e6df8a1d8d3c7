import json
import sys

import pandas as pd
import pytest


def test_csv_can_be_read_back(run, store, tmp_path):
    assert run("export", "runs.db::digits", "out.csv").output == "5 trials written to out.csv\n"
    frame = pd.read_csv(tmp_path / "out.csv")
    assert frame["val_error"].tolist()[:2] == [0.5, 0.25]
    assert frame["params_act"].isin(["relu", "gelu"]).tolist() == [True, True, False, False, False]


def test_json_holds_the_curves(run, store, tmp_path):
    assert run("export", "runs.db::digits", "out.txt", "--format", "json").exit_code == 0
    data = json.loads((tmp_path / "out.txt").read_text("utf-8"))
    assert data[1]["curves"]["val_error"] == [[0, 1.0], [1, 0.25]]


@pytest.mark.parametrize(
    ("file", "said"),
    [("out.xls", "names no format"), ("nowhere/out.csv", "No such file"), ("out", "names no format")],
)
def test_what_cannot_be_written(run, store, file, said):
    result = run("export", "runs.db::digits", file)
    assert result.exit_code == 3
    assert said in result.stderr


def test_parquet_without_pyarrow_names_the_extra(run, store, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("export", "runs.db::digits", "out.parquet")
    assert result.exit_code == 3
    assert 'pip install "tunewise[data]"' in result.stderr
