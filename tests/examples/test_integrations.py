"""Every example of another package runs to its end, and says what it found."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "examples" / "integrations"
FOUND = r"(\d+) trials.*; the best has an error of 0\.\d+"


def test_lightning(run_example):
    assert re.search(FOUND, run_example("integrations/lightning_trainer.py", "--trials", 2)).group(1) == "2"


def test_transformers(run_example):
    printed = run_example("integrations/transformers_trainer.py", "--trials", 2)
    assert re.search(r"the Trainer's own search: loss 0\.\d+ with \{'learning_rate'", printed)
    assert re.search(r"a loop of one's own: loss 0\.\d+ with \{'lr'", printed)


def test_ddp(run_example):
    printed = run_example(
        "integrations/ddp.py", "--trials", 2, launcher=("torch.distributed.run", "--nproc-per-node", "2")
    )
    assert len(re.findall(FOUND, printed)) == 1  # rank 0 alone speaks


def test_fabric(run_example):
    assert len(re.findall(FOUND, run_example("integrations/fabric.py", "--trials", 2))) == 1


def test_skorch(run_example):
    printed = run_example("integrations/skorch_search.py", "--trials", 2)
    assert float(re.search(r"accuracy on held-out images ([\d.]+)", printed).group(1)) > 0.5


@pytest.mark.parametrize(
    ("tracker", "left"),
    [
        ("mlflow", "mlflow.db"),
        ("wandb", "wandb/offline-run-*"),
        ("tensorboard", "tensorboard/digits/*/events.*"),
    ],
)
def test_trackers(tracker, left, run_example, tmp_path):
    printed = run_example(
        "integrations/trackers.py", tracker, "--trials", 2, "--out", tmp_path / "runs", WANDB_SILENT="true"
    )
    assert re.search(FOUND, printed)
    assert list((tmp_path / "runs").glob(left))


def test_hydra(run_example, tmp_path):
    run_example(
        "integrations/hydra_app/app.py", "-m", "hydra/sweeper=tunewise", "hydra.sweeper.n_trials=2", "epochs=1",
        "lr=tag(log,interval(1e-4,1e-1))", "width=choice(32,64)", f"hydra.sweep.dir={tmp_path}/sweep",
    )  # fmt: skip
    assert "best_value" in (tmp_path / "sweep" / "optimization_results.yaml").read_text()


def test_timm(run_example):
    able = subprocess.run([sys.executable, "-c", "import timm"], capture_output=True, text=True, check=False)
    if able.returncode:
        pytest.skip(f"timm cannot be imported: {(able.stderr.splitlines() or [''])[-1]}")
    assert re.search(FOUND, run_example("integrations/timm_model.py", "--trials", 1, "--steps", 6))


def test_each_is_named_in_the_documentation():
    text = (HERE.parents[1] / "docs" / "integrations.md").read_text(encoding="utf-8")
    for path in HERE.rglob("*.py"):
        assert f"examples/integrations/{path.relative_to(HERE)}" in text or path.name in text
