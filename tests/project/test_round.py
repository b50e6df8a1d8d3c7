"""Rounds against planted truth: even designs, repairs that do what was printed, choices and configurations kept apart."""

import numpy as np
import pytest

import tunewise as tw
from tunewise import sim
from tunewise.errors import NoTrials, SettingError
from tunewise.playbook import Verdict
from tunewise.sim import place

pytestmark = pytest.mark.usefixtures("quiet")


def project(problem, **more):
    defaults = {
        **dict.fromkeys(problem.names, 0.01),
        **{n: next(iter(v)) for n, v in problem.effects.items()},
    }
    return tw.Project("toy", problem, defaults=defaults, space=problem.space, **more)


BOWL = sim.Problem((0.4, 0.6), (1.0, 0.5), noise_sd=0.01, effects={"opt": {"a": 0.0, "b": -0.2}})


def test_arms_run_the_same_points_and_go_on_where_they_stopped():
    r = project(BOWL).round("opt?", scientific=["opt"]).run(10)
    first = [t.params for t in r.study.trials]
    r.run(20)
    trials = [t.params for t in r.study.trials]
    assert trials[:10] == first
    points = {arm: [(p["x0"], p["x1"]) for p in trials if p["opt"] == arm] for arm in ("a", "b")}
    assert points["a"] == points["b"]
    assert len(set(points["a"])) == 10
    assert not r.evidence().adaptive
    assert len(r.evidence().rows) == 20
    assert r.isolate("opt").matched


def test_the_matched_points_are_the_quasi_random_sequence():
    r = project(BOWL, seed=3).round("opt?", scientific=["opt"]).run(16)
    u = np.array([place(t.params["x0"]) for t in r.study.trials][::2])
    assert sorted((u * 8).astype(int)) == list(range(8))  # one point in each eighth


def test_a_define_by_run_function_is_probed_first():
    def train(trial):
        use = trial.suggest_categorical("use", [False, True])
        x = trial.suggest_float("x", 1.0, 2.0)
        extra = trial.suggest_float("rate", 0.1, 0.5) if use else 0.3
        return x + extra

    p = tw.Project("probe", train, defaults={"use": False, "x": 1.5})
    r = p.round("use?", scientific={"use": [False, True]}).run(12)
    counts = [t.params["use"] for t in r.study.trials].count(True)
    assert counts == 6
    assert {len(t.params) for t in r.study.trials} == {2, 3}


def test_repair_widens_runs_only_the_new_part_and_finds_the_optimum():
    problem = sim.Problem((1.1, 0.5), (1.0, 0.3), noise_sd=0.005)
    p = project(problem)
    r = p.round("what works?").run(40)
    acts = {f.subject: f for f in r.check().acts}
    assert 'project.round("what works?")' in acts["x0"].command.replace("'", '"')
    before = len(r.study.trials)
    after = r.repair(max_trials=15)
    added = [t.params["x0"] for t in r.study.trials][before:]
    assert len(added) == 13
    assert all(x > 1.0 for x in added)
    assert place(r.best()["x0"]) == pytest.approx(1.1, abs=0.12)
    assert "x0" not in {f.subject for f in after.acts}


def test_repair_stays_under_its_cap_and_can_do_one_thing():
    problem = sim.Problem((1.3, 1.3), (1.0, 1.0), noise_sd=0.005)
    r = project(problem).round("q").run(40)
    assert {f.subject for f in r.check().acts} >= {"x0", "x1"}
    r.repair(max_trials=7, only="x1")
    assert len(r.study.trials) == 47
    assert r.space["x0"] == problem.space["x0"]
    assert r.space["x1"] != problem.space["x1"]
    r.repair(max_trials=0)
    assert len(r.study.trials) == 47


def test_repair_keeps_arms_equal():
    problem = sim.Problem((1.3, 0.5), (1.0, 0.3), noise_sd=0.005, effects={"opt": {"a": 0.0, "b": -0.1}})
    r = project(problem).round("opt?", scientific=["opt"]).run(48)
    r.repair(max_trials=12)
    arms = [t.params["opt"] for t in r.study.trials]
    assert arms.count("a") == arms.count("b")


def test_choices_and_configurations_are_different_statements():
    r = project(BOWL).round("opt?", scientific=["opt"]).run(40)
    claim = r.compare("opt", "b", "a")
    assert claim.verdict == Verdict.OK
    assert claim.scope == "choice"
    assert r.isolation("opt")["b"] < r.isolation("opt")["a"]
    with pytest.raises(NoTrials, match="has no 4 trials"):
        r.compare("opt", "b", "c")
    with pytest.raises(NoTrials):
        r.isolate("nothing")


def test_the_simplest_of_equals_is_taken():
    effects = {"width": {8: 0.3, 16: 0.0, 32: 0.0, 64: 0.0}}
    problem = sim.Problem((0.5,), (0.5,), noise_sd=0.01, effects=effects)
    p = project(problem, min_effect=0.01)
    r = p.round("how wide?", scientific=["width"]).run(60)
    assert r.simplest_best("smaller width")["width"] == 16
    assert r.simplest_best("larger width")["width"] == 64
    with pytest.raises(SettingError, match="smaller NAME"):
        r.simplest_best("width")


def test_designs_leaders_and_caveats():
    p = project(BOWL)
    r = p.round("opt?", scientific=["opt"], fixed={"x1": 0.01})
    assert [d.arms for d in r.design(40)] == [2]
    with pytest.raises(SettingError, match="fewer than 4"):
        r.design(6)
    r.run(20)
    assert r.caveats == ["x1 was fixed at 0.01: the conclusion may not hold for other values."]
    leaders = r.leaders(3)
    assert leaders[0] == r.best()
    assert len(leaders) == 3
    with pytest.raises(NoTrials):
        p.round("empty").best()


def test_exploitation_recommends_what_is_expected_to_be_best_not_the_luckiest():
    problem = sim.Problem((0.5, 0.5), (1.0, 0.3), noise_sd=0.1)
    p = project(problem)
    p.round("explore").run(30)
    found = p.exploit(10)
    assert problem.mean(found.best()) <= problem.mean(found.study.best_params) + 0.02
    assert found.study.user_attrs["gate"]["verdict"] in ("OK", "ACT")
    assert found.evidence().adaptive or len(found.evidence().rows) == 0


def test_a_shut_gate_is_noted_or_refused():
    problem = sim.Problem((1.4, 0.5), (1.0, 0.3), noise_sd=0.005)
    p = project(problem)
    p.round("explore").run(40)
    with pytest.raises(SettingError, match="Not ready"):
        p.exploit(5, strict=True)
    assert p.exploit(5).study.user_attrs["gate"]["verdict"] == "ACT"
