"""A project goes from exploration to a tested adoption, and goes on where it stopped."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import NoTrials, SettingError
from tunewise.playbook import Adoption


@pytest.fixture(autouse=True)
def _quiet():
    tw.logging.set_verbosity(50)


CALLS = []


def train(trial):
    CALLS.append(trial.number)
    rng = np.random.default_rng(trial.seed)
    lr = trial.suggest_float("lr", 1e-4, 1.0, log=True)
    width = trial.suggest_int("width", 8, 64, log=True)
    if lr > 0.3:
        return math.nan
    error = 0.2 + 0.05 * (math.log10(lr) + 1.5) ** 2 + 0.4 / width
    for step in range(10):
        trial.report(error + math.exp(-step) + 0.002 * rng.standard_normal(), step)
    return error + 0.004 * rng.standard_normal()


def project(storage=None, **more):
    defaults = {"lr": 1e-3, "width": 16}
    return tw.Project("toy", train, metric="error", defaults=defaults, storage=storage, **more)


def test_from_exploration_to_a_test(tmp_path):
    p = project(tmp_path / "p.db")
    r = p.round("What works?").run(24)
    assert len(r.study.trials) == 24
    assert r.roles == {"lr": "nuisance", "width": "nuisance"}
    p.exploit(12)
    assert str(p.noise).count("not measured") == 4
    assert p.measure_noise(seeds=5).sd("trial variance (seed)") == pytest.approx(0.004, rel=0.9)
    decision = p.adopt(p.rounds[-1].best(), cost="none")
    assert decision.verdict == Adoption.ADOPT
    assert p.incumbent == decision.candidate
    assert p.test(train) == pytest.approx(0.21, abs=0.03)
    with pytest.raises(SettingError, match="used already"):
        p.test(train)
    again = project(tmp_path / "p.db")
    assert again.incumbent == p.incumbent
    assert again.log == p.log
    before = len(CALLS)
    again.round("What works?").run(24)
    again.measure_noise(seeds=5)
    assert len(CALLS) == before


def test_nothing_is_adopted_against_itself():
    p = project()
    decision = p.adopt(p.incumbent, cost="a component")
    assert decision.verdict != Adoption.ADOPT or decision.p_worth >= 0.8
    assert p.log[0]["verdict"] == decision.verdict.value


def test_fresh_seeds_are_never_reused():
    p = project()
    p.round("x").run(4)
    p.measure_noise(seeds=3)
    p.adopt({"lr": 0.03, "width": 64})
    names = [n for n in p._storage.studies() if "noise" in n or "adopt" in n]
    seeds = {n: [t.user_attrs["seed"] for t in tw.load_study(n, p._storage).trials] for n in names}
    assert all(len(of) == len(set(of)) for of in seeds.values())
    arms = [of for n, of in seeds.items() if "adopt" in n]
    assert arms[0] == arms[1]  # both arms on the same fresh seeds
    assert not set(arms[0]) & set(next(of for n, of in seeds.items() if "noise" in n))
    searched = {t.user_attrs.get("seed") for t in p.rounds[0].study.trials}
    assert searched == {None}


def test_scientific_values_get_equal_trials_and_the_rest_stays_even():
    p = project(space=tw.Space({"lr": tw.Float(1e-4, 1.0, log=True), "width": tw.Int(8, 64, log=True)}))
    r = p.round("How wide?", scientific={"width": [8, 16, 32, 64]}).run(30)
    widths = [t.params["width"] for t in r.study.trials]
    assert [widths.count(w) for w in (8, 16, 32, 64)] == [8, 8, 8, 8]
    points = {w: [t.params["lr"] for t in r.study.trials if t.params["width"] == w] for w in (8, 16, 32, 64)}
    assert len(set(points[8])) == 8
    assert (
        points[8] == points[16] == points[32] == points[64]
    )  # matched: the same nuisance points in every arm
    assert r.roles["width"] == "scientific"
    best = r.isolation("width")
    assert best[64] < best[8]
    assert r.best(width=16)["width"] == 16
    assert r.simplest_best("smaller width")["width"] in (16, 32, 64)


def test_fixed_and_patterned_parameters_stay_at_the_incumbent():
    p = project(space=tw.Space({"lr": tw.Float(1e-4, 1.0, log=True), "width": tw.Int(8, 64, log=True)}))
    r = p.round("Rate?", nuisance=["l*"]).run(5)
    assert {t.params["width"] for t in r.study.trials} == {16}
    assert r.roles == {"lr": "nuisance", "width": "fixed"}


def test_repair_widens_the_range_that_was_too_narrow():
    space = tw.Space({"lr": tw.Float(1e-4, 3e-3, log=True), "width": tw.Int(8, 64, log=True)})
    r = project(space=space).round("Narrow").run(30)
    assert any(f.subject == "lr" and f.code == "P27" for f in r.check().acts)
    r.repair(max_trials=12)
    assert r.space["lr"].high == pytest.approx(3e-2)
    assert max(t.params["lr"] for t in r.study.trials) > 3e-3
    assert len(r.study.trials) <= 30 + 12


def test_a_baseline_that_leaves_a_parameter_open_is_refused():
    p = tw.Project("toy", train, metric="error", defaults={"lr": 1e-3})
    with pytest.raises(SettingError, match="width"):
        p.adopt({"lr": 0.01, "width": 16})


def test_wrong_order_is_explained():
    with pytest.raises(NoTrials, match="run a round first"):
        project().exploit(3)
    with pytest.raises(NoTrials, match="run it first"):
        project().round("x").best()
    with pytest.raises(SettingError, match="at least 2"):
        project().measure_noise(seeds=1)
