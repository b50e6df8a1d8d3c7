"""A study is replayed bit for bit only by the version that made it, so other points need another version."""

import json

import pytest

import tunewise as tw
from tunewise.samplers import from_settings, settings, versions

S = tw.samplers
LAST_POINTS = [
    (S.Random(), 1, 1, 0.523953, 51),
    (S.QMC(), 1, 1, 0.553880, 59),
    (S.QMC(kind="halton"), 1, 1, 0.924234, 364),
    (S.TPE(), 1, 1, 0.286691, 13),
    (S.TPE(), 2, 1, 0.447299, 16),
    (S.GP(), 1, 1, 0.303901, 1),
    (S.GP(), 2, 1, 0.651055, 1),
    (S.Auto(n_model=13), 1, 1, 0.303901, 1),
    (S.Auto(n_model=12), 1, 1, 0.182876, 106),
    (S.Auto(n_model=12), 2, 1, 0.507520, 125),
    (S.CmaEs(), 1, 1, 0.370782, 108),
    (S.NSGA2(population=4), 2, 1, 0.695351, 92),
    (S.NSGA3(population=4), 2, 1, 0.737579, 23),
]


def last_point(sampler, n_goals):
    study = tw.create_study(sampler=sampler, seed=7, directions=["minimize"] * n_goals)
    for _ in range(14):
        trial = study.ask()
        x, n = trial.suggest_float("x", 0.0, 1.0), trial.suggest_int("n", 1, 500)
        study.tell(trial, [(x - 0.3) ** 2 + n / 500, abs(x - 0.7)][:n_goals])
    return study.trials.row(13).params


@pytest.mark.parametrize(("sampler", "n_goals", "version", "x", "n"), LAST_POINTS)
def test_other_points_of_a_sampler_need_another_version(sampler, n_goals, version, x, n):
    params = last_point(sampler, n_goals)
    assert sampler.version == version
    assert abs(params["x"] - x) < 1e-4, "raise the version of the sampler, and write down the new point here"
    assert abs(params["n"] - n) <= 1


def test_the_version_is_stored_with_those_of_its_parts():
    sampler = S.PartialFixed({"x": 1.0}, S.TPE())
    stored = json.loads(json.dumps(settings(sampler)))
    assert stored["version"] == 1
    assert stored["base"]["sampler"]["version"] == settings(S.TPE())["version"]
    assert from_settings(stored) == sampler


@pytest.mark.parametrize(("recorded", "began"), [({"version": 99}, 99), ({}, 0)])
def test_another_version_is_told_from_the_present_one(recorded, began):
    present = settings(from_settings({"name": "tpe"}))["version"]
    assert versions({"name": "tpe", **recorded}) == (began, present)
