"""Optuna's storage on a real PostgreSQL and a real MariaDB, read by its URL."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

from tunewise.errors import StudyNotFound
from tunewise.integrations.readers import read_study

_spec = importlib.util.spec_from_file_location(
    "tunewise_servers", Path(__file__).resolve().parents[3] / "tools" / "servers.py"
)
servers = sys.modules.setdefault("tunewise_servers", importlib.util.module_from_spec(_spec))
if not hasattr(servers, "start"):
    _spec.loader.exec_module(servers)


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def server(request):
    if not servers.is_installed(request.param):
        pytest.skip(f"{request.param} is not installed (tools/install_servers.sh installs it)")
    started = servers.start(request.param)
    yield started
    started.stop()


def objective(trial):
    lr = trial.suggest_float("lr", 1e-5, 1.0, log=True)
    kind = trial.suggest_categorical("kind", ["a", None, 3])
    for step in range(3):
        trial.report(lr + step + (kind == "a"), step)
    if trial.number == 4:
        raise optuna.TrialPruned
    return math.inf if trial.number == 5 else lr


@pytest.mark.usefixtures("optunas_connections")
def test_a_study_on_a_server_is_read_as_optuna_says_it_is(server):
    url = server.url.replace("postgresql://", "postgresql+psycopg://").replace(
        "mariadb://", "mysql+pymysql://"
    )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(url)
    sampler = optuna.samplers.RandomSampler(seed=0)
    theirs = optuna.create_study(storage=storage, study_name="on a server", sampler=sampler)
    theirs.optimize(objective, 12)
    ours = read_study(f"{server.url}::on a server")
    assert len(ours) == 12
    assert [r.params for r in ours] == [t.params for t in theirs.trials]
    assert [r.values for r in ours][:4] == [tuple(t.values) for t in theirs.trials][:4]
    assert [r.state.name for r in ours][4:6] == ["PRUNED", "INFEASIBLE"]
    step, value = ours.curves().of(2)
    assert dict(zip(step.tolist(), value.tolist(), strict=True)) == theirs.trials[2].intermediate_values
    assert np.isfinite(ours.started_at).all()
    with pytest.raises(StudyNotFound, match="did you mean 'on a server'"):
        read_study(url, "on a servr")
    storage.remove_session()
    storage.engine.dispose()
