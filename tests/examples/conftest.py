"""Run an example as its reader would: in a process of its own, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run_example(tmp_path):
    """A function (name, *arguments, extra_path, launcher) -> what the example printed; it fails when the example fails.

    ``launcher`` is a module that starts it, with its arguments.
    """

    def run(
        name: str,
        *arguments: object,
        extra_path: Path | None = None,
        launcher: tuple[str, ...] = (),
        **environment: str,
    ) -> str:
        paths = [str(ROOT / "src"), *([str(extra_path)] if extra_path else [])]
        start = [sys.executable, *(["-m", *launcher] if launcher else [])]
        done = subprocess.run(
            [*start, str(ROOT / "examples" / name), *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data sets: TUNEWISE_DATA, or ``../shared/data`` beside the repository."""
    folder = Path(os.environ.get("TUNEWISE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the data folder {folder} is absent; set TUNEWISE_DATA")
    return folder
