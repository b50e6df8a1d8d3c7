"""No search of a finite space tries a point twice while others are left; what it costs does not grow with the trials."""

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewise as tw
from tunewise import samplers
from tunewise.records import TrialState
from tunewise.samplers._tried import keys_of
from tunewise.space import Space

SEARCHES = [
    samplers.Auto(),
    samplers.Auto(n_model=0),
    samplers.Auto(n_model=4),
    samplers.CmaEs(population=4),
    samplers.GP(n_startup=6),
    samplers.NSGA2(population=4),
    samplers.NSGA3(population=4),
    samplers.PartialFixed({}, samplers.TPE(n_startup=3)),
    samplers.TPE(n_startup=3),
]
SPACES = {
    "numbers": Space({"a": tw.Int(1, 5), "b": tw.Float(0, 1, step=0.25)}),
    "choices": Space({"k": tw.Categorical(tuple("uvwxy")), "o": tw.Categorical((1, 2, 4), ordered=True)}),
    "one": Space({"a": tw.Int(1, 9, log=True)}),
    "conditions": Space(
        {"k": tw.Categorical(tuple("uvw")), "n": tw.Int(1, 4), "m": tw.Int(1, 3)},
        {"n": ("k", ["u"]), "m": ("k", ["u", "v"])},
    ),
    "limits": Space(
        {"a": tw.Int(0, 4), "b": tw.Int(0, 4)},
        forbid=[{"a": 2, "b": [2, 3]}],
        at_most=[({"a": 1.0, "b": 1.0}, 5)],
    ),
}
search = pytest.mark.parametrize("sampler", SEARCHES, ids=repr)


def point(record):
    return tuple(sorted(record.params.items()))


def loss(params):
    """Low at one place, so that a search would stay there."""
    return sum(v if isinstance(v, int | float) else ord(v) for v in params.values())


@search
@pytest.mark.parametrize("kind", SPACES)
def test_each_point_is_tried_before_any_is_tried_again(sampler, kind):
    """Whether trials finish, diverge, fail or are still running when the next one begins."""
    space = SPACES[kind]
    n = space.n_points
    study = tw.create_study(sampler=sampler, space=space, seed=2)
    running = []
    for number in range(n):
        running.append(study.ask())
        if len(running) > 3:
            trial = running.pop(0)
            study.tell(trial, [loss(trial.params), np.nan, None, 1.0][number % 4])
    assert len({point(record) for record in study.trials}) == n
    for trial in running:
        study.tell(trial, loss(trial.params))
    study.optimize(lambda trial: loss(trial.params), 3)
    assert len(study.trials) == n + 3


@search
def test_points_from_the_queue_and_from_elsewhere_count(sampler):
    space = SPACES["numbers"]
    study = tw.create_study(sampler=sampler, space=space, seed=1)
    corner = {"a": 1, "b": 0.0}
    study.enqueue_trial(corner)
    for b in (0.25, 0.5, 0.75, 1.0):
        study.enqueue_trial({"b": b, "a": 1})
    study.optimize(lambda trial: loss(trial.params), 25)
    assert len({point(record) for record in study.trials}) == 25


@search
def test_a_space_too_large_to_list_is_no_exception(sampler):
    """All losses are the same but in one corner, where a search comes to rest."""
    space = Space({name: tw.Int(0, 19) for name in "abcdef"})
    study = tw.create_study(sampler=sampler, space=space, seed=0)
    for a, b in itertools.product(range(3), range(3)):
        study.enqueue_trial(dict.fromkeys("cdef", 0) | {"a": a, "b": b})
    study.optimize(lambda trial: loss(trial.params), 40)
    assert len({point(record) for record in study.trials}) == 40


def test_a_point_that_always_fails_is_left_alone():
    """The most promising of all: a failure says nothing about the loss, so it would be promising for ever."""

    def objective(trial):
        if trial.params == {"a": 1, "b": 0.0}:
            raise RuntimeError("broken here")
        return loss(trial.params)

    for sampler in (samplers.GP(), samplers.TPE()):
        study = tw.create_study(sampler=sampler, space=SPACES["numbers"], seed=0)
        study.optimize(objective, 25, catch=(RuntimeError,))
        assert sum(record.state == TrialState.FAILED for record in study.trials) == 1


@pytest.mark.parametrize(("sampler", "n"), [(samplers.TPE(), 60), (samplers.GP(), 25)], ids=repr)
def test_a_part_of_the_parameters_repeats(sampler, n):
    """Where a range changes from trial to trial, its parameter is suggested alone, and a good value is good again."""

    def objective(trial):
        return trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 40 + trial.number) ** 2

    study = tw.create_study(sampler=sampler, seed=0)
    study.optimize(objective, n)
    assert len({record.params["n"] for record in study.trials}) < 0.8 * n


@given(
    st.lists(st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, 0.25, 1e-300, np.nan]), min_size=3, max_size=3))
)
def test_keys_are_equal_where_points_are(rows):
    raw = np.array(rows).reshape(-1, 3)
    keys = keys_of(raw)
    for i, j in itertools.product(range(len(raw)), repeat=2):
        assert (keys[i] == keys[j]) == np.array_equal(raw[i], raw[j], equal_nan=True)


def test_the_keys_of_a_large_grid_differ():
    raw = Space({name: tw.Int(0, 9) for name in "abcde"}).grid()
    assert len(np.unique(keys_of(raw))) == 100_000


@pytest.mark.parametrize("sampler", [samplers.TPE(), samplers.CmaEs(), samplers.GP()], ids=repr)
def test_a_suggestion_walks_no_trials_in_python(sampler):
    """As many calls with 300 trials as with 3,000, but for what is learnt once and remembered."""
    space = Space({"a": tw.Int(0, 99), "b": tw.Int(0, 99)})
    study = tw.create_study(sampler=sampler, space=space, seed=0)
    rng = np.random.default_rng(0)
    calls = []
    for n in (300, 3000):
        for _ in range(n - len(study.trials)):
            params = {"a": int(rng.integers(50)), "b": int(rng.integers(100))}
            record = tw.FrozenTrial(0, TrialState.COMPLETE, params, (1.0 * params["a"],), dict(space))
            study.add_trial(record)
        for _ in range(3):
            study.tell(study.ask(), 1.0)
        study.ask()
        calls.append(min(calls_of(study.ask) for _ in range(2)))
    assert calls[1] < 1.5 * calls[0]


def calls_of(function):
    count = itertools.count()
    sys.setprofile(lambda frame, event, arg: next(count))
    try:
        function()
    finally:
        sys.setprofile(None)
    return next(count)
