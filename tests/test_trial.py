"""The live trial: what is suggested when, from which domain, and how often the sampler is asked."""

import pytest

import tunewise as tw
from tunewise.errors import SettingError, SpaceError, TrialInfeasible

tw.logging.set_verbosity(50)


def study_of(objective, n_trials, **settings):
    study = tw.create_study(**{"sampler": "random", "seed": 4, **settings})
    study.optimize(objective, n_trials)
    return study


def test_a_value_stays_the_same_when_it_is_asked_for_again():
    trial = tw.create_study(sampler="random", seed=0).ask()
    assert trial.suggest_float("x", 0, 1) == trial.suggest_float("x", 0, 1)
    assert set(trial.params) == {"x"}


@pytest.mark.parametrize("member", ["first", "second"])
def test_a_range_that_changes_counts_from_the_next_trial_on(member):
    """Also for a parameter that the sampler had suggested with its group, before the new range was known."""
    other = "second" if member == "first" else "first"

    def objective(trial, high=1.0):
        ranges = {member: high, other: 1.0}
        return trial.suggest_float("first", 0, ranges["first"]) + trial.suggest_float(
            "second", 0, ranges["second"]
        )

    study = study_of(objective, 5)
    study.optimize(lambda trial: objective(trial, 100.0), 20)
    values = [record.params[member] for record in study.trials][5:]
    assert sum(value > 1 for value in values) >= 15
    assert all(record.domains[member] == tw.Float(0, 100.0) for record in list(study.trials)[5:])
    assert study.trials.domains[member] == tw.Float(0, 100.0)
    study.optimize(objective, 3)
    assert all(record.params[member] <= 1 for record in list(study.trials)[25:])
    assert study.trials.domains[member] == tw.Float(0, 1)


def test_a_float_that_becomes_an_int_is_an_int():
    study = study_of(lambda t: t.suggest_float("y", 0, 1) + t.suggest_float("x", 3, 3), 4)
    study.optimize(lambda t: t.suggest_float("y", 0, 1) + t.suggest_int("x", 3, 5), 4)
    assert all(type(record.params["x"]) is int for record in list(study.trials)[4:])


def test_choices_that_are_equal_but_of_other_types_are_other_choices():
    trial = tw.create_study(sampler="random", seed=0).ask()
    kinds = [type(trial.suggest_categorical(f"k{i}", [choice])) for i, choice in enumerate([True, 1, 1.0])]
    assert kinds == [bool, int, float]


@pytest.mark.parametrize(
    "ask",
    [
        lambda t: t.suggest_float("x", "a", 1),
        lambda t: t.suggest_float("x", [0], 1),
        lambda t: t.suggest_float("x", True, 2),
        lambda t: t.suggest_int("x", 0.5, 2),
        lambda t: t.suggest_float("x", 2, 1),
        lambda t: t.suggest_categorical("x", [[1], [2]]),
        lambda t: t.suggest_categorical("x", []),
    ],
)
def test_an_impossible_domain_is_an_error_and_the_trial_goes_on(ask):
    study = tw.create_study(sampler="random", seed=0)
    trial = study.ask()
    with pytest.raises(SpaceError):
        ask(trial)
    assert study.tell(trial, trial.suggest_float("x", 0, 1)).state.name == "COMPLETE"


def test_steps_and_metrics_are_checked():
    trial = tw.create_study(sampler="random", seed=0).ask()
    for value, step in ((1.0, -1), (1.0, 0.5), (1.0, True), ("1", 0), ({"a": None}, 0)):
        with pytest.raises(SettingError):
            trial.report(value, step)
    assert trial.snapshot().curves == {}


def test_seeds_follow_the_study_and_the_number():
    seeds = [[study.ask().seed for _ in range(3)] for study in (tw.create_study(seed=s) for s in (1, 1, 2))]
    assert seeds[0] == seeds[1] != seeds[2]
    assert len(set(seeds[0])) == 3


def test_marking_a_trial_infeasible_ends_it():
    with pytest.raises(TrialInfeasible, match="too large"):
        tw.create_study().ask().mark_infeasible("too large")
