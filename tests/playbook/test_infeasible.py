import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.playbook.evidence import gather
from tunewise.playbook.infeasible import find_cause
from tunewise.space import Float, Int, Space

RATES = Space({"lr": Float(1e-5, 1.0, log=True), "a": Float(1, 2)})


def test_divergence_is_counted_located_and_narrowed(study_of, found):
    trials = study_of(lambda p, rng: math.nan if p["lr"] > 1e-3 else p["a"], 60, 3, RATES)
    (finding,) = found(trials, "P26")
    assert finding.verdict == Verdict.ACT
    assert 10**-3.4 < finding.change["space"]["lr"].high < 10**-2.6
    assert finding.interval[0] < 0.6 < finding.interval[1]
    assert finding.arrays["threshold"] == pytest.approx(1e-3, rel=1)
    assert len(finding.arrays["x"]) == 60


def test_no_divergence_is_fine(study_of, found):
    assert found(study_of(lambda p, rng: p["a"], 40), "P26")[0].verdict == Verdict.OK
    assert found(study_of(lambda p, rng: p["a"], 40), "P28")[0].verdict == Verdict.NA


def test_scattered_divergence_looks_like_a_bug(study_of, found):
    trials = study_of(lambda p, rng: math.nan if rng.random() < 0.2 else p["a"], 80, 1)
    (finding,) = found(trials, "P26")
    assert finding.verdict in (Verdict.UNSURE, Verdict.ACT)
    assert "bug" in finding.next_action


def test_a_cause_made_of_two_parameters_is_named(study_of):
    space = Space({"lr": Float(1e-4, 1.0, log=True), "momentum": Float(0.0, 0.99)})
    trials = study_of(lambda p, rng: math.nan if p["lr"] / (1 - p["momentum"]) > 0.3 else 1.0, 80, 0, space)
    evidence = gather(trials, space)
    cause = find_cause(evidence, evidence.infeasible)
    assert cause.predictor.words == "lr / (1 - momentum)"
    assert cause.value(cause.at.at) == pytest.approx(0.3, rel=0.5)
    assert cause.above


def test_few_trials_name_every_parameter_that_may_be_the_cause(study_of, found):
    space = Space({"lr": Float(1e-4, 1.0, log=True), "momentum": Float(0.0, 0.3), "other": Float(1, 2)})
    trials = study_of(lambda p, rng: math.nan if p["lr"] > 0.01 else 1.0, 20, 0, space)
    evidence = gather(trials, space)
    cause = find_cause(evidence, evidence.infeasible)
    assert {cause.predictor.words, *cause.rivals} == {"lr", "lr / (1 - momentum)"}
    assert "would explain it as well" in found(trials, "P26")[0].headline
    many = study_of(lambda p, rng: math.nan if p["lr"] > 0.01 else 1.0, 400, 0, space)
    assert find_cause(gather(many, space), gather(many, space).infeasible).rivals == ()


def test_the_best_rate_next_to_the_cliff_is_limited_by_stability(study_of, found):
    def at_cliff(p, rng):
        return math.nan if p["lr"] > 0.1 else -math.log10(p["lr"]) + 0.01 * p["a"]

    def inside(p, rng):
        return math.nan if p["lr"] > 0.1 else (math.log10(p["lr"]) + 3) ** 2

    assert found(study_of(at_cliff, 60, 0, RATES), "P28")[0].verdict == Verdict.ACT
    assert found(study_of(inside, 60, 0, RATES), "P28")[0].verdict == Verdict.OK
    trials = study_of(inside, 60, 0, RATES)
    assert found(trials, "P28")[0].arrays["best"] == pytest.approx(trials.row(trials.best()).params["lr"])


def test_a_threshold_beyond_what_was_searched_is_no_place(found):
    space = Space({"lr": Float(1e-4, 1e-2, log=True), "a": Float(1, 2)})
    study = tw.create_study(sampler="qmc", seed=0, space=space)

    def train(trial):  # a fifth of the trials diverge in the upper quarter of the range
        lucky = np.random.default_rng(trial.number).random() > 0.2
        return trial.params["a"] if lucky or trial.params["lr"] < 3e-3 else math.nan

    study.optimize(train, 100)
    diverged = next(f for f in found(study.trials, "P26") if f.subject == "diverged trials")
    assert "mostly towards the high end of lr" in diverged.headline


def test_crashes_are_missing_trials_and_say_where(found):
    space = Space({"width": Int(8, 512, log=True), "a": Float(1, 2)})
    study = tw.create_study(sampler="qmc", seed=0, space=space)

    def train(trial):
        if trial.params["width"] > 48:
            raise MemoryError("out of memory")
        return trial.params["a"]

    study.optimize(train, 40, catch=Exception)
    crashed = next(f for f in found(study.trials, "P26") if f.subject == "crashed trials")
    assert crashed.verdict == Verdict.ACT
    assert "width above" in crashed.headline
    assert "out of memory" in crashed.next_action


def test_late_divergence_and_networks_that_never_learn_are_counted(curves_of, found):
    late = curves_of(lambda rng: np.r_[np.linspace(1, 0.5, 9), np.nan], returns=np.nanmin)
    assert "diverged later" in found(late, "P26")[0].headline
    stuck = curves_of(lambda rng: np.full(10, 2.3), train=lambda rng: np.full(10, 2.3) + np.arange(10) * 0.01)
    assert "never learned" in found(stuck, "P26")[0].headline
