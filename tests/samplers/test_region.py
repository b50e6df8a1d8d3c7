"""A box around the best trials: it holds them, and its coordinates are those of a unit cube."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewise as tw
from tunewise.samplers import GP
from tunewise.samplers._observations import Observations
from tunewise.samplers._region import around_best, n_best, whole
from tunewise.space import Space

SPACE = Space(
    {
        "x": tw.Float(0, 1),
        "lr": tw.Float(1e-5, 1, log=True),
        "n": tw.Int(1, 4),
        "k": tw.Categorical(("a", "b", "c")),
        "y": tw.Float(0, 1),
    },
    {"y": ("k", ["a"])},
)


def seen_of(seed, n=120, space=SPACE, scale=1.0):
    rng = np.random.default_rng(seed)
    X = space.to_unit(space.mask(space.from_unit(0.3 + scale * (rng.random((n, space.n_dims)) - 0.3))))
    loss = np.nansum((X - 0.4) ** 2, axis=1)
    return Observations(X, loss, rng.random(n) < 0.1, np.zeros(n), np.arange(n), X[:3])


@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.1, 0.0]))
def test_the_best_trials_are_inside(seed, scale):
    seen = seen_of(seed, scale=scale)
    order = np.argsort(np.where(seen.infeasible, np.inf, seen.loss), kind="stable")
    inside = around_best(SPACE, seen).view(seen)
    assert set(order[: n_best(SPACE)].tolist()) <= set(inside.rows.tolist())
    assert np.nanmin(inside.X) >= -1e-9
    assert np.nanmax(inside.X) <= 1 + 1e-9


@given(st.integers(0, 10_000))
def test_coordinates_go_in_and_out(seed):
    seen = seen_of(seed)
    region = around_best(SPACE, seen)
    np.testing.assert_allclose(region.outward(region.inward(seen.X)), seen.X, atol=1e-12)
    corners = region.outward(np.array([[0.0] * 5, [1.0] * 5]))
    assert corners.min() >= 0
    assert corners.max() <= 1


def test_the_whole_space_changes_nothing():
    seen = seen_of(0)
    view = whole(SPACE, seen).view(seen)
    for ours, theirs in zip(view, seen, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_choices_are_never_cut_off_and_a_number_keeps_its_neighbours():
    """Here all the best trials agree on every value."""
    region = around_best(SPACE, seen_of(1, scale=0.0))
    assert region.width[3] == 1
    assert region.width[2] >= 2 / 4
    assert 0 < region.width[0] < 0.01


def test_few_trials_or_none_give_a_box():
    nothing = seen_of(0).take(slice(0))
    assert around_best(SPACE, nothing).width.tolist() == [1.0] * 5


@pytest.mark.parametrize("seed", range(2))
def test_local_turns_refine_what_global_ones_cannot(seed):
    """A funnel that is steeper the nearer the middle: no one lengthscale fits all of it."""

    def funnel(trial):
        return sum((trial.suggest_float(f"x{i}", 0, 1) - 0.37) ** 2 for i in range(4)) ** 0.25

    best = []
    for local_after in (30, float("inf")):
        study = tw.create_study(sampler=GP(local_after=local_after), seed=seed)
        study.optimize(funnel, 80)
        best.append(study.best_value)
    assert best[0] < 0.6 * best[1]
