import numpy as np

from tunewise import sim
from tunewise.playbook import Finding, Verdict
from tunewise.playbook.evidence import gather
from tunewise.playbook.gate import refined_space
from tunewise.playbook.sensitivity import good_region, interactions_with, sensitivity_checks, shift
from tunewise.sim import place


def evidence_of(problem, n=60, seed=0, **options):
    return gather(problem.study(n, seed).trials, problem.space, **options)


def test_what_matters_is_ranked_and_what_does_not_is_fixed():
    problem = sim.Problem((0.5, 0.5, 0.5), (1.0, 0.3, 0.0), noise_sd=0.002)
    ranked, together = sensitivity_checks(evidence_of(problem, min_effect=0.02))
    assert ranked.arrays["names"][0] == "x0"
    assert ranked.next_action == "fix x2 in the next round"
    assert (ranked.arrays["low"] <= ranked.arrays["high"]).all()
    assert "No two parameters" in together.headline


def test_parameters_that_act_together_are_found_and_their_shift_is_measured():
    problem = sim.Problem((0.5, 0.5, 0.5), (1.0, 0.3, 0.0), interaction={(0, 1): -1.0}, noise_sd=0.002)
    evidence = evidence_of(problem)
    _, together = sensitivity_checks(evidence)
    assert "x0 and x1" in together.headline
    moved = shift(evidence, "x0", by="x1")
    assert moved.interval[0] <= 0.4 <= moved.interval[1]
    assert moved.next_action
    still = shift(evidence, "x0", by="x2")
    assert still.interval[0] <= 0 <= still.interval[1]
    assert not still.next_action


def test_the_good_region_holds_the_optimum_and_leaves_out_the_bad():
    problem = sim.Problem((0.3, 0.5), (1.0, 0.0), noise_sd=0.002)
    evidence = evidence_of(problem)
    region = good_region(evidence, slack=0.005)
    low, high = place(region["x0"].low), place(region["x0"].high)
    assert low < 0.3 < high
    assert high - low < 0.6
    assert region["x1"] == problem.space["x1"]
    assert refined_space(evidence)["x0"].high <= problem.space["x0"].high


def test_noise_tells_nothing_and_says_so():
    problem = sim.Problem((0.5,), (0.0,), noise_sd=1.0)
    evidence = evidence_of(problem, 40)
    (finding,) = sensitivity_checks(evidence)
    assert finding.verdict == Verdict.UNSURE
    assert good_region(evidence, 0.1) == problem.space
    assert shift(evidence, "x0", by="x0").verdict == Verdict.UNSURE
    (few,) = sensitivity_checks(evidence_of(problem, 5))
    assert few.verdict == Verdict.NA
    assert np.isnan(few.effect or np.nan)


def test_what_acts_together_with_a_parameter():
    share = np.array([[0.0, 0.3, 0.1], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    arrays = {"kind": "interaction", "names": ("a", "b", "c"), "share": share}
    pairs = Finding("P17", "interactions", Verdict.OK, "x.", arrays=arrays)
    assert interactions_with([pairs], ["b"]) == {"a": 0.3, "b": 0.0, "c": 0.0}
    assert interactions_with([pairs], ["z"]) is None
    assert interactions_with([], ["a"]) is None
