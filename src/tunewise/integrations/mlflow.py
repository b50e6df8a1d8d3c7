"""Trials as MLflow runs: ``study.optimize(train, callbacks=[MLflowCallback("experiment")])``."""

from __future__ import annotations

import time
from typing import Any

from tunewise.errors import MissingExtra
from tunewise.integrations.tracking import told
from tunewise.records import FrozenTrial

try:
    from mlflow.entities import Metric, Param, RunTag
    from mlflow.tracking import MlflowClient
except ImportError:
    raise MissingExtra("mlflow", "mlflow", "Tracking with MLflow") from None

_MOST_METRICS, _MOST_PARAMS = 1000, 100  # what one request of MLflow may hold


class MLflowCallback:
    """Writes each finished trial as one run; nothing of MLflow's global state is touched.

    Args:
        experiment: its name; made where it is missing. By default the study's name.
        tracking_uri: by default MLflow's own (MLFLOW_TRACKING_URI).
    """

    def __init__(self, experiment: str | None = None, tracking_uri: str | None = None) -> None:
        self._experiment = experiment
        self._client = MlflowClient(tracking_uri)

    def __call__(self, study: Any, record: FrozenTrial) -> None:
        """Write one trial."""
        client, trial = self._client, told(study, record)
        run = client.create_run(
            self._place(study.name), int(record.started_at * 1000), tags=trial.tags, run_name=trial.name
        ).info.run_id
        params = [Param(name, str(value)) for name, value in trial.params.items()]
        now = int(time.time() * 1000)
        metrics = [Metric(_plain(m), v, now, step) for m, curve in trial.curves.items() for step, v in curve]
        metrics += [Metric(f"final.{_plain(name)}", value, now, 0) for name, value in trial.values.items()]
        for start in range(0, len(params), _MOST_PARAMS):
            client.log_batch(run, params=params[start : start + _MOST_PARAMS])
        for start in range(0, len(metrics), _MOST_METRICS):
            client.log_batch(run, metrics=metrics[start : start + _MOST_METRICS])
        if record.reason:
            client.log_batch(run, tags=[RunTag("tunewise.reason", record.reason[:500])])
        done = record.state.name == "COMPLETE"
        client.set_terminated(
            run, "FINISHED" if done else "KILLED" if record.state.name == "PRUNED" else "FAILED"
        )

    def _place(self, name: str) -> str:
        name = self._experiment or name
        known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id if known is not None else self._client.create_experiment(name))


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)
