"""NSGA-II: survivors by rank and crowding, and a front better than that of random search."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.samplers import NSGA2
from tunewise.samplers.nsga2 import survivors
from tunewise.space import Space
from tunewise.stats.pareto import crowding, hypervolume, ranks

SPACE = Space({f"x{i}": tw.Float(0, 1) for i in range(4)})


def bowls(params):
    x = np.array(list(params.values()))
    return float(((x - 0.3) ** 2).sum()), float(((x - 0.7) ** 2).sum())


def run(sampler, n_trials=200, seed=0, loss=bowls, **settings):
    study = tw.create_study(
        sampler=sampler, seed=seed, **{"space": SPACE, "directions": ["minimize"] * 2, **settings}
    )
    study.optimize(lambda trial: loss(trial.params), n_trials)
    return study


def volume(study):
    return hypervolume(study.trials.loss, np.array([1.0, 1.0]))


@given(
    arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.integers(0, 4)),
    st.data(),
)
def test_survivors_are_of_the_lowest_rank_and_the_least_crowded(loss, data):
    size = data.draw(st.integers(1, len(loss)))
    violation = np.array(
        data.draw(st.lists(st.sampled_from([0, 0, 1, np.inf]), min_size=len(loss), max_size=len(loss)))
    )
    kept = survivors(loss, violation, size)
    rank = ranks(loss, violation)
    assert len(set(kept.tolist())) == size
    assert sorted(rank[kept]) == sorted(rank)[:size]
    last = rank[kept].max()
    front = np.flatnonzero(rank == last)
    distance = dict(zip(front.tolist(), crowding(loss[front]).tolist(), strict=True))
    lost = set(front.tolist()) - set(kept.tolist())
    assert all(distance[i] >= distance[j] for i in distance if i not in lost for j in lost)


def test_its_front_beats_that_of_random_search():
    mine, random = (
        [volume(run(s, seed=seed)) for seed in range(4)] for s in (NSGA2(population=20), "random")
    )
    assert min(mine) > max(random)


def test_one_goal_is_served_too():
    def best(sampler):
        return [
            run(sampler, loss=lambda p: bowls(p)[0], seed=s, directions=["minimize"]).best_value
            for s in range(4)
        ]

    assert np.median(best(NSGA2(population=10))) < 0.3 * np.median(best("random"))


def test_constraints_and_divergence_are_left_behind():
    def objective(trial):
        trial.set_constraints({"c": 0.5 - trial.params["x0"]})
        return (math.nan, 0.0) if trial.params["x1"] > 0.5 else bowls(trial.params)

    study = tw.create_study(sampler=NSGA2(population=12), seed=0, space=SPACE, directions=["minimize"] * 2)
    study.optimize(objective, 200)
    late = [t.params for t in list(study.trials)[100:]]
    assert np.mean([p["x0"] >= 0.5 for p in late]) > 0.8  # 0.5 at random
    assert np.mean([p["x1"] <= 0.5 for p in late]) > 0.8


def test_every_kind_of_parameter_evolves(mixed, loss):
    study = run(NSGA2(population=12), 250, loss=loss, space=mixed, directions=["minimize"])
    assert study.best_params["kind"] == "a"
    assert study.best_value < 0.05


def test_a_population_of_one_is_an_error():
    with pytest.raises(SettingError, match="population is 1; it must"):
        NSGA2(population=1)
