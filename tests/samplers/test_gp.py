"""The Gaussian-process sampler and the default built on it: they find optima, learn from divergence, and never break."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import NoTrials
from tunewise.samplers import GP
from tunewise.space import Space


@pytest.fixture(autouse=True)
def _quiet():
    tw.logging.set_verbosity(50)


def bowl(trial):
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
    return (x - 0.3) ** 2 + (y - 0.4) ** 2


def test_a_bowl_is_found_precisely():
    study = tw.create_study(sampler="gp", seed=0)
    study.optimize(bowl, 30)
    assert study.best_value < 1e-5


def test_the_first_trial_is_the_centre():
    study = tw.create_study(
        sampler="gp", seed=0, space=Space({"x": tw.Float(1, 100, log=True), "k": tw.Int(1, 3)})
    )
    assert study.ask().params == {"x": pytest.approx(10), "k": 2}


@pytest.mark.parametrize("sampler", ["gp", "auto", "tpe"])
def test_no_livelock_on_divergence(sampler):
    shares = []
    for seed in range(3):
        study = tw.create_study(sampler=sampler, seed=seed)
        study.optimize(lambda t: math.nan if t.suggest_float("x", 0, 1) > 0.7 else bowl(t), 100)
        shares.append((study.trials.state[50:] == tw.TrialState.INFEASIBLE).mean())
        assert study.best_value < 0.02
    assert np.mean(shares) < 0.15


def test_conditions_and_choices_are_searched():
    space = Space(
        {"k": tw.Categorical(("a", "b", "c")), "x": tw.Float(0, 1), "y": tw.Float(0, 1)},
        {"x": ("k", ["a"]), "y": ("k", ["b", "c"])},
    )

    def objective(trial):
        p = trial.params
        return 1 + p["x"] if p["k"] == "a" else (p["y"] - 0.5) ** 2 + (p["k"] == "c")

    study = tw.create_study(sampler="gp", seed=0, space=space)
    study.optimize(objective, 40)
    assert study.best_params["k"] == "b"
    assert study.best_value < 1e-3


def test_a_finite_space_is_never_repeated_until_it_is_exhausted():
    space = Space({"a": tw.Int(0, 4), "b": tw.Categorical(("x", "y", "z"))})
    study = tw.create_study(sampler="gp", seed=0, space=space)
    study.optimize(lambda t: t.params["a"] + len(t.params["b"]), 18)
    cells = [tuple(t.params.values()) for t in study.trials]
    assert len(set(cells[5:15])) == 10
    assert len(set(cells)) >= 14


def test_pending_trials_are_kept_apart():
    study = tw.create_study(sampler="gp", seed=0, space=Space({"x": tw.Float(0, 1), "y": tw.Float(0, 1)}))
    study.optimize(lambda t: (t.params["x"] - 0.3) ** 2 + (t.params["y"] - 0.4) ** 2, 15)
    points = np.array([list(study.ask().params.values()) for _ in range(6)])
    gaps = np.abs(points[:, None] - points[None]).max(axis=2) + np.eye(6)
    assert gaps.min() > 1e-4


def test_the_order_of_parameters_and_the_scale_of_the_loss_change_nothing():
    spaces = [Space({n: tw.Float(0, 1) for n in names}) for names in ("xyz", "zxy")]
    runs = []
    for space, scale in zip(spaces, (1.0, 256.0), strict=True):
        study = tw.create_study(sampler="gp", seed=4, space=space)
        study.optimize(
            lambda t, scale=scale: scale * sum((v - 0.3) ** 2 for _, v in sorted(t.params.items())), 14
        )
        runs.append([{k: round(v, 6) for k, v in sorted(t.params.items())} for t in study.trials])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("sampler", ["gp", "auto"])
@pytest.mark.parametrize(
    "loss",
    [
        lambda n: 1.0,
        lambda n: math.nan,
        lambda n: math.nan if n % 2 else 1.0,
        lambda n: 1e300 * (-1) ** n,
        lambda n: 1e-300 * n,
        lambda n: math.nan if n else 0.0,
    ],
)
def test_odd_losses_never_break_it(sampler, loss):
    study = tw.create_study(sampler=sampler, seed=0)
    study.optimize(lambda t: t.suggest_float("x", 0, 1) * 0 + loss(t.number), 16)
    xs = [t.params["x"] for t in study.trials]
    assert np.isfinite(xs).all()
    assert len(set(xs)) == 16


def test_several_goals_and_constraints_are_served():
    study = tw.create_study(directions=["minimize", "minimize"], sampler="auto", seed=0)

    def objective(trial):
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        trial.set_constraints({"c": 0.2 - x})
        return x + y, (x - 1) ** 2 + y

    study.optimize(objective, 40)
    front = study.best_trials
    assert len(front) >= 5
    assert all(t.params["x"] >= 0.2 for t in front)
    assert np.median([t.params["y"] for t in front]) < 0.15


def test_it_predicts_with_honest_spread():
    study = tw.create_study(sampler="gp", seed=0)
    space = Space({"x": tw.Float(0, 1), "y": tw.Float(0, 1)})
    with pytest.raises(NoTrials):
        GP().predict(study.trials, space, np.zeros((1, 2)))
    study.optimize(bowl, 25)
    mean, sd = GP().predict(study.trials, space, np.array([[0.3, 0.4], [1.0, 1.0]]))
    assert mean[0] == pytest.approx(0, abs=0.01)
    assert mean[1] > 0.2
    assert (sd >= 0).all()


def test_auto_hands_over_to_a_cheaper_method():
    from tunewise.samplers import Auto

    study = tw.create_study(sampler=Auto(n_model=12), seed=0)
    study.optimize(bowl, 30)
    assert study.best_value < 0.05


def test_on_a_plateau_every_second_trial_goes_on_exploring():
    """All that could be learnt is noise; whatever it is, the same quasi-random points are visited."""
    visited = []
    for noise_seed in range(2):
        rng = np.random.default_rng(noise_seed)
        study = tw.create_study(sampler="gp", seed=0, space=Space({n: tw.Float(0, 1) for n in "xyz"}))
        study.optimize(lambda t, rng=rng: 2.3 + rng.normal(0, 0.01), 40)
        visited.append(study.trials.unit(study.trials.space)[0])
    same = (visited[0] == visited[1]).all(axis=1)
    assert same[10::2].mean() >= 0.5
    assert not same[11::2].any()


def test_where_the_losses_can_be_predicted_exploring_stops():
    study = tw.create_study(sampler="gp", seed=0)
    study.optimize(bowl, 30)
    x, y = (np.array([t.params[n] for t in study.trials]) for n in "xy")
    assert np.median(np.hypot(x - 0.3, y - 0.4)[20:]) < 0.02
