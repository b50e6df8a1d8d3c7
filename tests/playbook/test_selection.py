"""The best of many noisy values is better than its setting; a surrogate says by how much."""

import numpy as np
import pytest

import tunewise as tw
from tunewise import sim
from tunewise.playbook import Verdict
from tunewise.playbook.evidence import gather
from tunewise.playbook.selection import winner


def off(problem, trials, noise_sd=None):
    """(observed, expected) minus the true mean of the best trial's setting."""
    found = winner(gather(trials, problem.space, noise_sd))
    best = trials.best()
    observed = trials.loss[best, 0] - problem.mean(trials.row(best).params)
    return observed, observed + found.effect


@pytest.mark.parametrize("sampler", ["qmc", "tpe"])
def test_what_is_expected_is_nearer_to_the_truth_than_the_best_value(sampler):
    errors = []
    for seed in range(10):
        problem = sim.random_problem(np.random.default_rng(seed), d=3, noise=0.15)
        errors.append(off(problem, problem.study(60, seed, sampler).trials, problem.noise_sd))
    seen, expected = np.abs(errors).mean(axis=0)
    assert expected < 0.6 * seen


def test_the_finding_is_said_in_the_users_values_and_asks_for_seeds():
    study = tw.create_study(goals={"accuracy": "maximize"}, sampler="qmc", seed=0)
    problem = sim.Problem(noise_sd=0.02)
    study.optimize(lambda trial: 1 - problem(trial), 40)
    found = winner(gather(study.trials, study.trials.space))
    assert found.verdict == Verdict.OK
    assert f"reached {study.best_value:.5g}" in found.headline
    assert "not measured" in found.headline
    assert found.cost_trials == 5
    low, high = found.interval
    assert low < found.effect < high
    measured = winner(gather(study.trials, study.trials.space, 0.02))
    assert "not measured" not in measured.headline
    assert not measured.next_action


def test_without_a_surrogate_it_says_that_it_does_not_know():
    study = sim.Problem(weight=(0.0, 0.0)).study(12)  # noise only
    found = winner(gather(study.trials, study.trials.space))
    assert found.verdict == Verdict.NA
    assert found.needs
