"""The quick benchmarks run at a small size and end in one JSON line with a figure for each library."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
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


def test_the_stages_for_a_gpu_run_at_a_tiny_size_and_one_that_fails_stops_no_other(tmp_path):
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        x, y = rng.integers(0, 256, (300, 32, 32, 3), dtype=np.uint8), np.arange(300) % 10
        np.savez(tmp_path / f"{part}.npz", x=x, y=y)
    command = [sys.executable, BENCHMARKS / "gpu", "--data", tmp_path, "--out", tmp_path, "--small"]
    (tmp_path / "broken").write_text("no script is here")
    options = ["--stages", "script,search,best", "--script", tmp_path / "broken"]
    subprocess.run([*command, *options], check=True, capture_output=True, text=True, timeout=120)
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    ended = {line["stage"]: line["ended"] for line in lines if "ended" in line}
    assert ended == {"script": "failed (1)", "search": "ok", "best": "ok"}
    (found,) = [line for line in lines if line.get("trials") == 4]
    assert set(found["median"]) == {"tunewise", "optuna"}
    assert 0.1 <= found["median"]["tunewise"] <= 1.0
