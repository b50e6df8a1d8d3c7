"""Conditions are found from what an objective asked for, and never make a trial impossible."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.space import Categorical, Float, Int, Space
from tunewise.structure import Evidence, find_structure

tw.logging.set_verbosity(50)


def run_in(space, trial):
    """Ask for the parameters of a conditional space as an objective would, one by one."""
    for name, domain in space.items():
        if name in space.when:
            parent, values = space.when[name]
            if trial.params.get(parent) not in values or parent not in trial.params:
                continue
        if isinstance(domain, Categorical):
            trial.suggest_categorical(name, domain.choices)
        elif isinstance(domain, Int):
            trial.suggest_int(name, domain.low, domain.high, log=domain.log)
        else:
            trial.suggest_float(name, domain.low, domain.high, log=domain.log)
    return float(sum(hash(str(v)) % 7 for v in trial.params.values()))


@st.composite
def trees(draw):
    domains, when = {}, {}
    for i in range(draw(st.integers(2, 7))):
        name = f"p{i}"
        kinds = [Categorical(("a", "b", "c")), Int(1, 3), Float(0.0, 1.0)]
        domains[name] = kinds[draw(st.integers(0, 2))]
        parents = [n for n in domains if n != name and not isinstance(domains[n], Float)]
        if parents and draw(st.booleans()):
            parent = draw(st.sampled_from(parents))
            raw = domains[parent].values().tolist()
            chosen = draw(st.lists(st.sampled_from(raw), min_size=1, max_size=len(raw) - 1, unique=True))
            when[name] = (parent, tuple(domains[parent].decode(r) for r in sorted(chosen)))
    return Space(domains, when)


@settings(max_examples=40)
@given(trees())
def test_a_hidden_tree_is_found(space):
    """After many random trials a trial's point in the found space is the trial, and all are suggested at once."""
    study = tw.create_study(sampler="random", seed=0)
    study.optimize(lambda trial: run_in(space, trial), 150)
    found = study.trials.space
    root = next(iter(space))
    assert set(study.trials.structure().group_of(root)) == set(found)
    assert set(found) == set(study.trials.names)
    raw = study.trials.raw(found)
    assert np.array_equal(found.active(raw), ~np.isnan(raw))
    assert found.active(raw).sum() == sum(len(record.params) for record in study.trials)
    study.optimize(lambda trial: run_in(space, trial), 10)


def test_the_number_of_layers_decides_about_each_layer():
    def objective(trial):
        n = trial.suggest_int("n_layers", 1, 6)
        return float(sum(trial.suggest_int(f"units{i}", 4, 512, log=True) for i in range(n)))

    study = tw.create_study(sampler="random", seed=3)
    study.optimize(objective, 60)
    when = study.trials.space.when
    assert when == {f"units{i}": ("n_layers", tuple(range(i + 1, 7))) for i in range(1, 6)}


def test_unseen_numbers_go_with_their_neighbours_and_unseen_choices_with_nobody():
    evidence = Evidence()
    evidence.add(("n", "k"), {"n": 1, "k": "a"})
    evidence.add(("n", "k", "x"), {"n": 5, "k": "b"})
    numbers = {"n": Int(1, 8), "k": Float(0, 1), "x": Float(0, 1)}
    assert find_structure(evidence, numbers).when["x"] == ("n", (4, 5, 6, 7, 8))
    choices = {"n": Float(0, 1), "k": Categorical(("a", "b", "c")), "x": Float(0, 1)}
    assert find_structure(evidence, choices).when["x"] == ("k", ("b",))


def test_what_nothing_explains_stays_apart():
    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        if trial.number % 3 == 0:
            x += trial.suggest_float("y", 0, 1) + trial.suggest_float("z", 0, 1)
        return x

    study = tw.create_study(sampler="random", seed=0)
    study.optimize(objective, 12)
    assert study.trials.structure().groups == (("x",), ("y", "z"))
    assert dict(study.trials.space.items()) == {"y": Float(0, 1), "z": Float(0, 1)} or set(
        study.trials.space
    ) == {"x"}


@pytest.mark.parametrize("sampler", ["random", "tpe", "gp", "qmc", "nsga2"])
def test_choices_that_change_break_nothing(sampler):
    def objective(trial, choices):
        kind = trial.suggest_categorical("kind", choices)
        x = trial.suggest_float("x", 0, 1)
        return x + (trial.suggest_float("extra", 0, 1) if kind in ("b", "z") else 0)

    study = tw.create_study(sampler=sampler, seed=1)
    for choices in (["a", "b"], ["a", "b", "c"], ["y", "z"], ["a"], ["b", "z"]):
        study.optimize(lambda trial, choices=choices: objective(trial, choices), 12)
    assert all(record.state.name == "COMPLETE" for record in study.trials)
    assert all(("extra" in r.params) == (r.params["kind"] in ("b", "z")) for r in study.trials)
    assert study.trials.space.when["extra"][0] == "kind"


def test_a_joint_suggestion_is_one_fact():
    space = Space(
        {"opt": Categorical(("sgd", "adam")), "lr": Float(0.0, 1.0), "momentum": Float(0.0, 1.0)},
        {"momentum": ("opt", ["sgd"])},
    )
    study = tw.create_study("s", sampler="random", seed=0)
    study.optimize(lambda trial: run_in(space, trial), 30)
    start = study.storage.read("s", 0)[1]
    study.optimize(lambda trial: run_in(space, trial), 20)
    events, _ = study.storage.read("s", start)
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["TrialStarted", "ParamsSet", "TrialFinished"] * 20
