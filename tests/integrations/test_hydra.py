"""A Hydra application is swept from its command line, and goes on where it stopped."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tunewise as tw
from tunewise.errors import SpaceError
from tunewise.integrations.hydra import split_overrides

APP = """
import hydra
from omegaconf import DictConfig

@hydra.main(version_base=None, config_path=".", config_name="config")
def main(cfg: DictConfig) -> float:
    if cfg.width == 64 and cfg.breaks:
        raise ValueError("too wide")
    return (cfg.lr - 0.01) ** 2 + cfg.width / 1000

main()
"""


def sweep(folder, *arguments):
    (folder / "app.py").write_text(APP)
    (folder / "config.yaml").write_text("lr: 0.1\nwidth: 32\nbreaks: false\n")
    return subprocess.run(
        [sys.executable, "app.py", "-m", "hydra/sweeper=tunewise", "hydra.sweeper.sampler=random",
         "hydra.sweeper.seed=0", *arguments, "lr=tag(log,interval(1e-4,1e-1))", "width=choice(32,64)"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(tw.__file__).parents[1])},
    )  # fmt: skip


def test_a_sweep_and_its_continuation(tmp_path):
    storage = f"hydra.sweeper.storage=sqlite:///{tmp_path}/runs.db"
    for n in (3, 5):
        done = sweep(tmp_path, storage, f"hydra.sweeper.n_trials={n}", "hydra.sweeper.n_jobs=2")
        assert done.returncode == 0, done.stderr
        study = tw.load_study("app", f"sqlite:///{tmp_path}/runs.db")
        assert len(study.trials) == n
    assert {t.params["width"] for t in study.trials} <= {32, 64}
    assert all(
        t.value == pytest.approx((t.params["lr"] - 0.01) ** 2 + t.params["width"] / 1000)
        for t in study.trials
    )
    assert list(tmp_path.glob("multirun/**/optimization_results.yaml"))


def test_failures_are_counted(tmp_path):
    many = "hydra.sweeper.n_trials=6"
    assert sweep(tmp_path, many, "breaks=true").returncode != 0
    storage = f"hydra.sweeper.storage=sqlite:///{tmp_path}/runs.db"
    done = sweep(tmp_path, many, "breaks=true", "hydra.sweeper.max_failure_rate=1.0", storage)
    assert done.returncode == 0, done.stderr
    states = {t.state.name for t in tw.load_study("app", f"sqlite:///{tmp_path}/runs.db").trials}
    assert states == {"COMPLETE", "FAILED"}


def test_overrides_become_domains():
    space, fixed = split_overrides(
        ["a=interval(0,1.5)", "b=tag(log,int,interval(1,64))", "c=choice(x,y)", "d=range(2,9,3)", "e=5"]
    )
    assert dict(space) == {
        "a": tw.Float(0.0, 1.5), "b": tw.Int(1, 64, True), "c": tw.Categorical(("x", "y")), "d": tw.Int(2, 8, step=3),
    }  # fmt: skip
    assert fixed == ["e=5"]
    with pytest.raises(SpaceError, match="no range"):
        split_overrides(["a=glob(*)"])
