"""Other programs of the project, run on the device as they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def decisions(env: Any) -> None:
    """V30: `benchmarks/decisions.py` on CIFAR-10, the truth by 50 seeds."""
    size = (
        ["--steps", "8", "--gold", "3", "--limit", "300"] if env.small else ["--steps", "400", "--gold", "50"]
    )
    command = [
        str(ROOT / "benchmarks/decisions.py"),
        "--data",
        str(env.args.data.resolve()),
        "--together",
        "25",
    ]
    for line in _lines(env, [*command, *size], ROOT):
        if not line.startswith("  "):  # all but the middle of a traceback
            env.say(said=line[:400])


def tests(env: Any) -> None:
    """The tests of `tunewise.torch`, on whatever devices there are."""
    jobs = [] if env.small else ["-n", "12"]
    files = ["tests/torch/test_replay.py"] if env.small else ["tests/torch"]
    for line in _lines(env, ["-m", "pytest", "-q", *jobs, "-p", "no:cacheprovider", *files], ROOT):
        if re.search(r"passed|failed|FAILED|ERROR|^E  ", line):
            env.say(said=line[:300])


def _lines(env: Any, arguments: list[str], folder: Path) -> Any:
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        yield line.rstrip()
    if process.wait():
        env.say(exit_code=process.returncode)
