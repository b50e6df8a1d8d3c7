"""NSGA-III: whole fronts survive, then the emptiest directions are served; units do not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.samplers import NSGA3
from tunewise.samplers.nsga3 import survivors
from tunewise.space import Space
from tunewise.stats.pareto import hypervolume, ranks

SPACE = Space({f"x{i}": tw.Float(0, 1) for i in range(5)})
tables = arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 4))


def dtlz2(params):
    """Three losses whose front is the positive eighth of a sphere."""
    x = np.array(list(params.values()))
    far = 1 + ((x[2:] - 0.5) ** 2).sum()
    a, b = x[0] * np.pi / 2, x[1] * np.pi / 2
    return far * np.cos(a) * np.cos(b), far * np.cos(a) * np.sin(b), far * np.sin(a)


@given(tables, st.data())
def test_whole_fronts_survive_first(loss, data):
    size = data.draw(st.integers(1, len(loss)))
    violation = np.array(
        data.draw(st.lists(st.sampled_from([0, 0, 1, np.inf]), min_size=len(loss), max_size=len(loss)))
    )
    kept = survivors(loss, violation, size)
    rank = ranks(loss, violation)
    assert len(set(kept.tolist())) == size
    assert sorted(rank[kept]) == sorted(rank)[:size]


@given(tables, st.data())
def test_units_and_origins_of_the_losses_do_not_matter(loss, data):
    size = data.draw(st.integers(1, len(loss)))
    m = loss.shape[1]
    unit = 2.0 ** np.array(data.draw(st.lists(st.integers(-300, 300), min_size=m, max_size=m)))
    nothing = np.zeros(len(loss))
    assert (survivors(unit * loss, nothing, size) == survivors(loss, nothing, size)).all()
    assert (survivors(loss - 16, nothing, size) == survivors(loss, nothing, size)).all()


def test_losses_as_large_as_floats_get_are_no_trouble():
    loss = np.random.default_rng(0).choice([-1.5e308, 0.0, 1.5e308], (12, 3))
    assert sorted(survivors(loss, np.zeros(12), 6)) == sorted(survivors(loss / 1e200, np.zeros(12), 6))


def test_the_last_front_serves_the_empty_directions_first():
    crowd = np.column_stack([np.linspace(0.45, 0.55, 30), np.linspace(0.55, 0.45, 30)])
    alone = np.array([[0.0, 1.0], [0.2, 0.8], [0.8, 0.2], [1.0, 0.0]])
    kept = survivors(np.concatenate([crowd, alone]), np.zeros(34), 8)
    assert set(range(30, 34)) <= set(kept.tolist())


def test_its_front_beats_that_of_random_search():
    def volumes(sampler):
        found = []
        for seed in range(3):
            study = tw.create_study(sampler=sampler, seed=seed, space=SPACE, directions=["minimize"] * 3)
            study.optimize(lambda trial: dtlz2(trial.params), 240)
            found.append(hypervolume(study.trials.loss, np.full(3, 1.5)))
        return found

    assert min(volumes(NSGA3(population=20))) > max(volumes("random"))


@pytest.mark.parametrize("loss", [lambda x: 1.0, lambda x: (x - 0.3) ** 2])
def test_one_goal_and_ties_are_no_trouble(loss):
    study = tw.create_study(sampler=NSGA3(population=4), seed=0)
    study.optimize(lambda trial: loss(trial.suggest_float("x", 0, 1)), 40)
    assert len(study.trials) == 40
    assert study.best_value == pytest.approx(loss(0.3), abs=1e-3)


def test_a_population_of_one_is_an_error():
    with pytest.raises(SettingError, match="population is 1; it must"):
        NSGA3(population=1)
