"""A power cut after any call: what was acknowledged as durable is there, and the store goes on."""

import shutil

import pytest
from power import run
from stores import IS_FULL

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sqlite", "directory"])
def test_a_power_cut_at_every_moment(kind):
    report = run(kind, 1 if IS_FULL else 11)
    print(report)
    assert report["broken"] == []
    assert report["images"] > 40
    assert report["lost"] > 0, "nothing was lost: the images are not those of a power cut"
