"""The same test with Optuna and with our coat of its names: what both pass is what scripts may rely on."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import optuna
import pytest

import tunewise.optuna


@pytest.fixture(autouse=True)
def verbosity(optunas_connections: None) -> Iterator[None]:
    before = tunewise.optuna.logging.get_verbosity()
    yield
    tunewise.optuna.logging.set_verbosity(before)


@pytest.fixture(params=[optuna, tunewise.optuna], ids=["optuna", "tunewise"])
def lib(request: pytest.FixtureRequest) -> ModuleType:
    library: ModuleType = request.param
    library.logging.set_verbosity(library.logging.ERROR)
    return library


@pytest.fixture
def study(lib):
    return lib.create_study(sampler=lib.samplers.RandomSampler(seed=0))
