"""How long ``tunewise check`` takes on a stranger's Optuna study: wall and CPU seconds, peak memory, best of some runs.

    python benchmarks/check_time.py                      # 10,000 trials with 20 reports each
    python benchmarks/check_time.py --trials 100

Optuna makes the SQLite storage; the rows go in directly, as Optuna would write them, because it would take it long. That
studies which Optuna wrote itself are read alike is a matter of the tests.
"""

from __future__ import annotations

import argparse
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
from common import Cell, show
from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

DISTRIBUTIONS = {
    "lr": FloatDistribution(1e-5, 1e-1, log=True),
    "dropout": FloatDistribution(0.0, 0.5),
    "weight_decay": FloatDistribution(1e-6, 1e-2, log=True),
    "n_layers": IntDistribution(1, 6),
    "hidden": CategoricalDistribution([64, 128, 256, 512]),
    "optimizer": CategoricalDistribution(["adam", "sgd", "rmsprop"]),
}


def fill(path: Path, n: int, reports: int) -> None:
    """A storage with one study of ``n`` complete trials."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(study_name="stranger", storage=f"sqlite:///{path}", direction="minimize")
    del study
    rng = np.random.default_rng(0)
    u = rng.random((n, 4))
    kinds = rng.integers(0, (4, 3), (n, 2))
    value = (
        0.2
        + (u[:, 0] - 0.7) ** 2
        + 0.3 * (u[:, 1] - 0.2) ** 2
        - 0.02 * kinds[:, 0]
        + 0.01 * rng.standard_normal(n)
    )
    raw = np.column_stack(
        [10 ** (-5 + 4 * u[:, 0]), 0.5 * u[:, 1], 10 ** (-6 + 4 * u[:, 2]), 1 + np.floor(6 * u[:, 3]), kinds]
    )
    texts = [distribution_to_json(d) for d in DISTRIBUTIONS.values()]
    curve = np.exp(-np.arange(reports) / (reports / 5))
    numbers = range(1, n + 1)
    with sqlite3.connect(path) as base:
        base.executemany(
            "INSERT INTO trials (trial_id, number, study_id, state, datetime_start, datetime_complete) VALUES (?, ?, 1, "
            "'COMPLETE', '2026-01-01 00:00:00.000000', '2026-01-01 00:01:00.000000')", ((i, i - 1) for i in numbers),
        )  # fmt: skip
        base.executemany(
            "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')",
            ((i, float(value[i - 1])) for i in numbers),
        )
        base.executemany(
            "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
            (
                (i, name, float(x), text)
                for i in numbers
                for name, x, text in zip(DISTRIBUTIONS, raw[i - 1], texts, strict=True)
            ),
        )
        noise = 0.003 * rng.standard_normal((n, reports))
        base.executemany(
            "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) "
            "VALUES (?, ?, ?, 'FINITE')",
            (
                (i, s, float(value[i - 1] + curve[s] + noise[i - 1, s]))
                for i in numbers
                for s in range(reports)
            ),
        )
    base.close()


def seconds(command: list[str]) -> tuple[float, float, int]:
    """Wall and CPU seconds of a command, and the peak of its memory (or of an earlier one's) in megabytes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 2:
        sys.exit(done.stderr)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, spent, round(after.ru_maxrss / 1024)


def main() -> None:
    """Fill, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    rows: list[list[Cell]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optuna.db"
        fill(path, asked.trials, asked.reports)
        for what, options in (
            ("check", ["--no-report"]),
            ("check and report", ["--report", f"{folder}/r.html"]),
        ):
            command = [sys.executable, "-m", "tunewise", "check", str(path), *options]
            runs = [seconds(command) for _ in range(asked.repeats)]
            wall, cpu, peak = (min(figures) for figures in zip(*runs, strict=True))
            rows.append([what, round(wall, 2), round(cpu, 2), peak])
    columns = ("what", "wall s", "CPU s", "peak MB")
    show("check_time", columns, rows, trials=asked.trials, reports=asked.reports)


if __name__ == "__main__":
    main()
