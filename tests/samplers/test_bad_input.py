"""What studies throw at a sampler: it goes on, with legal and finite values, past the point where auto changes its method."""

import warnings

import numpy as np
import pytest

import tunewise as tw
from tunewise import samplers
from tunewise.errors import SearchExhausted
from tunewise.space import Space

FINITE = [samplers.BruteForce(), samplers.Grid(n_each=4)]  # which end where nothing is left
SAMPLERS = [
    samplers.Auto(n_model=4),
    samplers.CmaEs(population=4),
    samplers.GP(n_startup=4),
    samplers.NSGA2(population=4),
    samplers.NSGA3(population=4),
    samplers.PartialFixed({"n": 2}, samplers.TPE(n_startup=4)),
    samplers.QMC(),
    samplers.QMC(kind="halton"),
    samplers.Random(),
    samplers.TPE(n_startup=4),
]
every = pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)


def loss(params):
    return sum(float(v) for v in params.values() if isinstance(v, int | float)) + ("b" in params.values())


def run(study, n=14, objective=lambda trial: loss(trial.params)):
    """So many trials; each must have finite values inside its domains, all that are active and no others."""
    before = study.trials.n_finished
    study.optimize(objective, n)
    assert study.trials.n_finished == before + n
    for record in (study.trials[int(number)] for number in study.trials.finished[before:]):
        assert record.state != tw.TrialState.FAILED, record.reason
        assert all(record.domains[name].contains(value) for name, value in record.params.items())
        assert all(np.isfinite(v) for v in record.params.values() if isinstance(v, float))
        declared = study.info.space
        if declared is not None:
            raw = declared.encode(record.params)
            assert (np.isnan(raw) == ~declared.active(raw)).all()
            assert declared.allowed(raw)


@every
@pytest.mark.parametrize(
    "space",
    [
        Space({"n": tw.Int(2, 2)}),
        Space(
            {"k": tw.Categorical(("it",)), "x": tw.Float(0.5, 0.5), "n": tw.Int(2, 2)}, {"x": ("k", ["it"])}
        ),
        Space({"n": tw.Int(2, 3)}, forbid=[{"n": 3}]),
    ],
    ids=["one", "three", "by a limit"],
)
def test_a_space_of_one_point(sampler, space):
    study = tw.create_study(sampler=sampler, space=space, seed=0)
    run(study, 8)
    assert len({tuple(record.params.items()) for record in study.trials}) == 1


@pytest.mark.parametrize("sampler", FINITE, ids=repr)
def test_an_exhaustive_search_of_one_point_ends_after_it(sampler):
    study = tw.create_study(sampler=sampler, space=Space({"n": tw.Int(2, 2)}), seed=0)
    study.tell(study.ask(), 1.0)
    with pytest.raises(SearchExhausted):
        study.ask()


MIXED = Space({"x": tw.Float(0, 1), "n": tw.Int(1, 4), "k": tw.Categorical(("a", "b", "c"))})


@every
@pytest.mark.parametrize("values", [(1.0,), (1.0, 2.0, 1.0, float("nan")), (0.0, 1e300, -1e300)], ids=repr)
def test_one_point_told_again_and_again(sampler, values):
    study = tw.create_study(sampler=sampler, space=MIXED, seed=0)
    for _ in range(12):
        study.enqueue_trial({"x": 0.5, "n": 2, "k": "a"})
    run(study, 24, lambda trial: values[trial.number % len(values)])


@every
def test_choices_that_are_added_in_mid_study(sampler):
    declared = tw.create_study(sampler=sampler, space=MIXED, seed=0)
    run(declared, 8)
    declared.set_space(MIXED.replace(k=tw.Categorical(tuple("abcdef")), n=tw.Int(1, 9)))
    run(declared, 24)
    assert {record.params["k"] for record in declared.trials} & set("def")

    def objective(trial):
        kinds = ["a", "b", "c"] + ["d"] * (trial.number > 8) + ["e"] * (trial.number > 12)
        kind = trial.suggest_categorical("k", kinds)
        return trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 4) + (kind == "a")

    run(tw.create_study(sampler=sampler, seed=0), 24, objective)


@every
def test_parameters_that_appear_late_and_go(sampler):
    def objective(trial):
        total = trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 4)
        if trial.number > 7:
            total += trial.suggest_float("late", 1e-3, 1, log=True)
        if 10 < trial.number < 16:
            total += trial.suggest_categorical("short", [0, 1, 2])
        return total

    run(tw.create_study(sampler=sampler, seed=0), 26, objective)

    declared = tw.create_study(sampler=sampler, space=MIXED, seed=0)
    run(declared, 8)
    declared.set_space(Space({**MIXED, "late": tw.Float(0, 1), "only": tw.Int(7, 7)}))
    run(declared, 10)
    declared.set_space(MIXED.subset(["n", "k"]))
    run(declared, 6)


@every
def test_conditions_limits_and_constraints_together(sampler):
    """Half of the trials violate a constraint, and a third of the space is ruled out; one parent has a single value."""
    space = Space(
        {
            "k": tw.Categorical(("a", "b", "c")),
            "root": tw.Categorical(("it",)),
            "x": tw.Float(0, 1),
            "m": tw.Float(1e-3, 1, log=True),
            "n": tw.Int(1, 4),
        },
        when={"m": ("k", ["a", "b"]), "x": ("root", ["it"])},
        forbid=[{"k": "b", "n": [2, 3]}, {"root": "it", "n": 4}],
        at_most=[({"x": 1.0, "n": 1.0}, 3.6)],
    )

    def objective(trial):
        trial.set_constraints({"c": trial.params["x"] - 0.5})
        return loss(trial.params)

    run(tw.create_study(sampler=sampler, space=space, seed=0), 24, objective)


@every
def test_constraints_that_no_trial_meets(sampler):
    def objective(trial):
        trial.set_constraints({"c": 1.0 + trial.params["x"], "worse": float("nan")})
        return loss(trial.params)

    run(tw.create_study(sampler=sampler, space=MIXED, seed=0), 16, objective)


@every
def test_a_queue_of_values_that_no_range_has(sampler):
    study = tw.create_study(sampler=sampler, seed=0)
    for value in ("text", None, 9e9):
        study.enqueue_trial({"x": value, "unknown": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each is said once
        run(study, 10, lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 4))
