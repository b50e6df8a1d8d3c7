import pytest

import tunewise as tw


@pytest.fixture
def study(tmp_path):
    """A study that other processes can open."""
    return tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1)
