"""The torture tests share modules that lie beside them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def own_state(quiet, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWISE_STATE", str(tmp_path / "state"))
