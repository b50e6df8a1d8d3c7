"""What was run more than once is found by the names of its studies."""

import numpy as np
import pytest

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.playbook.adopt import RIGHT
from tunewise.project.repeats import data_variance, pairs, repeated_searches, replicates
from tunewise.stats.examples import packed

pytestmark = pytest.mark.usefixtures("quiet")


def study(*values, seeds=None):
    """A study whose runs gave these values on these seeds; None for one that gave nothing."""
    made = tw.create_study(sampler="random")
    for value, seed in zip(values, seeds or range(len(values)), strict=True):
        made.enqueue_trial({"x": 0.5}, {"seed": seed})
        made.optimize(
            lambda trial, v=value: trial.suggest_float("x", 0, 1) * 0 + (np.nan if v is None else v), 1
        )
    return made


def test_configurations_on_several_seeds_are_replicates_and_single_runs_are_none():
    found = replicates(
        {
            "noise": study(1, None, 3),
            "noise 0a": study(4),
            "adopt 1 candidate": study(5, 6),
            "round": study(7, 8),
        }
    )
    assert [list(v[np.isfinite(v)]) for v in found] == [[1, 3], [5, 6]]


def test_pairs_are_losses_on_common_seeds_of_decisions_with_both_arms():
    studies = {
        "adopt 1 candidate": study(1, 2, 3, seeds=[7, 8, 9]), "adopt 1 baseline": study(4, 5, seeds=[8, 9]),
        "adopt 2 candidate": study(6, 7),
    }  # fmt: skip
    (found,) = pairs(studies, 2, sign=-1.0)
    assert [list(arm) for arm in found] == [[-2, -3], [-4, -5]]


def test_repeated_searches_need_two_with_values():
    one = {"repeat 1 best": study(1, 2), "repeat 1": study(9, 9)}
    assert repeated_searches(one, 1.0) is None
    assert repeated_searches({}, 1.0) is None
    found = repeated_searches({**one, "repeat 2 best": study(3, None)}, -1.0)
    assert list(found.values) == [-1, -2, -3]
    assert list(found.study) == [1, 1, 2]


def kept(name, right, of=float):
    """A study whose runs say which examples (N, n) they got right; their value is ``of`` that share."""
    made = tw.create_study(name, sampler="random")
    for row in right:
        made.enqueue_trial({"x": 0.5}, {RIGHT: packed(row)})
        value = of(row.mean())
        made.optimize(lambda trial, v=value: trial.suggest_float("x", 0, 1) * 0 + v, 1)
    return made


def test_single_examples_say_what_the_validation_set_adds():
    rng = np.random.default_rng(0)
    right = rng.random((4, 3, 500)) < 0.8
    error = [
        kept(f"p/adopt 2 {arm}", r, lambda a: 1 - a)
        for arm, r in zip(("candidate", "baseline"), right, strict=False)
    ]
    studies = {
        "noise": kept("p/noise", np.concatenate(right[2:])),
        "adopt 2 candidate": error[0],
        "adopt 2 baseline": error[1],
    }
    share, arms = data_variance(studies, 2, min_effect=1e-4)
    assert (share.code, share.data_used) == ("P52", "6 runs on 500 examples")
    assert arms.code == "P53"
    assert arms.effect == pytest.approx(right[0].mean() - right[1].mean())
    assert arms.verdict == Verdict.UNSURE
    assert [f.code for f in data_variance(studies, 1, 0.0)] == ["P52"]
    other_unit = {**studies, "adopt 2 candidate": kept("p/adopt 2 candidate", right[0], lambda a: 3 * a)}
    assert data_variance(other_unit, 2, 1e-4)[1].threshold is None


def test_without_single_examples_it_is_said_what_is_missing():
    (found,) = data_variance({"noise": study(1, 2), "adopt 1 candidate": study(3)}, 1, 0.0)
    assert found.verdict == Verdict.NA
    assert "tunewise.evaluate" in found.needs
