"""A prior says where to start and what to favour; it helps when right, and is overcome when wrong."""

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import SpaceError
from tunewise.samplers import GP, Auto
from tunewise.samplers._belief import believed, start_of
from tunewise.samplers._features import features
from tunewise.space import Space

SPACE = Space(
    {
        "lr": tw.Float(1e-5, 1, log=True),
        "n": tw.Int(1, 9),
        "k": tw.Categorical(("a", "b", "c")),
        "on": tw.Categorical((False, True)),
    }
)


class Flat:
    """An acquisition that knows nothing."""

    def value(self, Z):
        return np.zeros(len(Z))

    def value_and_gradient(self, Z):
        return np.zeros(len(Z)), np.zeros_like(Z)


def test_the_density_is_highest_at_the_prior_and_its_gradient_is_right():
    prior = {"lr": 1e-3, "k": "b", "on": True}
    acquisition = believed(Flat(), SPACE, prior, 5)
    at = features(SPACE, start_of(SPACE, prior)[None])
    others = features(SPACE, SPACE.to_unit(SPACE.sample(np.random.default_rng(0), 200)))
    assert (acquisition.value(others) <= acquisition.value(at) + 1e-12).all()
    value, gradient = acquisition.value_and_gradient(others)
    np.testing.assert_allclose(value, acquisition.value(others))
    for j in range(others.shape[1]):
        step = np.zeros(others.shape[1])
        step[j] = 1e-6
        slope = (acquisition.value(others + step) - acquisition.value(others - step)) / 2e-6
        np.testing.assert_allclose(gradient[:, j], slope, atol=1e-6)


def test_it_fades():
    z = features(SPACE, np.array([[0.1, 0.5, 0.9, 0.9]]))
    sizes = [abs(believed(Flat(), SPACE, {"lr": 1.0}, n).value(z)[0]) for n in (1, 10, 100)]
    assert sizes[0] == pytest.approx(10 * sizes[1]) == pytest.approx(100 * sizes[2])


def test_names_that_are_not_there_change_nothing():
    assert believed(Flat(), SPACE, {"momentum": 0.9}, 1).__class__ is Flat


def test_the_first_trial_is_what_is_believed():
    study = tw.create_study(sampler=Auto(prior={"lr": 1e-3, "k": "c"}), space=SPACE)
    first = study.ask().params
    assert first == {"lr": pytest.approx(1e-3), "n": 5, "k": "c", "on": False}


def test_a_value_outside_its_domain_is_said():
    study = tw.create_study(sampler=GP(prior={"n": 12}), space=SPACE)
    with pytest.raises(SpaceError, match="'n'"):
        study.ask()


def mean_best(prior, n_trials):
    def loss(trial):
        x = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(6)])
        return float(np.sqrt(((x - 0.7) ** 2).sum()))

    best = []
    for seed in range(3):
        study = tw.create_study(sampler=Auto(prior=prior), seed=seed)
        study.optimize(loss, n_trials)
        best.append(study.best_value)
    return np.mean(best)


def test_a_right_prior_helps_and_a_wrong_one_is_overcome():
    right, wrong = ({f"x{i}": at for i in range(6)} for at in (0.75, 0.1))
    assert mean_best(right, 10) < 0.7 * mean_best(None, 10)
    assert mean_best(wrong, 45) < 0.25


def test_the_settings_remember_it():
    sampler = Auto(prior={"lr": 1e-3})
    assert tw.samplers.from_settings(tw.samplers.settings(sampler)) == sampler
