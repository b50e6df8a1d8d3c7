"""Every leaf of a decision tree once, though the tree shows itself only by running."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.errors import SearchExhausted, SettingError
from tunewise.space import Space

LEAF = None


@st.composite
def trees(draw, depth=3, counter=None):
    """(parameter, children): a parameter with 1 to 3 values, each of which leads to another parameter or to a leaf."""
    counter = counter if counter is not None else iter(range(100))
    name = f"p{next(counter)}"
    children = [
        draw(trees(depth - 1, counter)) if depth and draw(st.booleans()) else LEAF
        for _ in range(draw(st.integers(1, 3)))
    ]
    return name, children


def leaves(tree, path=()):
    """The parameter values that lead to each leaf."""
    if tree is LEAF:
        return {path}
    name, children = tree
    return {leaf for i, child in enumerate(children) for leaf in leaves(child, (*path, (name, i)))}


def walk(tree, trial):
    while tree is not LEAF:
        name, children = tree
        tree = children[trial.suggest_int(name, 0, len(children) - 1)]
    return 0.0


def complete(study):
    return [tuple(t.params.items()) for t in study.trials if t.state.name == "COMPLETE"]


@given(trees(), st.integers(0, 5))
@settings(max_examples=40)
def test_each_leaf_is_visited_once(tree, seed):
    study = tw.create_study(sampler="brute_force", seed=seed)
    study.optimize(lambda trial: walk(tree, trial))
    assert sorted(complete(study)) == sorted(leaves(tree))


TREE = ("k", [("n", [LEAF, LEAF, ("deep", [LEAF, LEAF])]), ("m", [LEAF, LEAF]), LEAF])


@pytest.mark.parametrize("seed", range(4))
def test_workers_who_know_nothing_of_each_other_leave_no_leaf_out(seed):
    barrier = threading.Barrier(3)

    def objective(trial):
        if trial.number < 3:
            barrier.wait(20)
        return walk(TREE, trial)

    study = tw.create_study(sampler="brute_force", seed=seed)
    study.optimize(objective, n_jobs=3)
    assert set(complete(study)) == leaves(TREE)


def test_a_running_trial_that_may_ask_for_more_is_no_leaf():
    """Two trials share the first value before anybody has seen that a second parameter follows."""
    study = tw.create_study(sampler="brute_force", seed=0)
    trials = [study.ask() for _ in range(2)]
    for trial in trials:
        trial.suggest_int("k", 0, 0)
        trial.report(0.0, 0)  # writes down what was suggested
    assert {trial.suggest_int("n", 0, 1) for trial in trials} <= {0, 1}
    for trial in trials:
        study.tell(trial, 0.0)


def test_running_trials_count_where_the_space_is_declared():
    space = Space({"k": tw.Categorical(("a", "b")), "n": tw.Int(1, 2)}, {"n": ("k", ["a"])})
    study = tw.create_study(sampler="brute_force", seed=0, space=space)
    points = [tuple(study.ask().params.items()) for _ in range(3)]
    assert len(set(points)) == 3
    with pytest.raises(SearchExhausted, match="Every combination"):
        study.ask()


def test_failed_and_queued_trials_count():
    def objective(trial):
        walk(TREE, trial)
        if trial.number in (3, 5):
            raise ValueError
        return 0.0

    study = tw.create_study(sampler="brute_force", seed=0)
    study.enqueue_trial({"k": 0, "n": 1})
    study.optimize(objective, catch=ValueError)
    points = [tuple(t.params.items()) for t in study.trials if t.params]
    assert [t.state.name for t in study.trials].count("FAILED") == 3  # the last one finds nothing left
    assert sorted(points) == sorted(leaves(TREE))


def test_the_order_is_random_but_follows_the_seed():
    def order(seed):
        study = tw.create_study(sampler="brute_force", seed=seed)
        study.optimize(lambda trial: float(trial.suggest_int("x", 0, 19)))
        return [t.params["x"] for t in study.trials if t.params]

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(3)}) == 3
    assert order(1) != sorted(order(1))


def test_a_continuum_is_refused():
    study = tw.create_study(sampler="brute_force")
    with pytest.raises(SettingError, match="'x' is continuous"):
        study.ask().suggest_float("x", 0, 1)
    assert study.ask().suggest_float("y", 0, 1, step=0.5) in (0, 0.5, 1)
