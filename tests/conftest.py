"""What all tests share: one thread, a clean environment, a folder of their own, and deterministic examples."""

import os

import pytest
from hypothesis import HealthCheck, settings

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

_SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
settings.register_profile("ci", derandomize=True, database=None, **_SHARED)
settings.register_profile("explore", max_examples=1000, **_SHARED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def quiet():
    """Studies say nothing, and the verbosity is what it was afterwards."""
    import tunewise

    before = tunewise.logging.get_verbosity()
    tunewise.logging.set_verbosity(60)
    yield
    tunewise.logging.set_verbosity(before)


@pytest.fixture(autouse=True)
def own_place(tmp_path, monkeypatch):
    """A test starts in an empty folder and sees none of the user's settings."""
    for variable in list(os.environ):
        if variable.startswith("TUNEWISE_") and variable != "TUNEWISE_DATA":
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def optunas_connections():
    """Optuna leaves the connections of a storage to the garbage collector, of which Python 3.13 complains; they are closed."""
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    made = []

    def keep(connection, _record):
        made.append(connection)

    event.listen(Pool, "connect", keep)
    yield
    event.remove(Pool, "connect", keep)
    for connection in made:
        if getattr(connection, "open", True):  # PyMySQL's are not to be closed twice
            connection.close()
