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
