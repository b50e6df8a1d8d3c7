import numpy as np
import pytest

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.playbook.curves import rising

STEPS = np.arange(50)
FLAT = np.exp(-STEPS / 5)
RISING = FLAT + 0.004 * np.maximum(STEPS - 20, 0)
FALLING = np.linspace(1.0, 0.0, 50)


def noisy(shape, sd=0.01):
    return lambda rng: shape + sd * rng.standard_normal(len(shape))


def verdict(found, trials, code, **options):
    return found(trials, code, **options)[0].verdict


def test_overfitting_is_seen_and_healthy_plateaus_are_left_alone(curves_of, found):
    (over,) = found(curves_of(noisy(RISING), schedule="constant"), "P35")
    assert over.verdict == Verdict.ACT
    assert 10 < over.arrays["onset"] < 35
    assert len(over.arrays["fit_step"]) == len(over.arrays["fit_loss"])
    assert verdict(found, curves_of(noisy(FLAT), schedule="constant"), "P35") == Verdict.OK
    rng = np.random.default_rng(0)
    alarms = sum(rising(FLAT + 0.01 * rng.standard_normal(50))[0] < 0.05 for _ in range(200))
    assert alarms <= 0.05 * 200 + 6


def test_a_small_rise_is_not_material(curves_of, found):
    assert rising(RISING, min_effect=10.0)[0] == 1.0
    assert verdict(found, curves_of(noisy(RISING)), "P35", min_effect=10.0) == Verdict.OK


def test_a_rise_of_the_training_loss_too_is_instability(curves_of, found):
    trials = curves_of(noisy(RISING), train=noisy(RISING))
    assert verdict(found, trials, "P43") == Verdict.ACT
    calm = curves_of(noisy(RISING), train=noisy(FLAT))
    assert verdict(found, calm, "P35") == Verdict.ACT


def test_a_rising_loss_under_a_flat_error_is_calibration(found):
    study = tw.create_study(goals={"error": "minimize"}, sampler="random", seed=0)
    rng = np.random.default_rng(0)

    def train(trial):
        trial.suggest_float("a", 1, 2)
        for i in STEPS:
            trial.report({"error": FLAT[i] + 0.01 * rng.standard_normal(), "val_loss": RISING[i]}, int(i))

    study.optimize(train, 5)
    (finding,) = found(study.trials, "P35")
    assert finding.verdict == Verdict.OK
    assert "overconfident" in finding.headline


def test_each_scientific_value_is_judged_at_its_best(study_of, found):
    space = tw.Space({"use": tw.Categorical((False, True)), "a": tw.Float(1, 2)})
    study = tw.create_study(sampler="qmc", seed=0, space=space)
    rng = np.random.default_rng(0)

    def train(trial):
        curve = (RISING if trial.params["use"] else FLAT) + 0.01 * rng.standard_normal(50)
        for i, value in enumerate(curve):
            trial.report(float(value), i)

    study.optimize(train, 16)
    blocked = {f.subject: f for f in found(study.trials, "P36", roles={"use": "scientific", "a": "nuisance"})}
    assert list(blocked) == ["overfitting, use=True"]
    assert "must not be judged" in blocked["overfitting, use=True"].next_action


def test_longer_training_is_asked_for_only_where_a_curve_can_tell(curves_of, found):
    assert verdict(found, curves_of(noisy(FALLING), schedule="constant"), "P39") == Verdict.ACT
    assert verdict(found, curves_of(noisy(FALLING)), "P39") == Verdict.UNSURE
    assert verdict(found, curves_of(noisy(FALLING), schedule="cosine"), "P39") == Verdict.NA
    assert verdict(found, curves_of(noisy(FLAT), schedule="constant"), "P39") == Verdict.OK
    assert verdict(found, curves_of(noisy(FALLING), schedule="cosine"), "P41") == Verdict.NA
    assert verdict(found, curves_of(noisy(FALLING), 80, schedule="constant"), "P41") == Verdict.ACT


def test_training_that_is_over_early_is_too_long(curves_of, found):
    early = noisy(np.exp(-STEPS / 2), 0.001)
    act = found(curves_of(early, schedule="constant"), "P40", min_effect=0.01)[0]
    assert act.verdict == Verdict.ACT
    assert act.effect < 0.5
    late = noisy(np.exp(-STEPS / 10), 0.001)
    assert verdict(found, curves_of(late, schedule="constant"), "P40", min_effect=0.01) == Verdict.OK


def test_a_training_loss_that_blows_up_comes_first(curves_of, found):
    broken = np.exp(-STEPS / 8.0)
    broken[25:] += 1.5 * np.exp(-np.arange(25) / 30)
    assert verdict(found, curves_of(noisy(FLAT), train=noisy(broken)), "P42") == Verdict.ACT
    assert verdict(found, curves_of(noisy(FLAT), train=noisy(FLAT)), "P42") == Verdict.OK
    assert verdict(found, curves_of(noisy(FLAT)), "P42") == Verdict.NA


def test_periods_point_at_the_data(curves_of, found):
    wave = FLAT + 0.05 * np.sin(2 * np.pi * STEPS / 7)
    assert verdict(found, curves_of(noisy(wave, 0.005)), "P44") == Verdict.ACT
    assert verdict(found, curves_of(noisy(FLAT)), "P44") == Verdict.OK


def test_step_noise_flatters_the_best(curves_of, found):
    (finding,) = found(curves_of(noisy(FLAT, 0.05)), "P38", noise_sd=0.001)
    assert finding.verdict == Verdict.ACT
    assert finding.effect > 0.05
    assert verdict(found, curves_of(noisy(FLAT, 1e-5)), "P38", noise_sd=0.01) == Verdict.OK
    last = curves_of(noisy(FLAT, 0.05), returns=lambda y: y[-1])
    assert verdict(found, last, "P38", noise_sd=0.001) == Verdict.OK


def test_unequal_lengths_are_said(found):
    study = tw.create_study(sampler="random", seed=0)

    def train(trial):
        trial.suggest_float("a", 1, 2)
        for i in range(10 + trial.number):
            trial.report(1 / (i + 1), i)

    study.optimize(train, 6)
    (finding,) = found(study.trials, "P45")
    assert finding.verdict == Verdict.UNSURE
    assert "6 different steps" in finding.headline


def test_labels_are_counted(curves_of, found):
    (finding,) = found(curves_of(noisy(RISING)), "P34")
    shares = dict(zip(finding.arrays["names"], finding.arrays["all"], strict=True))
    assert shares["overfit"] > 0.8
    assert finding.arrays["n"] == 12


@pytest.mark.parametrize("code", ["P35", "P38", "P39", "P40", "P41", "P42", "P44", "P45"])
def test_no_curve_is_not_applicable_and_says_what_to_report(study_of, found, code):
    (finding,) = found(study_of(lambda p, rng: p["a"], 12), code)
    assert finding.verdict == Verdict.NA
    assert "trial.report" in finding.next_action
    assert finding.needs
