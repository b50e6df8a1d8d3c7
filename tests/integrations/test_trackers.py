"""What the trackers hold afterwards is what the study holds; read back from their own files."""

import sys

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


@pytest.mark.parametrize("package", ["mlflow", "wandb", "tensorboard"])
def test_a_missing_package_is_named(package, monkeypatch):
    import importlib

    from tunewise.errors import MissingExtra

    hidden = {"mlflow": "mlflow.entities", "tensorboard": "torch.utils.tensorboard"}.get(package, package)
    monkeypatch.setitem(sys.modules, hidden, None)
    monkeypatch.delitem(sys.modules, f"tunewise.integrations.{package}", raising=False)
    with pytest.raises(MissingExtra, match=rf"tunewise\[{package}\]"):
        importlib.import_module(f"tunewise.integrations.{package}")
