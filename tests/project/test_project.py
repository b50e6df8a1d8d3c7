"""A project goes from exploration to a tested adoption, and goes on where it stopped."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import NoTrials, SettingError
from tunewise.playbook import Adoption, Verdict

pytestmark = pytest.mark.usefixtures("quiet")


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
    r.override("the training is saturated early, in every arm alike")
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


def test_selection_runs_are_refused_as_evidence():
    from tunewise.playbook.adopt import refuse_selection

    p = project()
    r = p.round("x").run(4)
    with pytest.raises(SettingError, match="used for selection is no evidence"):
        refuse_selection(list(r.study.trials))
    p.measure_noise(seeds=3)
    refuse_selection(list(tw.load_study("toy/noise", p._storage).trials))


def test_a_trial_number_names_a_candidate_whose_own_run_does_not_count():
    p = project()
    r = p.round("x").run(8)
    best = r.study.best_trial
    decision = p.adopt(best.number, looks=(3,))
    assert decision.candidate == best.params
    assert best.value not in decision.candidate_values
    assert p.log[0]["evidence"] == ["toy/adopt 1 candidate", "toy/adopt 1 baseline"]


def test_a_cost_sets_what_a_change_has_to_be_worth():
    p = project()
    p.round("x").run(8)
    sd = p.measure_noise(seeds=5).sd("trial variance (seed)")
    assert p.adopt(p.rounds[0].best(), looks=(3,)).min_effect == 0
    assert p.adopt(
        p.rounds[0].best(), cost="one more hyperparameter", looks=(3,)
    ).min_effect == pytest.approx(sd / 2, rel=0.5)
    components = p.adopt(p.rounds[0].best(), cost={"components": 2, "compute": 0.001}, looks=(3,))
    assert components.min_effect > components.sigma
    with pytest.raises(SettingError, match="cost names"):
        p.adopt(p.rounds[0].best(), cost={"beauty": 1})
    with pytest.raises(SettingError, match="looks is"):
        p.adopt(p.rounds[0].best(), looks=(5, 3))


def test_leaders_are_retrained_and_ranked_by_fresh_runs():
    p = project()
    p.round("x").run(16)
    ranked = p.retrain_leaders(n=3, seeds=3)
    assert len(ranked) == 3
    assert p.noise.components[0].n == 9
    before = len(CALLS)
    p.retrain_leaders(n=3, seeds=3)
    assert len(CALLS) == before
    with pytest.raises(NoTrials):
        project().retrain_leaders()


def test_repeated_searches_measure_the_study_variance():
    p = project()
    p.round("x").run(8)
    budget = p.measure_study_variance(trials=8, studies=3, seeds=2)
    assert budget.sd("study variance (search)") is not None
    assert budget.sd("data variance (split)") is None


def test_after_a_launch_stale_settings_are_probed(tmp_path):
    space = tw.Space({"lr": tw.Float(1e-4, 1.0, log=True), "width": tw.Int(8, 64, log=True)})
    p = project(tmp_path / "p.db", space=space)
    with pytest.raises(SettingError, match="Nothing was adopted"):
        p.retune("lr")
    p.adopt({"lr": 1e-3, "width": 64})
    assert p.incumbent["width"] == 64
    stale = next(f for f in p.check() if f.code == "P12")
    assert stale.command == "project.retune('lr')"
    probed = p.retune("lr")
    assert probed.code == "P99"
    before = len(CALLS)
    project(tmp_path / "p.db", space=space).retune("lr")
    assert len(CALLS) == before


def test_the_project_as_a_whole_is_checked():
    p = project()
    assert {f.code: f.verdict.value for f in p.check()}["P50"] == "UNSURE"
    p.round("x").run(24)
    p.measure_noise(seeds=4)
    findings = {f.code: f for f in p.check()}
    assert findings["P50"].effect == pytest.approx(0.004, rel=0.9)
    assert findings["P89"].verdict.value in ("OK", "ACT")
    assert "P60" in findings
    assert {row["study"] for row in p.table} == {"noise", "round x"}


def test_the_test_set_can_take_several_networks_in_one_look():
    p = project()
    value = p.test(train, seeds=3)
    assert value == pytest.approx(0.3, abs=0.2)
    with pytest.raises(SettingError, match="used already"):
        p.test(train)
    p.test(train, force=True)
    assert p._n_tests == 2


def test_noise_that_was_measured_before_exploring_is_measured_again_for_what_was_found(tmp_path):
    p = project(tmp_path / "p.db")
    p.measure_noise(seeds=3)
    before = len(CALLS)
    p.measure_noise(seeds=3)
    assert len(CALLS) == before
    p.round("What works?").run(12)
    before = len(CALLS)
    p.measure_noise(seeds=3)
    assert len(CALLS) == before + 3
    p.measure_noise(seeds=3)
    assert len(CALLS) == before + 3


def test_the_goal_alone_brings_back_a_round_with_its_roles(tmp_path):
    p = project(tmp_path / "p.db")
    first = p.round("Which width?", scientific={"width": [8, 16]}, nuisance=["lr"])
    first.run(8)
    again = p.round("Which width?")
    assert p.rounds == [again]
    assert again.roles == first.roles
    assert again.scientific == first.scientific
    fixed = p.round("Which rate?", nuisance=["lr"])
    assert fixed.fixed == {"width": p.incumbent["width"]}
    p.round("Which width?")
    assert [r.goal for r in p.rounds] == ["Which rate?", "Which width?"]
    reopened = project(tmp_path / "p.db").round("Which rate?")
    assert reopened.fixed == fixed.fixed


def test_what_a_round_fixed_stays_fixed_when_another_configuration_is_adopted(tmp_path):
    p = project(tmp_path / "p.db")
    first = p.round("Which rate?", nuisance=["lr"])
    before = dict(first.fixed)
    adopted = {"verdict": "ADOPT", "candidate": {**p.incumbent, "width": before["width"] + 1}}
    p._book.set_user_attr("launch_log", [adopted])
    assert p.incumbent["width"] == before["width"] + 1
    assert p.round("Which rate?", nuisance=["lr"]).fixed == before
    assert p.round("Which rate?", nuisance=["lr"], fixed={"width": 3}).fixed == {"width": 3}


def test_the_best_of_a_round_awaits_a_decision_until_its_command_was_run():
    p = project()
    assert "P58" not in {f.code for f in p.check()}
    p.round("What works?").run(24)
    waiting = next(f for f in p.check() if f.code == "P58")
    assert waiting.verdict == "UNSURE"
    assert "lr 0.001 ->" in waiting.headline
    decision = eval(waiting.command, {"project": p})
    assert decision.candidate == p.round("What works?").best()
    decided = next(f for f in p.check() if f.code == "P58")
    assert (decided.verdict, decided.command) == ("OK", "")
    assert decision.verdict.value in decided.headline


def test_a_scientific_value_awaits_a_decision_against_the_one_in_use_when_both_are_tuned():
    p = project()
    widths = p.round("Does width help?", scientific={"width": [8, 16, 64]}, nuisance=["lr"]).run(24)
    waiting = next(f for f in p.check() if f.code == "P58")
    decision = eval(waiting.command, {"project": p})
    assert decision.candidate == widths.best(width=64)
    assert decision.baseline == widths.best(width=16)
    assert "one more setting" in decision.cost
    assert widths.rivals({"width": 64})[1] == {"width": 64}
    assert widths.rivals({"width": 3})[1] == {"width": 8}


def test_names_with_dots_are_no_keywords_in_commands():
    def dotted(trial):
        return trial.suggest_categorical("net.act", ["relu", "gelu"]).count("e") + trial.suggest_float(
            "lr", 0, 1
        )

    p = tw.Project("dots", dotted, defaults={"net.act": "gelu", "lr": 0.5})
    p.round("Which?", scientific=["net.act"], nuisance=["lr"], space=tw.Space({
        "net.act": tw.Categorical(("relu", "gelu")), "lr": tw.Float(0.0, 1.0)})).run(12)  # fmt: skip
    decision = eval(next(f for f in p.check() if f.code == "P58").command, {"project": p})
    assert decision.candidate["net.act"] == "relu"


def test_the_first_configuration_has_to_beat_one_that_learned_nothing():
    for trivial, verdict in ((0.9, Verdict.OK), (0.2, Verdict.ACT)):
        p = project(trivial=trivial)
        p.measure_noise(seeds=3)
        (said,) = [f for f in p.check() if f.code == "P13"]
        assert said.verdict == verdict
        assert bool(said.command) == (verdict == Verdict.ACT)
    assert "P13" not in {f.code for f in project().check()}


def test_roles_are_proposed_for_what_was_explored():
    p = project()
    with pytest.raises(NoTrials, match="No space is known"):
        p.propose_roles()
    p.round("What works?").run(24)
    assert p.propose_roles(["width"])["width"][0] == "scientific"
    assert p.propose_roles(["width"])["lr"][0] == "nuisance"
    with pytest.raises(SettingError, match="depth"):
        p.propose_roles(["depth"])
