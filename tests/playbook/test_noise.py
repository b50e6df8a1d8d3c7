import numpy as np
import pytest

from tunewise.playbook import Verdict
from tunewise.playbook.noise import (
    Replicates,
    bimodality,
    guessed_noise,
    ledger,
    noise_probe,
    on_these_examples,
    seed_or_set,
    stale,
    variance_budget,
)


def test_noise_is_pooled_over_good_configurations():
    rng = np.random.default_rng(0)
    groups = [rng.normal(mean, 2.0, 5) for mean in range(40)]
    sd, df = ledger(groups, better_half=False)
    assert df == 160
    assert sd == pytest.approx(2.0, rel=0.15)
    assert ledger(groups).df == 80
    bad_are_noisier = [rng.normal(0, 0.1, 5) for _ in range(6)] + [rng.normal(9, 5.0, 5) for _ in range(6)]
    assert ledger(bad_are_noisier).sd == pytest.approx(0.1, rel=0.4)
    assert ledger([np.array([1.0, np.nan])]) is None
    good, bad = rng.normal(0, 0.1, 5), rng.normal(9, 5.0, 5)
    assert ledger([bad, good]).sd == ledger([good]).sd
    assert ledger([bad]).sd == pytest.approx(5.0, rel=0.7)


def test_what_was_not_measured_says_so_and_what_was_has_an_interval():
    assert str(variance_budget([])).count("not measured") == 4
    rng = np.random.default_rng(0)
    budget = variance_budget([rng.normal(0, 2.0, 8) for _ in range(20)], step_sd=0.1, n_steps=20)
    low, high = budget.components[0].interval
    assert low < 2.0 < high
    assert str(budget).count("not measured") == 2


def test_repeated_searches_give_the_study_variance():
    rng = np.random.default_rng(0)
    study = np.repeat(np.arange(12), 4)
    y = 3 * rng.standard_normal(12)[study] + rng.standard_normal(48)
    budget = variance_budget([], replicates=Replicates(y, np.zeros(48, int), study))
    assert budget.sd("study variance (search)") == pytest.approx(3, rel=0.4)
    assert budget.sd("trial variance (seed)") == pytest.approx(1, rel=0.3)
    assert budget.sd("data variance (split)") is None


def test_a_probe_says_how_often_training_may_fail():
    clean = noise_probe(np.array([0.2, 0.21, 0.19, 0.2, 0.22]))
    assert clean.verdict == Verdict.OK
    assert "a rate up to" in clean.headline
    failing = noise_probe(np.array([0.2, 0.21, np.nan, np.nan, 0.22, np.nan]))
    assert failing.verdict == Verdict.ACT
    assert noise_probe(np.array([0.2, np.nan])).verdict == Verdict.UNSURE
    two = noise_probe(np.r_[np.full(6, 0.2), np.full(4, 0.9)] + 0.001 * np.arange(10))
    assert two.verdict == Verdict.ACT
    assert "two groups" in two.headline


def test_one_hump_is_seldom_taken_for_two():
    rng = np.random.default_rng(0)
    assert np.mean([bimodality(rng.standard_normal(10)) < 0.05 for _ in range(300)]) < 0.09
    assert bimodality(np.arange(5.0)) == 1


def test_seeds_or_a_larger_validation_set():
    rng = np.random.default_rng(0)
    luck = seed_or_set((rng.random((10, 200)) < 0.8).astype(float))
    assert luck.verdict == Verdict.UNSURE
    assert luck.next_action.startswith("more validation")
    shifts = seed_or_set((rng.random((10, 5000)) < np.linspace(0.6, 0.9, 10)[:, None]).astype(float))
    assert shifts.verdict == Verdict.OK


def test_a_validation_set_that_hides_the_smallest_effect_says_how_large_it_should_be():
    rng = np.random.default_rng(0)
    ease = rng.random(2000)
    runs = [(rng.random((5, 2000)) < ease).astype(float) for _ in range(2)]
    found = on_these_examples(*runs, min_effect=0.002)
    assert found.verdict == Verdict.UNSURE
    assert found.interval[0] < found.effect < found.interval[1]
    wanted = int(found.next_action.split(" of ")[1].split()[0])
    assert wanted == pytest.approx(2000 * ((found.interval[1] - found.effect) / 0.002) ** 2, rel=0.11)
    assert on_these_examples(*runs).verdict == Verdict.OK
    better = on_these_examples(np.ones((3, 2000)), runs[1], min_effect=0.002)
    assert better.effect > 0
    assert better.verdict == Verdict.OK


def test_guesses_and_staleness():
    assert guessed_noise(0.9, 10_000) == pytest.approx(guessed_noise(0.1, 10_000))
    assert guessed_noise(3.2, 10_000) is None
    assert stale({"batch": 64, "steps": 10}, {"batch": 128, "steps": 10}) == ["batch"]
