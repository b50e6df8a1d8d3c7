import pytest

import tunewise as tw


@pytest.fixture
def quiet():
    before = tw.logging.get_verbosity()
    tw.logging.set_verbosity(60)
    yield
    tw.logging.set_verbosity(before)


@pytest.fixture
def study(tmp_path):
    """A study that other processes can open."""
    return tw.create_study("s", tmp_path / "s.db", sampler="random", seed=1)
