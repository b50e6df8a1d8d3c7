"""What a fresh process pays: imports, the command's version, and the first trial in a new SQLite file.

Run: python benchmarks/import_time.py [--repeats 7]. All figures are medians over fresh processes, taken in turns.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from common import in_turns, show, wall_seconds

FIRST_TRIAL = """
import sys, {library} as library
study = library.create_study(study_name="s", storage="sqlite:///" + sys.argv[1])
study.optimize(lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 9), n_trials=1)
"""
VERSION = (
    "import sys; sys.argv = ['{library}', '--version']; from {library}.cli import main; sys.exit(main())"
)
COUNT = "import sys; before = len(sys.modules); import {library}; print(len(sys.modules) - before)"


def python(code: str, *arguments: str) -> str:
    """Run code in a new interpreter; what it printed."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def first_trial(library: str) -> None:
    """From nothing to one finished trial on disk."""
    with tempfile.TemporaryDirectory() as folder:
        python(FIRST_TRIAL.format(library=library), str(Path(folder) / "a.db"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    tasks = {
        "bare python": partial(python, "pass"),
        "import numpy": partial(python, "import numpy"),
        "import tunewise": partial(python, "import tunewise"),
        "import optuna": partial(python, "import optuna"),
        "tunewise, create_study": partial(python, "from tunewise import create_study"),
        "optuna, create_study": partial(python, "from optuna import create_study"),
        "tunewise --version": partial(python, VERSION.format(library="tunewise")),
        "optuna --version": partial(python, VERSION.format(library="optuna")),
        "tunewise, first SQLite trial": partial(first_trial, "tunewise"),
        "optuna, first SQLite trial": partial(first_trial, "optuna"),
    }
    medians = in_turns({name: partial(wall_seconds, task) for name, task in tasks.items()}, repeats)
    modules = {
        f"import {name}": int(python(COUNT.format(library=name))) for name in ("numpy", "tunewise", "optuna")
    }
    rows = [(name, 1000 * seconds, modules.get(name)) for name, seconds in medians.items()]
    show("import_time", ["process", "ms", "modules"], rows, repeats=repeats)


if __name__ == "__main__":
    main()
