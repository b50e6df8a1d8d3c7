"""The quick benchmarks run at a small size and end in one JSON line with a figure for each library."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "options"),
    [
        ("import_time", ["--repeats", "1"]),
        ("per_trial", ["--trials", "10", "--repeats", "1"]),
        ("fold", ["--trials", "20", "--peer-trials", "5", "--repeats", "1"]),
    ],
)
def test_a_benchmark_ends_in_one_json_line(script, options):
    command = [sys.executable, BENCHMARKS / f"{script}.py", *options]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    record = json.loads(out.splitlines()[-1])
    assert record["benchmark"] == script
    figures = [value for row in record["rows"] for value in row.values() if isinstance(value, float)]
    assert len(figures) >= 2
    assert min(figures) > 0
    assert "optuna" in json.dumps(record["rows"])


def test_the_time_of_a_check_is_measured_on_a_study_that_optuna_reads_too():
    command = [
        sys.executable,
        BENCHMARKS / "check_time.py",
        "--trials",
        "30",
        "--reports",
        "8",
        "--repeats",
        "1",
    ]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=240).stdout
    plain, reported = json.loads(out.splitlines()[-1])["rows"]
    assert 0 < plain["CPU s"]
    assert 0 < reported["wall s"] < 60
    assert 10 < plain["peak MB"] <= reported["peak MB"]


def test_the_filled_storage_is_what_optuna_would_have_written(tmp_path):
    import optuna

    sys.path.insert(0, str(BENCHMARKS))
    from check_time import fill

    from tunewise.integrations.readers import read_study

    fill(tmp_path / "o.db", 12, 5)
    theirs = optuna.load_study(study_name="stranger", storage=f"sqlite:///{tmp_path}/o.db").trials
    ours = read_study(tmp_path / "o.db")
    assert [r.params for r in ours] == [t.params for t in theirs]
    assert [r.values for r in ours] == [tuple(t.values) for t in theirs]
    assert [len(t.intermediate_values) for t in theirs] == [5] * 12
