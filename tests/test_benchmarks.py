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
        (
            "fronts",
            [
                *("--trials", "20", "--seeds", "1", "--problems", "bnh"),
                *("--samplers", "tunewise nsga2", "optuna nsga2"),
            ],
        ),
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


def test_make_bench_and_the_documentation_leave_no_script_out():
    """Three need data or a GPU, and are run by hand."""
    scripts = {path.stem for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text()}
    listed = (BENCHMARKS.parent / "docs" / "benchmarks.md").read_text()
    made = (BENCHMARKS.parent / "Makefile").read_text().partition("\nbench:")[2].partition("\n\n")[0]
    assert all(f"`{script}.py`" in listed for script in scripts)
    assert {script for script in scripts if script not in made} == {"article_study", "decisions"}


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


def records_of(script, *options):
    """The JSON lines that a benchmark prints, by its parts' names."""
    command = [sys.executable, BENCHMARKS / f"{script}.py", *options]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=240).stdout
    records = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {record["benchmark"]: record for record in records}


def test_many_processes_get_through_a_storage():
    """A quarter of what is wanted, as the machine may be busy: 10 and 100 times Optuna's rate, 1 ms a report."""
    (record,) = records_of("storage", "sqlite", "--seconds", "0.5", "--repeats", "1").values()
    assert record["settings"]["errors"] == 0
    synced, relaxed, equal, report = record["rows"]
    assert synced["ratio"] > 2.5
    assert relaxed["ratio"] > 25
    assert equal["ratio"] > 2.5
    assert report["tunewise"] < 4


def test_scale():
    """Twenty workers instead of a thousand, two thousand trials instead of a million."""
    small = ["--workers", "20", "--stored", "2000", "--million", "2000", "--asks", "2", "--repeats", "1"]
    records = records_of("scale", *small, "--servers", "http")
    (server,) = records["scale/workers"]["rows"]
    assert (server["complete"], server["trials"], server["errors"], server["too late"]) == (60, 60, 0, 0)
    assert server["requests a trial"] < 8
    assert max(row["CPU s"] for row in records["scale/opening"]["rows"]) < 2
    assert records["scale/million"]["settings"]["megabytes"] < 400
    assert max(row["median ms"] for row in records["scale/million"]["rows"]) < 200


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


@pytest.mark.usefixtures("optunas_connections")
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


def test_the_share_of_trials_is_one_beside_oneself_and_turns_round():
    sys.path.insert(0, str(BENCHMARKS))
    from judge import log_efficiency

    rng = np.random.default_rng(0)
    many = [{i: np.minimum.accumulate(rng.random(60)) for i in range(3)} for _ in range(60)]
    assert log_efficiency(many[0], many[0], 60) == 0
    assert log_efficiency(many[0], many[1], 60) == -log_efficiency(many[1], many[0], 60)
    beside = [log_efficiency(a, b, 60) for a, b in zip(many[::2], many[1::2], strict=True)]
    assert abs(np.mean(beside)) < 3 * np.std(beside) / len(beside) ** 0.5
    slow = {i: np.repeat(curve, 2) for i, curve in many[0].items()}
    fast = {i: np.append(curve, np.full(60, curve[-1])) for i, curve in many[0].items()}
    assert log_efficiency(fast, slow, 120) == pytest.approx(np.log(0.5), abs=0.1)


def test_the_points_of_a_front_cover_its_volume_and_others_less():
    sys.path.insert(0, str(BENCHMARKS))
    from fronts import PROBLEMS, volume

    assert len(PROBLEMS) == 4
    for make in PROBLEMS.values():
        problem = make()
        whole = volume(problem, problem.front)
        assert 0.0 < volume(problem, problem.front + 0.05) < whole
        assert volume(problem, problem.front[::2]) <= whole
        assert volume(problem, problem.front[:0]) == 0.0
