"""Random search is uniform on every scale, and pays no attention to anything."""

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

import tunewise as tw
from tunewise.space import Space

SPACE = Space(
    {
        "log": tw.Float(1e-5, 1e2, log=True),
        "linear": tw.Float(-3, 5),
        "steps": tw.Float(0, 1, step=0.25),
        "whole": tw.Int(1, 6),
        "kind": tw.Categorical(("a", "b", None)),
        "child": tw.Float(0, 1),
    },
    {"child": ("kind", ["a"])},
)


def drawn(n, loss=lambda trial: 0.0, **settings):
    study = tw.create_study(sampler="random", space=SPACE, **{"seed": 1, **settings})
    study.optimize(loss, n)
    return study.trials


def test_every_parameter_is_uniform_on_its_scale():
    trials = drawn(1500)
    U, _ = trials.unit(SPACE)
    raw = trials.raw(SPACE)
    for name in ("log", "linear", "child"):
        u = U[:, SPACE.names.index(name)]
        assert kstest(u[~np.isnan(u)], "uniform").pvalue > 0.01
    for name in ("steps", "whole", "kind"):
        _, counts = np.unique(raw[:, SPACE.names.index(name)], return_counts=True)
        assert len(counts) == SPACE[name].n_values
        assert chisquare(counts).pvalue > 0.01
    assert np.abs(np.corrcoef(U[:, :5].T) - np.eye(5)).max() < 0.1


def test_results_do_not_matter():
    calm = [t.params for t in drawn(30)]
    assert [t.params for t in drawn(30, lambda trial: float("nan") if trial.number % 3 else -1e9)] == calm
    assert [t.params for t in drawn(30, seed=2)] != calm


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_a_point_belongs_to_its_number(n_jobs):
    study = tw.create_study(sampler="random", space=SPACE, seed=1)
    study.optimize(lambda trial: 0.0, 30, n_jobs=n_jobs)
    assert [t.params for t in study.trials] == [t.params for t in drawn(30)]
