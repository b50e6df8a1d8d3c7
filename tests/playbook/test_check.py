"""The whole checklist at once: odd studies get sentences, several tests are screened, costs are priced."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.playbook import Finding, Verdict, check
from tunewise.playbook.check import priced, screened
from tunewise.space import Categorical, Float, Space

CUBE = Space({"a": Float(1, 2), "b": Float(1, 2)})


@pytest.mark.parametrize("sampler", ["qmc", "tpe"])
@pytest.mark.parametrize(
    "kind", ["empty", "one", "all infeasible", "all equal", "choices only", "failed", "mixed"]
)
def test_odd_studies_get_a_sentence_never_a_traceback(kind, sampler):
    space = Space({"k": Categorical(("a", "b", "c"))}) if kind == "choices only" else CUBE
    value = {"all infeasible": math.nan, "failed": None}.get(kind, 1.0)
    n = {"empty": 0, "one": 1}.get(kind, 15)
    study = tw.create_study(sampler=sampler, seed=0, space=space)
    study.optimize(lambda t: [1.0, math.nan, None][t.number % 3] if kind == "mixed" else value, n)
    findings = check(study.trials)
    assert len(findings) >= 4
    assert all(f.headline.endswith((".", ")")) for f in findings)
    assert findings.verdict in Verdict
    assert str(findings)
    assert findings.to_json()


def test_curves_of_all_kinds_get_a_sentence():
    study = tw.create_study(sampler="qmc", seed=0, space=CUBE)
    lengths = [0, 1, 2, 5, 6, 7, 30, 300]

    def train(trial):
        for i in range(lengths[trial.number % len(lengths)]):
            trial.report(
                {"value": math.nan if trial.number == 3 else 1 / (i + 1), "train_loss": 0.5},
                i * (1 + trial.number % 2),
            )
        return 1.0 + trial.params["a"]

    study.optimize(train, 24)
    findings = check(study.trials, noise_sd=0.1)
    assert all(f.headline for f in findings)


def test_a_renamed_parameter_and_conditions_keep_their_trials():
    study = tw.create_study(sampler="random", seed=0)

    def train(trial):
        name = "lr" if trial.number < 15 else "learning_rate"
        rate = trial.suggest_float(name, 1e-4, 1e-1, log=True)
        extra = trial.suggest_float("momentum", 0.1, 0.9) if trial.number % 2 else 0.5
        return abs(math.log10(rate) + 2) + extra

    study.optimize(train, 30)
    findings = check(study.trials)
    share = next(f for f in findings if f.code == "P26")
    assert "0 of 30" in share.headline
    assert {f.subject for f in findings if f.code == "P27"} == {"lr", "learning_rate", "momentum"}


def test_the_wrong_direction_is_noticed():
    for name, direction, wrong in (
        ("val_accuracy", "minimize", True),
        ("val_accuracy", "maximize", False),
        ("val_loss", "maximize", True),
        ("error", "minimize", False),
        ("value", "maximize", False),
    ):
        study = tw.create_study(goals={name: direction}, sampler="random", seed=0, space=CUBE)
        study.optimize(lambda t: t.params["a"], 5)
        assert any(f.code == "P1" and f.verdict == Verdict.ACT for f in check(study.trials)) == wrong


def test_several_goals_are_refused():
    study = tw.create_study(directions=["minimize", "maximize"], sampler="random")
    with pytest.raises(SettingError, match="one goal"):
        check(study.trials)


def test_thousands_of_parameters_are_no_trouble():
    space = Space({f"p{j}": Float(1, 2) for j in range(2000)})
    study = tw.create_study(sampler="random", seed=0, space=space)
    study.optimize(lambda t: t.params["p0"], 20)
    findings = check(study.trials)
    assert len(findings) < 80
    assert any("2000 parameters are too many" in f.headline for f in findings)


def test_pruned_trials_are_not_missing():
    study = tw.create_study(sampler="qmc", seed=0, space=CUBE, pruner="median")

    def train(trial):
        for step in range(10):
            trial.report(trial.params["a"] + 1 / (step + 1), step)
            if trial.should_prune():
                raise tw.TrialPruned
        return trial.params["a"]

    study.optimize(train, 40)
    assert (study.trials.state == tw.TrialState.PRUNED).sum() > 5
    assert "0 of 40" in next(f.headline for f in check(study.trials) if f.code == "P26")


def test_findings_by_chance_alone_are_screened():
    def finding(chance, verdict=Verdict.ACT):
        return Finding(
            "P0", "x", verdict, "Something.", chance=chance, change={"trials": 1}, next_action="go on"
        )

    alone = screened([finding(0.04)])
    assert alone[0].verdict == Verdict.ACT
    crowd = screened([finding(0.04), *[finding(0.5, Verdict.OK)] * 11])
    assert crowd[0].verdict == Verdict.UNSURE
    assert crowd[0].change is None
    assert "12 tests" in crowd[0].headline
    assert crowd[0].next_action == "more trials decide whether to go on"
    strong = screened([finding(0.001), *[finding(0.5, Verdict.OK)] * 11])
    assert strong[0].verdict == Verdict.ACT
    by_size = Finding("P0", "x", Verdict.ACT, "Something.")
    assert screened([by_size]) == [by_size]


def test_costs_are_in_trials_and_in_time():
    finding = priced(Finding("P0", "x", Verdict.ACT, "S.", next_action="run", cost_trials=10), 90.0)
    assert finding.cost_seconds == 900
    assert "+10 trials, about 15 min" in str(finding)
    assert priced(finding, 1.0) is finding
    assert priced(Finding("P0", "x", Verdict.OK, "S."), 90.0).cost_seconds is None


def test_a_check_repeated_says_the_same():
    study = tw.create_study(sampler="qmc", seed=0, space=CUBE)
    study.optimize(lambda t: t.params["a"] + 0.1 * np.random.default_rng(t.number).random(), 40)
    assert str(check(study.trials)) == str(check(study.trials))


def test_direction_changes_no_verdict():
    def made(sign, direction):
        study = tw.create_study(sampler="qmc", seed=0, space=CUBE, direction=direction)
        study.optimize(lambda t: sign * ((t.params["a"] - 2.3) ** 2 + t.params["b"]), 40)
        return {(f.code, f.subject): f.verdict for f in check(study.trials, noise_sd=0.01)}

    assert made(1.0, "minimize") == made(-1.0, "maximize")
