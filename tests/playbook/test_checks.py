"""The checks against planted truth: they see what is there and are quiet where nothing is. Bounds include Monte-Carlo error."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.playbook import Verdict, check
from tunewise.playbook.boundaries import widened
from tunewise.space import Categorical, Float, Int, Space


@pytest.fixture(autouse=True)
def _quiet():
    tw.logging.set_verbosity(50)


def study_of(loss, n, seed, space, sampler="qmc"):
    study = tw.create_study(sampler=sampler, seed=seed, space=space)
    rng = np.random.default_rng(seed)
    study.optimize(lambda t: loss(t.params, rng), n)
    return study.trials


CUBE = Space({"a": Float(0, 1), "b": Float(0, 1), "c": Float(0, 1)})


def found(trials, code, **options):
    return [f for f in check(trials, **options) if f.code == code]


def bowl(at):
    return lambda p, rng: (p["a"] - at) ** 2 + 0.3 * (p["b"] - 0.5) ** 2 + 0.01 * rng.standard_normal()


def test_an_edge_is_seen_and_the_middle_is_left_alone():
    hits = alarms = irrelevant = 0
    runs = 40
    for seed in range(runs):
        edge = {f.subject: f for f in found(study_of(bowl(1.3), 40, seed, CUBE), "P27")}
        hits += edge["a"].verdict == Verdict.ACT and edge["a"].change["space"]["a"].high > 1
        irrelevant += edge["c"].verdict == Verdict.ACT
        middle = found(study_of(bowl(0.5), 40, seed, CUBE), "P27")
        alarms += sum(f.verdict == Verdict.ACT for f in middle)
    assert hits >= 0.95 * runs - 2
    assert irrelevant <= 0.05 * runs + 2
    assert alarms <= 0.05 * 3 * runs + 4


def test_an_adaptive_study_gets_only_what_a_surrogate_can_say():
    trials = study_of(bowl(1.3), 40, 1, CUBE, sampler="tpe")
    assert {f.verdict for f in found(trials, "P29")} == {Verdict.NA}
    assert {f.verdict for f in found(trials, "P46")} == {Verdict.NA}
    edges = {f.subject: f for f in found(trials, "P27")}
    assert all("surrogate" in f.data_used for f in edges.values())
    assert edges["b"].verdict == edges["c"].verdict == Verdict.OK


def test_few_trials_are_not_enough():
    assert {f.verdict for f in found(study_of(bowl(1.3), 6, 1, CUBE), "P27")} == {Verdict.UNSURE}


def test_widening_respects_natural_limits():
    assert widened("lr", Float(1e-5, 1e-2, log=True), "high") == Float(1e-5, 1e-1, log=True)
    assert widened("dropout", Float(0, 0.5), "low") is None
    assert widened("dropout", Float(0.0, 0.5), "high").high == 0.75
    assert widened("momentum", Float(0.0, 1.0), "high") is None
    assert widened("layers", Int(1, 5), "low") is None
    assert widened("layers", Int(1, 5), "high") == Int(1, 7)
    assert widened("width", Int(8, 64, log=True), "high") == Int(8, 128, log=True)
    assert widened("x", Categorical((1, 2), ordered=True), "high") is None


def test_an_ordered_choice_at_its_end_asks_for_another_choice():
    space = Space({"size": Categorical((32, 64, 128, 256), ordered=True), "a": Float(0, 1)})
    trials = study_of(lambda p, rng: -math.log2(p["size"]) + p["a"] * 0.01, 48, 0, space)
    size = next(f for f in found(trials, "P27") if f.subject == "size")
    assert size.verdict == Verdict.ACT
    assert "256" in size.next_action


def test_divergence_is_counted_and_located():
    space = Space({"lr": Float(1e-5, 1.0, log=True), "a": Float(0, 1)})
    trials = study_of(lambda p, rng: math.nan if p["lr"] > 1e-3 else p["a"], 60, 3, space)
    (finding,) = found(trials, "P26")
    assert finding.verdict == Verdict.ACT
    assert 10**-3.4 < finding.change["space"]["lr"].high < 10**-2.6
    assert finding.interval[0] < 0.6 < finding.interval[1]
    (calm,) = found(study_of(lambda p, rng: p["a"], 60, 3, CUBE), "P26")
    assert calm.verdict == Verdict.OK


def test_what_doubling_buys_is_compared_with_the_noise():
    trials = study_of(lambda p, rng: p["a"] + p["b"] + p["c"], 32, 0, CUBE)
    assert found(trials, "P29")[0].verdict == Verdict.UNSURE
    assert found(trials, "P29", noise_sd=10.0)[0].verdict == Verdict.OK
    assert found(trials, "P29", noise_sd=1e-4)[0].verdict == Verdict.ACT


def curve_study(curve, schedule=None, n=12):
    study = tw.create_study(sampler="qmc", seed=0, space=CUBE)
    rng = np.random.default_rng(0)

    def objective(trial):
        values = curve(rng) + trial.params["a"]
        for step, value in enumerate(values):
            trial.report(float(value), step)
        if schedule:
            trial.set_user_attr("schedule", schedule)

    study.optimize(objective, n)
    return study.trials


def noisy(shape, sd=0.01):
    return lambda rng: shape + sd * rng.standard_normal(len(shape))


def test_curves_say_what_was_planted():
    steps = np.arange(50)
    flat = np.exp(-steps / 4)
    rising = flat + 0.004 * np.maximum(steps - 20, 0)
    falling = np.linspace(1.0, 0.0, 50)

    def verdicts(shape, schedule):
        findings = check(curve_study(noisy(shape), schedule))
        return {f.code: f.verdict for f in findings}

    assert verdicts(flat, "constant")["P35"] == Verdict.OK
    assert verdicts(flat, "constant")["P39"] == Verdict.OK
    assert verdicts(rising, "constant")["P35"] == Verdict.ACT
    assert verdicts(falling, "constant")["P39"] == Verdict.ACT
    assert verdicts(falling, None)["P39"] == Verdict.UNSURE
    assert verdicts(falling, "cosine")["P39"] == Verdict.NA


def test_healthy_plateaus_are_rarely_called_overfitting():
    from tunewise.playbook.curves import rising

    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(300):
        y = np.exp(-np.arange(50) / 5) + 0.01 * rng.standard_normal(50)
        alarms += rising(y)[0] < 0.05
    assert alarms <= 0.05 * 300 + 8


def test_no_curve_is_not_applicable_and_says_what_to_report():
    findings = [f for f in check(study_of(bowl(0.5), 12, 0, CUBE)) if f.code in ("P35", "P38", "P39")]
    assert {f.verdict for f in findings} == {Verdict.NA}
    assert all("trial.report" in f.next_action for f in findings)


@pytest.mark.parametrize("kind", ["empty", "one", "all infeasible", "all equal", "choices only", "failed"])
def test_odd_studies_get_a_sentence_never_a_traceback(kind):
    space = Space({"k": Categorical(("a", "b", "c"))}) if kind == "choices only" else CUBE
    value = {"all infeasible": math.nan, "failed": None}.get(kind, 1.0)
    n = {"empty": 0, "one": 1}.get(kind, 15)
    study = tw.create_study(sampler="qmc", seed=0, space=space)
    study.optimize(lambda t: value, n)
    findings = check(study.trials)
    assert len(findings) >= 4
    assert all(f.headline.endswith(".") for f in findings)
    assert str(findings)


def test_several_goals_are_refused():
    study = tw.create_study(directions=["minimize", "maximize"], sampler="random")
    with pytest.raises(SettingError, match="one goal"):
        check(study.trials)
