"""What all benchmarks share: one thread, fair turns, a table for people and a JSON line for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("PYTHONWARNINGS", "ignore")  # for child processes
warnings.simplefilter("ignore")

Cell = str | float | int | None


def silence() -> None:
    """Let neither library print a line a trial."""
    import optuna

    import tunewise

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    tunewise.logging.set_verbosity(tunewise.logging.ERROR)


def in_turns(sides: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """The median figure of each side; the sides take turns, so that a busy machine disturbs all alike."""
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, run in sides.items():
            figures[name].append(run())
    return {name: statistics.median(values) for name, values in figures.items()}


def cpu_seconds(function: Callable[[], object]) -> float:
    """CPU seconds (all threads of this process) of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def wall_seconds(function: Callable[[], object]) -> float:
    """Seconds on the clock of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def show(benchmark: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], **settings: Cell) -> None:
    """Print the rows as a table, then everything as one JSON line."""
    cells = [list(columns), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    print(f"\n{benchmark}: " + ", ".join(f"{key} {value}" for key, value in settings.items()))
    for first, *rest in cells:
        print(
            "  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))])
        )
    record = {
        "benchmark": benchmark,
        "settings": settings,
        "rows": [dict(zip(columns, row, strict=True)) for row in rows],
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    print(json.dumps(record))
    sys.stdout.flush()


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
