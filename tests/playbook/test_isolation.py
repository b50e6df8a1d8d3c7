import numpy as np
import pytest

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.playbook.evidence import gather
from tunewise.playbook.isolation import compare_values, inclusion, isolate, simplest

SPACE = tw.Space({"opt": tw.Categorical(("a", "b", "c")), "x": tw.Float(1, 2), "y": tw.Float(1, 2)})
ROLES = {"opt": "scientific", "x": "nuisance", "y": "nuisance"}


def loss(gaps):
    return lambda p, rng: (
        (p["x"] - 1.4) ** 2 + (p["y"] - 1.6) ** 2 + gaps[p["opt"]] + 0.003 * rng.standard_normal()
    )


def test_a_clear_winner_stands_alone_and_equals_stay_together(study_of, found):
    clear = study_of(loss({"a": 0.0, "b": 0.5, "c": 0.6}), 60, space=SPACE)
    (finding,) = found(clear, "P46", roles=ROLES)
    assert finding.verdict == Verdict.OK
    assert finding.arrays["in_set"].tolist() == [True, False, False]
    assert finding.scope == "choice"
    equal = study_of(loss({"a": 0.0, "b": 0.0, "c": 0.0}), 60, space=SPACE)
    (finding,) = found(equal, "P46", roles=ROLES)
    assert finding.verdict == Verdict.UNSURE
    assert finding.arrays["in_set"].sum() >= 2


def test_counts_are_equalised():
    study = tw.create_study(space=SPACE, seed=0)
    rng = np.random.default_rng(0)
    for opt, n in (("a", 40), ("b", 6)):
        for _ in range(n):
            params = {"opt": opt, "x": float(rng.uniform(1, 2)), "y": float(rng.uniform(1, 2))}
            study.add_trial(
                tw.FrozenTrial(0, tw.TrialState.COMPLETE, params, (float(rng.random()),), dict(SPACE))
            )
    result = isolate(gather(study.trials, SPACE, adaptive=False), "opt")
    assert result.k == 3
    assert result.best[0] < result.best[1]  # crowded
    assert result.in_set.all()
    assert (result.low <= result.typical).all()
    assert (result.typical <= result.high).all()


def test_unequal_arms_are_unfair(found):
    study = tw.create_study(space=SPACE, seed=0)
    study.set_user_attr("adaptive", False)
    rng = np.random.default_rng(0)
    for opt, n in (("a", 20), ("b", 8)):
        for _ in range(n):
            params = {"opt": opt, "x": float(rng.uniform(1, 2)), "y": 1.5}
            study.add_trial(
                tw.FrozenTrial(0, tw.TrialState.COMPLETE, params, (float(rng.random()),), dict(SPACE))
            )
    (finding,) = found(study.trials, "P24", roles=ROLES)
    assert finding.verdict == Verdict.ACT
    assert finding.cost_trials == 12


def test_a_choice_level_claim_has_its_own_test(study_of):
    evidence = gather(study_of(loss({"a": 0.0, "b": 0.4, "c": 0.0}), 60, space=SPACE), SPACE)
    better = compare_values(evidence, "opt", "a", "b")
    assert better.verdict == Verdict.OK
    assert better.scope == "choice"
    assert compare_values(evidence, "opt", "b", "a").verdict == Verdict.UNSURE
    with pytest.raises(ValueError, match="has no 4 trials"):
        compare_values(evidence, "opt", "a", "d")


def test_the_simplest_of_the_set_must_be_near_too(study_of):
    evidence = gather(study_of(loss({"a": 0.03, "b": 0.0, "c": 0.0}), 30, space=SPACE), SPACE)
    result = isolate(evidence, "opt")
    assert result.values[simplest(result, [0, 1, 2], 10.0)] == "a"
    assert result.values[simplest(result, [0, 1, 2], 0.0)] == result.values[int(np.argmin(result.typical))]


def test_what_cannot_be_compared_says_so(study_of, found):
    assert found(study_of(lambda p, rng: p["a"], 12), "P46")[0].verdict == Verdict.NA
    few = study_of(loss({"a": 0, "b": 0, "c": 0}), 6, space=SPACE)
    assert found(few, "P46", roles=ROLES)[0].verdict == Verdict.NA
    adaptive = study_of(loss({"a": 0, "b": 0, "c": 0}), 30, space=SPACE, sampler="tpe")
    assert "adaptive" in found(adaptive, "P46", roles=ROLES)[0].headline.lower()


def test_a_general_choice_must_not_lose_to_its_special_case(study_of):
    evidence = gather(study_of(loss({"a": 0.0, "b": 0.4, "c": 0.0}), 60, space=SPACE), SPACE)
    assert inclusion(evidence, "opt", general="b", special="a").verdict == Verdict.ACT
    assert inclusion(evidence, "opt", general="a", special="b").verdict == Verdict.OK


def test_an_optimiser_that_loses_to_its_special_case_is_named_in_the_check(study_of, found):
    space = tw.Space({"optimizer": tw.Categorical(("sgd", "Adam")), "x": tw.Float(1, 2), "y": tw.Float(1, 2)})

    def judged(adam):
        gaps = {"sgd": 0.0, "Adam": adam}
        trials = study_of(
            lambda p, rng: (p["x"] - 1.4) ** 2 + (p["y"] - 1.6) ** 2 + gaps[p["optimizer"]], 60, space=space
        )
        return found(trials, "P80")

    (lost,) = judged(0.4)
    assert lost.verdict == Verdict.ACT
    assert "Adam" in lost.command
    assert lost.cost_trials == 30
    (won,) = judged(-0.4)
    assert won.verdict == Verdict.OK
