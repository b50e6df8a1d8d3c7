"""`tunewise.optuna.samplers`: Optuna's names and keywords for our samplers."""

import inspect

import optuna
import pytest

import tunewise.optuna
from tunewise import samplers as native
from tunewise.optuna import samplers as ours

MADE = {
    "RandomSampler": (lambda: ours.RandomSampler(seed=1), native.Random),
    "TPESampler": (
        lambda: ours.TPESampler(n_startup_trials=3, n_ei_candidates=8, multivariate=True, group=True, seed=1),
        lambda: native.TPE(n_startup=3, n_candidates=8),
    ),
    "GPSampler": (lambda: ours.GPSampler(n_startup_trials=5, seed=1), lambda: native.GP(n_startup=5)),
    "CmaEsSampler": (lambda: ours.CmaEsSampler(popsize=9, seed=1), lambda: native.CmaEs(population=9)),
    "QMCSampler": (
        lambda: ours.QMCSampler(qmc_type="halton", scramble=True, seed=1),
        lambda: native.QMC(kind="halton"),
    ),
    "GridSampler": (lambda: ours.GridSampler({"x": [1, 2]}, seed=1), lambda: native.Grid({"x": (1, 2)})),
    "BruteForceSampler": (lambda: ours.BruteForceSampler(seed=1), native.BruteForce),
    "NSGAIISampler": (
        lambda: ours.NSGAIISampler(population_size=20, seed=1),
        lambda: native.NSGA2(population=20),
    ),
    "NSGAIIISampler": (
        lambda: ours.NSGAIIISampler(population_size=20, seed=1),
        lambda: native.NSGA3(population=20),
    ),
    "PartialFixedSampler": (
        lambda: ours.PartialFixedSampler({"x": 1}, ours.RandomSampler(seed=1)),
        lambda: native.PartialFixed({"x": 1}, native.Random()),
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_settings_and_seed_arrive(name):
    made, wanted = MADE[name]
    assert made() == ours.BaseSampler(wanted(), 1)


@pytest.mark.parametrize("name", MADE)
def test_every_keyword_is_one_of_optunas(name):
    mine = inspect.signature(getattr(ours, name)).parameters.values()
    theirs = inspect.signature(getattr(optuna.samplers, name)).parameters
    named = [parameter.name for parameter in mine if parameter.kind != parameter.VAR_KEYWORD]
    assert set(named) <= set(theirs)


@pytest.mark.parametrize("name", MADE)
def test_it_runs_a_study(name):
    tunewise.optuna.logging.set_verbosity(tunewise.optuna.logging.ERROR)
    study = tunewise.optuna.create_study(sampler=MADE[name][0]())
    study.optimize(lambda trial: float(trial.suggest_int("x", 1, 2)), n_trials=2)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE"]


def test_a_keyword_without_a_counterpart_is_said():
    with pytest.warns(UserWarning, match="TPESampler has no setting gamma, multivariate here"):
        ours.TPESampler(gamma=None, multivariate=False)
    with pytest.warns(UserWarning, match="NSGAIISampler has no setting crossover"):
        ours.NSGAIISampler(crossover=None)


def test_the_default_is_tpe():
    study = tunewise.optuna.create_study()
    assert study.native.sampler.name == "tpe"
    assert study.native.pruner.name == "median"
