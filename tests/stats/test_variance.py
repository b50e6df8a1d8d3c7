import numpy as np
import pytest

from tunewise.stats.variance import nested


def test_reml_is_the_analysis_of_variance_where_that_is_exact():
    rng = np.random.default_rng(0)
    y = 2 * rng.standard_normal((6, 1)) + rng.standard_normal((6, 4))
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum() / 18
    between = 4 * y.mean(axis=1).var(ddof=1)
    study, seed = nested(y.ravel(), [np.repeat(np.arange(6), 4)])
    assert seed.reml == pytest.approx(np.sqrt(within), rel=1e-3)
    assert study.reml == pytest.approx(np.sqrt((between - within) / 4), rel=1e-3)
    assert (study.df, seed.df) == (5, 18)
    assert study.low < study.sd < study.high


def test_what_was_not_replicated_is_none_never_zero():
    rng = np.random.default_rng(0)
    one_study = nested(rng.standard_normal(5), [np.zeros(5, int)])
    assert one_study[0] is None
    assert one_study[1] is not None
    no_seeds = nested(rng.standard_normal(5), [np.arange(5)])
    assert no_seeds[1] is None
    assert nested(np.array([1.0]), [np.array([0])]) == [None, None]


def test_three_levels_and_unequal_groups_are_recovered():
    rng = np.random.default_rng(0)
    split = np.repeat(np.arange(40), 12)
    study = np.repeat(np.arange(160), 3)
    y = rng.standard_normal(40)[split] + 2 * rng.standard_normal(160)[study] + 0.5 * rng.standard_normal(480)
    keep = rng.random(480) < 0.9
    found = nested(y[keep], [split[keep], study[keep]])
    assert [f.sd for f in found] == pytest.approx([1, 2, 0.5], rel=0.35)
    assert all(f.low <= truth <= f.high for f, truth in zip(found, (1, 2, 0.5), strict=True))


def test_labels_are_checked():
    with pytest.raises(ValueError, match="3 labels for 4"):
        nested(np.zeros(4), [np.zeros(3, int)])
    with pytest.raises(ValueError, match="not nested"):
        nested(np.zeros(4), [np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])])
