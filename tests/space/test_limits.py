"""Ruled-out points are never made, and rules that make no sense are refused."""

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import SpaceError
from tunewise.space import Categorical, Float, Int, Space, space_from_json

tw.logging.set_verbosity(50)

DOMAINS = {
    "opt": Categorical(("sgd", "adam")),
    "momentum": Float(0.0, 1.0),
    "act": Categorical(("relu", "gelu", None)),
    "a": Int(0, 10),
    "b": Float(0.0, 10.0),
}
LIMITED = Space(
    DOMAINS,
    {"momentum": ("opt", ["sgd"])},
    forbid=[{"opt": "adam", "act": ["gelu", None]}],
    at_most=[({"a": 1, "b": 2}, 10), ({"momentum": -1}, -0.2)],
)


def breaks(params):
    return (
        (params["opt"] == "adam" and params["act"] != "relu")
        or params["a"] + 2 * params["b"] > 10 + 1e-6
        or params.get("momentum", 0.5) < 0.2 - 1e-6
    )


def test_allowed_is_what_the_rules_say():
    free = Space(DOMAINS, LIMITED.when)
    raw = free.sample(np.random.default_rng(0), 400)
    inactive = np.isnan(raw[:, 1])
    expected = [not breaks(free.decode(row)) for row in raw]
    # an inactive momentum counts as 0 in a sum, so a constraint that asks for much of it cannot hold there
    assert LIMITED.allowed(raw)[~inactive].tolist() == np.array(expected)[~inactive].tolist()
    assert not LIMITED.allowed(raw)[inactive].any()


def test_what_a_space_makes_is_allowed():
    rng = np.random.default_rng(1)
    points = LIMITED.sample(rng, 50)
    assert len(points) == 50
    assert LIMITED.allowed(points).all()
    outside = LIMITED.encode({"opt": "adam", "act": "gelu", "a": 9, "b": 9.0})
    nearest = LIMITED.nearest_allowed(outside, rng)
    assert LIMITED.allowed(nearest)
    assert np.array_equal(LIMITED.nearest_allowed(nearest, rng), nearest, equal_nan=True)


def test_a_finite_grid_leaves_out_what_is_ruled_out():
    space = Space(
        {"a": Int(0, 3), "b": Int(0, 3)}, at_most=[({"a": 1, "b": 1}, 3)], forbid=[{"a": 0, "b": 0}]
    )
    assert space.n_points == len(space.grid()) == 9
    assert {(r[0], r[1]) for r in space.grid().tolist()} == {
        (a, b) for a in range(4) for b in range(4) if 0 < a + b <= 3
    }


@pytest.mark.parametrize("sampler", ["random", "qmc", "tpe", "gp", "auto", "cmaes", "nsga2", "halton"])
def test_no_sampler_breaks_a_limit(sampler):
    study = tw.create_study(sampler=sampler, space=LIMITED, seed=2)
    study.optimize(lambda trial: trial.params["b"] - trial.params["a"], 40)
    assert not any(breaks(record.params) for record in study.trials)
    if sampler in ("gp", "tpe", "auto"):
        assert study.best_value < -8


def test_limits_survive_json_subsets_and_replaced_domains():
    assert space_from_json(LIMITED.to_json()) == LIMITED
    assert LIMITED.pinned({"a": 1}).limits == LIMITED.limits
    assert LIMITED.subset(["a", "b"]).limits.at_most == LIMITED.limits.at_most[:1]
    assert not LIMITED.subset(["a", "opt"]).has_limits
    other = LIMITED.replace(act=Categorical(("relu", "tanh")))
    assert other.limits.forbid == ()
    assert Space(DOMAINS) != Space(DOMAINS, forbid=[{"a": 1}])


def test_a_queued_point_that_is_ruled_out_is_refused():
    study = tw.create_study(sampler="random", space=LIMITED)
    with pytest.raises(SpaceError, match="ruled out"):
        study.enqueue_trial({"a": 9, "b": 9.0})
    assert len(study.trials) == 0


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"forbid": [{"nope": 1}]}, "nope"),
        ({"forbid": [{"opt": "rmsprop"}]}, "rmsprop"),
        ({"forbid": [{}]}, "empty"),
        ({"at_most": [({"opt": 1}, 1)]}, "choice"),
        ({"at_most": [({"x": 1}, 1)]}, "'x'"),
        ({"at_most": [({}, 1)]}, "no parameter"),
        ({"at_most": [({"a": float("nan")}, 1)]}, "finite"),
    ],
)
def test_rules_that_make_no_sense_are_refused(limits, words):
    with pytest.raises(SpaceError, match=words):
        Space(DOMAINS, **limits)


def test_impossible_limits_are_an_error():
    space = Space({"a": Float(0, 1)}, at_most=[({"a": 1}, -1)])
    with pytest.raises(SpaceError, match="none is allowed"):
        space.sample(np.random.default_rng(0), 1)
