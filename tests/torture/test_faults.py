"""A fault at every call on the store's files: before or after, never in between, and usable when it is gone."""

import shutil

import pytest
from faults import MODES, run
from stores import IS_FULL

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["sqlite", "directory"])
def test_a_fault_at_every_call(kind, mode):
    report = run(kind, mode, 1 if IS_FULL else 13)
    print(report)
    assert report["broken"] == []
    assert report["calls"] > 100
    assert report["interrupted"] >= (0 if mode == "short" else 2)
