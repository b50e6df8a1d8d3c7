import numpy as np
import pytest

from tunewise.stats.spikes import clip_threshold, clipped_share, loss_rise, spikes


def test_spikes_are_seen_through_drift_and_noise():
    rng = np.random.default_rng(0)
    norm = np.exp(-np.linspace(0, 3, 1000) + 0.2 * rng.standard_normal(1000))
    assert not spikes(norm).any()
    norm[[100, 500, 900]] *= 12
    norm[300] = np.inf
    norm[301] = np.nan
    assert np.flatnonzero(spikes(norm)).tolist() == [100, 300, 301, 500, 900]
    assert spikes(np.array([1.0, np.nan])).tolist() == [False, True]
    assert not spikes(np.ones(50)).any()


def test_lasting_rises_are_harmful_and_noise_is_not():
    t = np.arange(1000)
    loss = 2 * np.exp(-t / 200) + 0.05 * np.random.default_rng(0).standard_normal(1000)
    assert not loss_rise(loss).harmful
    blown = loss.copy()
    blown[400:] += np.exp(-np.arange(600) / 100)
    found = loss_rise(blown)
    assert found.harmful
    assert 400 <= found.at < 450
    assert loss_rise(np.r_[loss, np.nan]).harmful
    assert not loss_rise(loss[:5]).harmful


def test_the_clip_threshold_is_a_quantile_that_notices_drift():
    rng = np.random.default_rng(0)
    norm = rng.random(5000)
    found = clip_threshold(norm)
    assert found.threshold == pytest.approx(0.9, abs=0.02)
    assert found.low < 0.9 < found.high
    assert clip_threshold(norm * np.linspace(1, 5, 5000)).drifts
    with pytest.raises(ValueError, match="too few"):
        clip_threshold(norm[:10])


def test_clipping_more_than_half_is_too_much():
    norm = np.arange(1.0, 101)
    assert clipped_share(norm, 49.0).too_much
    assert not clipped_share(norm, 50.0).too_much
    found = clipped_share(np.full(10, 4.0), 1.0)
    assert (found.share, found.factor) == (1, 0.25)
    assert found.low < 1
