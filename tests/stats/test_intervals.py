import numpy as np
import pytest

from tunewise.stats.intervals import binomial_tail, jeffreys, sd_interval, wilson


def test_intervals_cover():
    rng = np.random.default_rng(0)
    for interval in (jeffreys, wilson):
        held = [
            low <= 0.3 <= high for low, high in (interval(int(k), 20) for k in rng.binomial(20, 0.3, 600))
        ]
        assert 0.86 <= np.mean(held) <= 0.96
    sds = rng.standard_normal((600, 5)).std(axis=1, ddof=1)
    assert 0.86 <= np.mean([low <= 1 <= high for low, high in (sd_interval(s, 4) for s in sds)]) <= 0.94


def test_ends_are_ends():
    for interval in (jeffreys, wilson):
        assert interval(0, 0) == (0, 1)
        assert interval(0, 10)[0] == pytest.approx(0, abs=1e-12)
        assert interval(10, 10)[1] == pytest.approx(1, abs=1e-12)
    assert jeffreys(0, 5, 0.95)[1] == pytest.approx(0.38, abs=0.03)


def test_tails_at_the_ends():
    assert binomial_tail(0, 5, 0.2) == pytest.approx(1)
    assert binomial_tail(5, 5, 0.2) == pytest.approx(0.2**5)
