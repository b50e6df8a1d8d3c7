"""Batch sizes that pay, against planted step times t(b) = a + c b."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.stats.throughput import doublings, saturation, timing, waiting


def scan(rng, fixed, each, noise=0.02):
    return {
        b: timing((fixed + each * b) * (1 + noise * rng.standard_normal(60)))
        for b in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    }


def test_v23_saturation_is_within_one_doubling():
    rng = np.random.default_rng(0)
    for _ in range(100):
        at = 2 ** int(rng.integers(2, 8))
        fixed, each = at * 1e-4, 1e-4
        rate = {b: b / (fixed + each * b) for b in 2 ** np.arange(11)}
        truth = min(b for b, r in rate.items() if r >= 0.95 * max(rate.values()))
        found = saturation(scan(rng, fixed, each))
        assert truth / 2 <= found <= truth * 2


def test_doublings_have_words():
    words = {d.batch_size: d.word for d in doublings(scan(np.random.default_rng(1), 6.4e-3, 1e-4))}
    assert words[1] == "near-linear"
    assert words[64] == "sub-linear"
    flat = {d.batch_size: d.word for d in doublings(scan(np.random.default_rng(1), 0.0, 1e-4))}
    assert set(flat.values()) == {"flat"}


@given(scale=st.floats(1e-6, 1e3))
def test_the_unit_of_time_does_not_matter(scale):
    seconds = np.random.default_rng(2).lognormal(0, 0.1, 30)
    assert timing(seconds * scale).seconds == pytest.approx(scale * timing(seconds).seconds)


def test_the_interval_of_a_median_covers():
    rng = np.random.default_rng(3)
    inside = [t.low <= 1.0 <= t.high for t in (timing(rng.lognormal(0, 0.3, 30)) for _ in range(400))]
    assert np.mean(inside) >= 0.93


def test_v23_waiting_for_input_is_seen_and_not_imagined():
    rng = np.random.default_rng(4)
    bound = [waiting(rng.normal(1.3, 0.1, 30), rng.normal(1, 0.1, 30), rng).low > 1.1 for _ in range(50)]
    free = [waiting(rng.normal(1.0, 0.1, 30), rng.normal(1, 0.1, 30), rng).low > 1.1 for _ in range(200)]
    assert np.mean(bound) == 1.0
    assert np.mean(free) <= 0.02
