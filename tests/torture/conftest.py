"""The torture tests share modules that lie beside them."""

import sys
from pathlib import Path

import pytest

import tunewise as tw

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def quiet(tmp_path, monkeypatch):
    before = tw.logging.get_verbosity()
    tw.logging.set_verbosity(60)
    monkeypatch.setenv("TUNEWISE_STATE", str(tmp_path / "state"))
    yield
    tw.logging.set_verbosity(before)
