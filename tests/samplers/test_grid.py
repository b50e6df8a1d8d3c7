"""A grid visits each of its points once, however many workers, queued trials and crashes there are."""

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.errors import SettingError, SpaceError
from tunewise.samplers import BruteForce, Grid, PartialFixed
from tunewise.space import Space
from tunewise.storage import MemoryLog

SPACE = Space(
    {"c": tw.Int(1, 3), "kind": tw.Categorical(("a", "b", None)), "m": tw.Float(0, 1, step=0.5)},
    {"m": ("kind", ["a", None])},
)


def visited(study):
    """The points of all trials that have any, in order."""
    return [tuple(sorted(t.params.items(), key=str)) for t in study.trials if t.params]


def all_points(space):
    return {tuple(sorted(space.decode(row).items(), key=str)) for row in space.grid()}


def asks(low=1, high=3):
    """An objective that shows two parameters only as it runs."""
    return lambda trial: float(trial.suggest_int("x", low, high) * trial.suggest_int("y", low, high))


@pytest.mark.parametrize("n_jobs", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_each_point_is_visited_once(n_jobs, seed):
    study = tw.create_study(sampler="grid", seed=seed, space=SPACE)
    study.optimize(lambda trial: 1.0, n_jobs=n_jobs)
    points = visited(study)
    assert set(points) == all_points(SPACE)
    assert len(points) == len(set(points)) == 21


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["ask", "tell", "fail", "queue", "pin"])), max_size=60
    )
)
@settings(max_examples=25)
def test_interleaved_workers_take_each_point_once(actions):
    """Queued trials take the points that they hold, and no others."""
    log = MemoryLog()
    tw.create_study("s", log, sampler="grid", seed=5, space=SPACE)
    workers = [tw.load_study("s", log) for _ in range(3)]
    running, queued = [], 0
    for worker, action in actions:
        study = workers[worker]
        if action == "queue":
            study.enqueue_trial({"c": 2, "kind": "b"})
            queued += 1
        elif action == "pin":
            study.enqueue_trial({"kind": "b"})
            queued += 1
        elif (action == "ask" or not running) and len(study.trials) - queued < 18:
            running.append(study.ask())
        elif running:
            study.tell(running.pop(0).number, 1.0 if action == "tell" else None)
    trials = workers[0].trials
    free = [tuple(t.params.items()) for t in trials if t.params and not trials.fixed_params(t.number)]
    assert len(set(free)) == len(free)
    while running:
        study.tell(running.pop().number, 1.0)
    study = workers[0]
    study.optimize(lambda trial: 1.0)
    assert set(visited(study)) == all_points(SPACE)
    assert len(visited(study)) <= 21 + queued


@pytest.mark.parametrize("sampler", [Grid(), Grid({"x": [1, 2, 3], "y": [3, 1, 2]})])
def test_each_point_is_visited_once_where_the_space_shows_itself_by_running(sampler):
    study = tw.create_study(sampler=sampler, seed=1)
    study.optimize(asks())
    complete = [t.params for t in study.trials if t.state.name == "COMPLETE"]
    assert len(complete) == 9
    assert {(p["x"], p["y"]) for p in complete} == {(x, y) for x in (1, 2, 3) for y in (1, 2, 3)}


def test_several_first_trials_do_not_end_a_grid_of_which_they_see_one_axis():
    """More workers than levels, all of which ask before any has finished."""
    n_workers = 6
    barrier = threading.Barrier(n_workers)

    def objective(trial):
        value = asks()(trial)
        if trial.number < n_workers:
            barrier.wait(20)
        return value

    study = tw.create_study(sampler="grid", seed=1)
    study.optimize(objective, n_jobs=n_workers)
    first = [(t.params["x"], t.params["y"]) for t in list(study.trials)[:3]]
    assert len({x for x, _ in first}) == len({y for _, y in first}) == 3
    complete = {tuple(t.params.values()) for t in study.trials if t.state.name == "COMPLETE"}
    assert len(complete) == 9


def test_what_was_visited_elsewhere_is_not_visited_again():
    source = tw.create_study(sampler="grid", seed=1, space=SPACE)
    source.optimize(lambda trial: 1.0, 8)
    target = tw.create_study(sampler="grid", seed=2, space=SPACE)
    for record in source.trials:
        target.add_trial(record)
    target.optimize(lambda trial: 1.0)
    assert len(visited(target)) == len(set(visited(target))) == 21


def test_a_trial_that_fails_counts_and_one_without_parameters_does_not():
    def objective(trial):
        if trial.number in (2, 5):
            raise ValueError
        value = asks()(trial)
        return math.nan if trial.number == 3 else value

    study = tw.create_study(sampler="grid", seed=1)
    study.optimize(objective, catch=ValueError)
    points = [tuple(t.params.values()) for t in study.trials if len(t.params) == 2]
    assert len(points) == len(set(points)) == 9


def test_a_search_in_which_everything_fails_ends():
    def objective(trial):
        trial.suggest_int("x", 1, 3)
        raise ValueError

    study = tw.create_study(sampler="grid", seed=1)
    study.optimize(objective, catch=ValueError)
    assert {t.params["x"] for t in study.trials if t.params} == {1, 2, 3}
    assert len(study.trials) <= 4


def test_a_queued_trial_that_fixes_some_values_costs_no_point():
    study = tw.create_study(sampler="grid", seed=1, space=SPACE)
    study.optimize(lambda trial: 1.0, 15)
    for _ in range(3):
        study.enqueue_trial({"kind": "b"})
    study.optimize(lambda trial: 1.0)
    assert all(t.params["kind"] == "b" for t in list(study.trials)[15:18])
    assert set(visited(study)) == all_points(SPACE)


def test_the_order_is_shuffled_by_the_seed():
    space = Space({"a": tw.Int(0, 4), "b": tw.Int(0, 4)})

    def run(seed):
        study = tw.create_study(sampler="grid", seed=seed, space=space)
        study.optimize(lambda trial: 1.0)
        return np.array([list(t.params.values()) for t in study.trials if t.params])

    assert (run(1) == run(1)).all()
    assert (run(1) != run(2)).any()
    for column in run(1).T:
        assert len(set(column[:10].tolist())) >= 4


def test_axes_are_listed_or_spaced_evenly_on_their_scale():
    space = Space(
        {
            "lr": tw.Float(1e-4, 1, log=True),
            "x": tw.Float(0, 1),
            "k": tw.Categorical(("a", "b")),
            "n": tw.Int(1, 9),
        }
    )
    study = tw.create_study(sampler=Grid({"n": [8, 2, 2], "k": ["b"]}, n_each=3), seed=0, space=space)
    study.optimize(lambda trial: 1.0)
    points = [t.params for t in study.trials if t.params]
    assert len(points) == 18
    assert sorted({p["lr"] for p in points}) == pytest.approx([1e-4, 1e-2, 1])
    assert {p["x"] for p in points} == {0, 0.5, 1}
    assert {(p["k"], p["n"]) for p in points} == {("b", 2), ("b", 8)}
    middle = tw.create_study(sampler=Grid(n_each=1), space=space).ask().params
    assert (middle["lr"], middle["x"]) == (pytest.approx(1e-2), 0.5)


@pytest.mark.parametrize("sampler", [Grid(), BruteForce()])
@pytest.mark.parametrize("seed", range(2))
def test_points_that_the_space_rules_out_are_left_out(sampler, seed):
    space = Space(
        {"kind": tw.Categorical(("a", "b")), "m": tw.Int(1, 3), "n": tw.Int(1, 4)}, {"m": ("kind", ["a"])},
        forbid=[{"kind": "b", "n": [1, 2]}], at_most=[({"m": 1, "n": 1}, 5)],
    )  # fmt: skip
    study = tw.create_study(sampler=sampler, seed=seed, space=space)
    study.optimize(lambda trial: 1.0, 30)
    assert set(visited(study)) == all_points(space)
    assert len(visited(study)) == len(all_points(space)) == 11


@pytest.mark.parametrize("base", [Grid(), BruteForce()])
def test_a_partly_fixed_grid_is_the_slice(base):
    study = tw.create_study(sampler=PartialFixed({"kind": "a"}, base), seed=0, space=SPACE)
    study.optimize(lambda trial: 1.0)
    points = visited(study)
    assert set(points) == {p for p in all_points(SPACE) if ("kind", "a") in p}
    assert len(points) == 9


def test_what_cannot_be_a_grid_is_an_error():
    for wrong in ({"n_each": 0}, {"values": {"x": []}}):
        with pytest.raises(SettingError, match=r"\w+ .+; "):
            Grid(**wrong)
    big = Space({f"x{i}": tw.Int(1, 100) for i in range(4)})
    with pytest.raises(SettingError, match="100000000 points"):
        tw.create_study(sampler="grid", space=big).ask()
    with pytest.raises(SpaceError, match="7 is not in"):
        tw.create_study(sampler=Grid({"c": [1, 7]}), space=SPACE).ask()
    with pytest.raises(SettingError, match=r"\['typo'\]"):
        tw.create_study(sampler=Grid({"typo": [1]}), space=SPACE).ask()
