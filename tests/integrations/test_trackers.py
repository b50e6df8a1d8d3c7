"""What the trackers hold afterwards is what the study holds; read back from their own files."""

import json
import sys
from types import ModuleType

import pytest


def test_mlflow(run_study, tmp_path, monkeypatch):
    from mlflow.tracking import MlflowClient

    from tunewise.integrations.mlflow import MLflowCallback

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "mlruns").as_uri()
    study = run_study(MLflowCallback(tracking_uri=uri))
    client = MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name("tracked").experiment_id])
    assert len(runs) == 3
    for run in runs:
        record = study.trials[int(run.data.tags["tunewise.trial"])]
        assert float(run.data.params["x"]) == record.params["x"]
        assert run.info.status == {"COMPLETE": "FINISHED", "PRUNED": "KILLED"}.get(
            record.state.name, "FAILED"
        )
        curve = {m.step: m.value for m in client.get_metric_history(run.info.run_id, "loss")}
        assert curve == pytest.approx(dict(record.curves["loss"]))
        if record.value is not None:
            assert run.data.metrics["final.loss"] == record.value


def test_tensorboard(run_study, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from tunewise.integrations.tensorboard import TensorBoardCallback

    study = run_study(TensorBoardCallback(tmp_path))
    for record in study.trials:
        events = EventAccumulator(str(tmp_path / "tracked" / str(record.number)))
        events.Reload()
        curve = {e.step: e.value for e in events.Scalars("loss")}
        assert curve == pytest.approx(dict(record.curves["loss"]), rel=1e-6)
        assert "_hparams_/session_start_info" in events.summary_metadata


def test_wandb_offline(run_study, tmp_path, monkeypatch):
    from tunewise.integrations.wandb import WandbCallback

    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    run_study(WandbCallback("p", mode="offline"))
    assert len(list(tmp_path.glob("wandb/offline-run-*/*.wandb"))) == 3


def test_aim_is_spoken_to_as_documented(run_study, monkeypatch):
    """Aim needs no second PyTorch but is large; its interface is played by a stand-in here."""
    made = []

    class Run(dict):
        def __init__(self, **settings):
            super().__init__()
            self.settings, self.tracked, self.closed = settings, [], False
            made.append(self)

        def track(self, value, name, step):
            self.tracked.append((name, step, value))

        def close(self):
            self.closed = True

    fake = ModuleType("aim")
    fake.Run = Run
    monkeypatch.setitem(sys.modules, "aim", fake)
    monkeypatch.delitem(sys.modules, "tunewise.integrations.aim", raising=False)
    from tunewise.integrations.aim import AimCallback

    study = run_study(AimCallback(repo="here"))
    assert [run["hparams"] for run in made] == [dict(t.params) for t in study.trials]
    assert all(run.closed and run.settings["experiment"] == "tracked" for run in made)
    assert ("loss", 1, study.trials[0].curves["loss"][1]) in made[0].tracked
    json.dumps([dict(run) for run in made])


@pytest.mark.parametrize("package", ["mlflow", "wandb", "tensorboard", "aim"])
def test_a_missing_package_is_named(package, monkeypatch):
    import importlib

    from tunewise.errors import MissingExtra

    hidden = {"mlflow": "mlflow.entities", "tensorboard": "torch.utils.tensorboard"}.get(package, package)
    monkeypatch.setitem(sys.modules, hidden, None)
    monkeypatch.delitem(sys.modules, f"tunewise.integrations.{package}", raising=False)
    with pytest.raises(MissingExtra, match=rf"tunewise\[{package}\]"):
        importlib.import_module(f"tunewise.integrations.{package}")
