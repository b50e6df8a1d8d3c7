import numpy as np

from tunewise.playbook import Verdict


def test_what_doubling_buys_is_compared_with_the_noise(study_of, found):
    trials = study_of(lambda p, rng: p["a"] + p["b"] + p["c"], 32)
    (unknown,) = found(trials, "P29")
    assert unknown.verdict == Verdict.UNSURE
    assert unknown.needs
    assert found(trials, "P29", noise_sd=10.0)[0].verdict == Verdict.OK
    act = found(trials, "P29", noise_sd=1e-4, command='project.round("q")')[0]
    assert act.verdict == Verdict.ACT
    assert act.change == {"trials": 32}
    assert act.command == 'project.round("q").run(64)'


def test_the_picture_is_a_tuning_curve(study_of, found):
    (finding,) = found(study_of(lambda p, rng: p["a"] * p["b"], 32), "P29")
    arrays = finding.arrays
    assert arrays["kind"] == "best_of_k"
    assert arrays["k"][0] == 1
    assert arrays["k"][-1] == arrays["n"] == 32
    assert (np.diff(arrays["expected"]) <= 1e-12).all()


def test_a_guess_of_the_noise_from_the_size_of_the_validation_set(study_of, found):
    trials = study_of(lambda p, rng: 0.2 + 0.1 * p["a"], 32)
    (finding,) = found(trials, "P29", n_validation=1000)
    assert finding.verdict != Verdict.UNSURE or finding.threshold
    assert "guessed" in finding.threshold_source


def test_study_variance_is_said_and_matters_where_values_are_compared(study_of, found):
    trials = study_of(lambda p, rng: (p["a"] - 1.5) ** 2 + (p["b"] - 1.5) ** 2, 32)
    assert found(trials, "P30")[0].verdict == Verdict.OK
    (compared,) = found(trials, "P30", noise_sd=1e-6, roles={"c": "scientific"})
    assert compared.verdict == Verdict.UNSURE
    assert compared.interval[0] < compared.effect < compared.interval[1]


def test_adaptive_equal_or_few_trials_get_a_sentence(study_of, found):
    assert found(study_of(lambda p, rng: p["a"], 30, sampler="tpe"), "P29")[0].verdict == Verdict.NA
    assert found(study_of(lambda p, rng: 1.0, 30), "P29")[0].verdict == Verdict.NA
    few = found(study_of(lambda p, rng: p["a"], 5), "P29")[0]
    assert (few.verdict, few.cost_trials) == (Verdict.UNSURE, 3)
