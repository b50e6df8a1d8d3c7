"""Generations are a fold of the log, and children follow the operators of the papers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewise as tw
from tunewise.events import StudyCreated, TrialFinished, TrialStarted
from tunewise.records import Goal, TrialState
from tunewise.samplers import _evolution as evolution
from tunewise.samplers.qmc import points_of
from tunewise.space import Space
from tunewise.trials import Trials

NUMERIC = np.array([True, True, False])
unit = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)
rows = st.tuples(unit, unit, st.sampled_from([1 / 6, 0.5, 5 / 6]))


def best(loss, violation, size):
    """A selection by the first loss alone."""
    return np.lexsort((loss[:, 0], violation))[:size]


finishes = st.lists(
    st.tuples(st.sampled_from(["mine", "other"]), st.sampled_from([2, 2, 2, 3, 4, 5]), st.integers(0, 9))
)


@given(finishes, st.randoms(use_true_random=False), st.integers(1, 4))
def test_generations_are_what_finished_in_its_order(drawn, random, size):
    trials = Trials()
    trials.apply(StudyCreated((Goal(),), 0, 0.0))
    for number, (sampler, _, _) in enumerate(drawn):
        trials.apply(TrialStarted(number, sampler, "", 0.0))
    order = list(range(len(drawn)))
    random.shuffle(order)
    parents, children = [], []
    for number in order:
        sampler, state, loss = drawn[number]
        values = (float(loss),) if state == TrialState.COMPLETE else None
        trials.apply(TrialFinished(number, TrialState(state), values, None, 0.0))
        if sampler == "mine" and state != TrialState.FAILED:
            children.append(number)
        if len(children) == size:
            everyone = parents + children

            def badness(number):
                return (drawn[number][1] != TrialState.COMPLETE, drawn[number][2])

            parents = sorted(everyone, key=lambda n: (badness(n)[0], 0 if badness(n)[0] else badness(n)[1]))[
                :size
            ]
            children = []
        assert evolution.parents_of(trials, "mine", size, best).tolist() == parents


@given(rows, rows, seeds)
def test_children_of_a_cross_lie_in_the_cube_and_choices_come_from_a_parent(one, other, seed):
    a, b = np.array(one), np.array(other)
    child = evolution.crossed(a, b, NUMERIC, np.random.default_rng(seed))
    assert ((child >= 0) & (child <= 1)).all()
    assert child[2] in (a[2], b[2])
    same = evolution.crossed(a, a, NUMERIC, np.random.default_rng(seed))
    assert same == pytest.approx(a)


def test_a_cross_spreads_as_the_paper_says():
    """Half of the blended coordinates lie between the parents, and the mean is that of the parents."""
    rng = np.random.default_rng(0)
    a, b = np.full(20_000, 0.45), np.full(20_000, 0.55)
    child = evolution.crossed(a, b, np.ones(20_000, dtype=bool), rng)
    blended = child[(child != 0.45) & (child != 0.55)]
    assert len(blended) == pytest.approx(10_000, rel=0.05)
    assert blended.mean() == pytest.approx(0.5, abs=0.003)
    spread = np.abs(blended - 0.5) / 0.05
    assert (spread < 1).mean() == pytest.approx(0.5, abs=0.02)
    assert (spread < 0.9).mean() == pytest.approx(0.5 * 0.9**16, abs=0.01)  # eta = 15
    assert (spread > 1.1).mean() == pytest.approx(0.5 / 1.1**16, abs=0.01)


@given(rows, seeds)
def test_a_mutation_changes_something_and_stays_in_the_cube(row, seed):
    u = np.array(row)
    changed = evolution.mutated(u, NUMERIC, np.random.default_rng(seed))
    assert ((changed >= 0) & (changed <= 1)).all()
    moved = np.abs(changed - u)
    inner = (u > 1e-3) & (u < 1 - 1e-3) & (moved > 0)
    assert inner.any() or ((u <= 1e-3) | (u >= 1 - 1e-3)).any()


def test_mutations_are_as_rare_and_as_small_as_the_paper_says():
    rng = np.random.default_rng(0)
    u = np.full(4, 0.5)
    numeric = np.array([True, True, True, False])
    moved = np.array([evolution.mutated(u, numeric, rng) - u for _ in range(4000)])
    share = (moved != 0).mean(axis=0)
    assert share.sum() == pytest.approx(1 + 0.75**4, abs=0.05)  # 1/d each, and one where there would be none
    small = np.abs(moved[moved[:, 0] != 0, 0])
    assert np.median(small) == pytest.approx(1 - 0.5 ** (1 / 21), abs=0.003)  # eta = 20
    wide = moved[moved[:, 3] != 0, 3]
    assert np.histogram(wide, 4, (-0.5, 0.5))[0].min() > 0.2 * len(wide)


@given(st.lists(unit | st.just(np.nan), min_size=3, max_size=3), seeds)
def test_children_respect_conditions_and_inherit_what_one_parent_lacks(one, seed):
    space = Space(
        {"k": tw.Categorical(("a", "b")), "x": tw.Float(0, 1), "n": tw.Int(1, 5)}, {"x": ("k", ["a"])}
    )
    parents = np.array(one), np.array([0.25, 0.4, 0.5])
    raw = evolution.child(space, *parents, np.random.default_rng(seed))
    assert np.isnan(raw[1]) == (raw[0] == 1)
    space.encode(space.decode(raw))


def test_the_first_generation_is_a_sobol_sequence():
    space = Space({"x": tw.Float(0, 1), "y": tw.Float(0, 1)})
    for sampler in (tw.samplers.NSGA2(population=8), tw.samplers.NSGA3(population=8)):
        study = tw.create_study(sampler=sampler, seed=4, space=space)
        study.optimize(lambda trial: trial.params["x"], 9)
        X = np.array([list(t.params.values()) for t in study.trials])
        wanted = points_of("sobol", 4, space.names)(np.arange(9))
        assert X[:8] == pytest.approx(wanted[:8])
        assert X[8] != pytest.approx(wanted[8])
