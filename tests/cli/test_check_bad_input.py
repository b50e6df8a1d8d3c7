"""Every strange study gets a sentence and an exit code, and a report that can be opened; never a traceback, never silence."""

import csv
import json
import math

import numpy as np
import pytest

RNG = np.random.default_rng(0)


def table(n=30, **columns):
    rows = [{"params_x": float(x), "loss": float(x) + 0.1} for x in RNG.random(n)]
    return [{**row, **{name: f(i) for name, f in columns.items()}} for i, row in enumerate(rows)]


def curves(lengths):
    return [
        {"run": i, "step": s, "params_x": i / 40, "loss": 1 / (s + 1) + 0.01 * i}
        for i, n in enumerate(lengths)
        for s in range(n)
    ]


STUDIES = {
    "one trial": table(1),
    "two trials": table(2),
    "all infeasible": [{**row, "loss": math.nan} for row in table(30)],
    "all failed": [{**row, "status": "failed"} for row in table(30)],
    "all equal": [{**row, "loss": 0.5} for row in table(40)],
    "all equal params": [{**row, "params_x": 0.5} for row in table(40)],
    "categorical only": table(40, params_a=lambda i: "xyz"[i % 3], params_b=lambda i: i % 2 == 0),
    "only categorical": [
        {"params_a": "xyz"[i % 3], "params_b": i % 2 == 0, "loss": 0.1 * (i % 3) + 0.01 * (i % 7)} for i in range(40)
    ],
    "renamed": [{("params_lr" if i < 20 else "params_rate"): (i % 20 + 1) / 21, "loss": 1 / (i + 1)} for i in range(40)],
    "curves of different lengths": curves([1 + i % 17 for i in range(40)]),
    "curves of one point": curves([1] * 20 + [12] * 20),
    "infinite reports": [{**row, "loss": math.inf if row["step"] == 3 else row["loss"]} for row in curves([8] * 30)],
    "huge values": [{**row, "loss": row["loss"] * 1e100} for row in table(30)],
    "tiny values": [{**row, "loss": row["loss"] * 1e-100} for row in table(30)],
    "integers": [{"params_n": int(i % 7), "loss": int(i % 3)} for i in range(40)],
    "strange names": [{"params_a b/c::d": i / 40, "params_<b>ü</b>": float(i % 9), "loss": i % 5 + 0.5} for i in range(40)],
    "thousands of parameters": [
        {**{f"params_p{j}": float(RNG.random()) for j in range(1500)}, "loss": float(i)} for i in range(30)
    ],
    "a parameter that is mostly missing": [
        {"params_x": i / 40, **({"params_rare": i / 40} if i % 13 == 0 else {}), "loss": abs(i - 20) / 40} for i in range(40)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_strange_study_is_checked_and_reported(run, tmp_path, name, sampler):
    rows = [
        {k: {math.inf: "inf"}.get(v, v) if v == v else "nan" for k, v in row.items()} for row in STUDIES[name]
    ]
    names = list(dict.fromkeys(key for row in rows for key in row))
    with (tmp_path / "study.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    result = run("check", "study.csv", "--plots", "--sampler", sampler, "--report", "r.html")
    assert result.exit_code in (0, 1, 2), result.output[-2000:]
    assert "not applicable" in result.stdout  # the line that counts the findings
    assert len(result.stdout.splitlines()) < 120
    assert "<figure" in (tmp_path / "r.html").read_text(encoding="utf-8") or name in (
        "one trial",
        "all failed",
    )
    as_json = run("check", "study.csv", "--json", "--sampler", sampler)
    json.loads(as_json.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    for command in (
        ["trials", "study.csv"],
        ["trials", "study.csv", "--json"],
        ["export", "study.csv", "out.json"],
    ):
        assert run(*command).exit_code == 0
    best = run("best", "study.csv")
    assert best.exit_code in (0, 3)
    assert best.exit_code == 0 or "no complete trial" in best.stderr


def test_a_wrong_direction_is_no_silent_verdict(run, tmp_path):
    rows = [
        {"run": i, "step": s, "params_x": i / 40, "accuracy": 0.5 + 0.05 * s + 0.001 * i}
        for i in range(40)
        for s in range(6)
    ]
    (tmp_path / "study.json").write_text(json.dumps(rows))
    result = run("check", "study.json", "--direction", "minimize", "--no-report")
    assert result.exit_code == 1
    assert "is the direction right?" in result.stdout
    assert "worst trials are taken for the best" in result.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"SQLite format 3\x00" + b"\xff" * 5000, "not a usable SQLite file"),
        (b"%PDF-1.4 \xff\xfe", "neither text in UTF-8"),
        (b"", "is empty"),
        (b"just words\nand more\n", "Which column"),
        (b'{"op_code": 4, "study_id"', "holds no study yet"),
        (b'{"op_code": 99, "worker_id": "a"}\n{"op_code": 4}\n', "no operation of Optuna's journal"),
        (b"[1, 2", "no JSON"),
        (b"a,b\n1\n", "cut off"),
    ],
)
@pytest.mark.parametrize("command", ["check", "report", "trials", "best", "studies"])
def test_a_corrupt_or_foreign_file_is_a_sentence(run, tmp_path, content, said, command):
    (tmp_path / "file.bin").write_bytes(content)
    result = run(command, "file.bin")
    assert result.exit_code == (3 if command != "studies" or said not in ("holds no study yet",) else 0)
    if result.exit_code:
        assert said in result.stderr
        assert result.stderr.startswith("tunewise: ")
        assert result.stderr.count("\n") == 1
    assert (tmp_path / "file.bin").read_bytes() == content


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--space", "{"], "not valid JSON"),
        (["--space", '{"nope": "0..1"}'], "nope"),
        (["--rename", "x"], "no renaming"),
        (["--rename", "y=z"], "no parameter 'y'"),
        (["--params", "q*"], "no column 'q*'"),
        (["--metric", "q"], "no column 'q'"),
        (["--trial-column", "q"], "no column 'q'"),
        (["--curves", "nope.csv"], "nope.csv"),
        (["--diverged", "nan"], "finite"),
    ],
)
def test_an_option_that_fits_nothing_is_a_sentence(run, tmp_path, options, said):
    (tmp_path / "study.json").write_text(json.dumps(table(12)))
    result = run("check", "study.json", *options)
    assert result.exit_code == 3
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
