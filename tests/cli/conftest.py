"""A storage with a small study, and the command line run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tunewise.cli import main
from tunewise.records import TrialState
from tunewise.run.log import ERROR, get_verbosity, set_verbosity
from tunewise.study import create_study

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = get_verbosity()
    set_verbosity(ERROR)
    yield
    set_verbosity(before)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """``run("best", "runs.db::digits")`` in an empty folder that holds ``runs.db``; gives click's `Result`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNEWISE_STORAGE", raising=False)
    return lambda *args: CliRunner().invoke(main, args)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """``runs.db`` with the study "digits": 0 complete (0.5), 1 complete (0.25), 2 pruned, 3 failed, 4 running."""
    path = tmp_path / "runs.db"
    study = create_study("digits", path, goals={"val_error": "minimize"}, sampler="random", seed=1)
    for value in (0.5, 0.25):
        trial = study.ask()
        trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        trial.suggest_categorical("act", ["relu", "gelu"])
        trial.report({"val_error": 1.0, "train_loss": float("nan")}, 0)
        trial.report({"val_error": value}, 1)
        trial.set_user_attr("seeds", [1, 2])
        study.tell(trial, value)
    study.tell(study.ask(), state=TrialState.PRUNED)
    study.tell(study.ask(), state=TrialState.FAILED, reason="out of memory")
    study.ask().suggest_int("layers", 1, 3)
    return path
