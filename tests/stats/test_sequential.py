import numpy as np
import pytest
from scipy.stats import ttest_ind

from tunewise.stats.sequential import nominal_levels, operating


def test_the_levels_keep_the_total_error():
    levels = nominal_levels((3, 5, 8))
    rng = np.random.default_rng(1)
    rejected = np.zeros(3000, dtype=bool)
    runs = rng.standard_normal((3000, 2, 8))
    for n, level in zip((3, 5, 8), levels, strict=True):
        p = ttest_ind(runs[:, 0, :n], runs[:, 1, :n], axis=1, alternative="greater").pvalue
        rejected |= p < level
    assert rejected.mean() == pytest.approx(0.05, abs=0.012)


def test_known_designs():
    assert nominal_levels((3, 5, 8, 12))[0] == pytest.approx(0.0177, abs=0.001)
    late = nominal_levels((3, 5, 8, 12), shape="obrien-fleming")
    assert late == pytest.approx((0.0003, 0.0036, 0.0167, 0.0412), abs=0.003)
    assert nominal_levels((8,)) == pytest.approx((0.05,), abs=0.003)


def test_operating_characteristics_follow_the_truth():
    at = [operating((3, 5, 8), [0.8], 0.2, d, 0.5, 20.0) for d in (0.0, 1.0, 2.0)]
    assert at[0].adopt < at[1].adopt < at[2].adopt
    assert at[0].keep > at[1].keep > at[2].keep
    assert at[2].runs < 4
    assert all(3 <= o.runs <= 8 for o in at)


@pytest.mark.parametrize("looks", [(), (1, 3), (5, 3), (3, 3)])
def test_looks_must_increase(looks):
    with pytest.raises(ValueError, match="looks is"):
        nominal_levels(looks)
    with pytest.raises(ValueError, match="shape is"):
        nominal_levels((3, 5), shape="square")
