"""P20: one name of several optimisers' settings is seen, and what would be pooled is not compared."""

import pytest

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.playbook.evidence import gather
from tunewise.playbook.isolation import compare_values, isolate

CHOICE = {"optimizer": tw.Categorical(("sgd", "adam"))}


def _trials(rates, when=None, n=40):
    space = tw.Space({**CHOICE, **rates}, when or {})
    study = tw.create_study(sampler="qmc", seed=0, space=space)
    study.optimize(lambda t: float(sum(v for k, v in t.params.items() if k != "optimizer")), n)
    return study.trials


def test_a_rate_that_two_optimisers_share_is_named(found):
    trials = _trials({"lr": tw.Float(1e-4, 1e-1, log=True), "width": tw.Float(1, 2)})
    (said,) = found(trials, "P20")
    assert (said.verdict, said.subject) == (Verdict.UNSURE, "lr")
    assert "optimizer = sgd, adam" in said.headline
    assert said.command == "trial.suggest_float(f'{optimizer}.lr', 0.0001, 0.1, log=True)"
    edges = {f.subject: f for f in found(trials, "P27")}
    assert any("P20" in each for each in edges["lr"].assumptions)
    assert not any("P20" in each for each in edges["width"].assumptions)


def test_each_with_its_own_is_fine(found):
    rates = {"sgd.lr": tw.Float(1e-4, 1.0, log=True), "adam.lr": tw.Float(1e-5, 1e-1, log=True)}
    when = {"sgd.lr": ("optimizer", ["sgd"]), "adam.lr": ("optimizer", ["adam"])}
    assert found(_trials(rates, when), "P20") == []


def test_a_rate_of_one_optimiser_alone_is_not_shared(found):
    rates = {"lr": tw.Float(1e-4, 1.0, log=True)}
    assert found(_trials(rates, {"lr": ("optimizer", ["sgd"])}), "P20") == []


def test_pooled_values_are_not_compared():
    rates = {"lr": tw.Categorical((0.01, 0.1)), "x": tw.Float(1, 2)}
    trials = _trials(rates)
    pooled = gather(trials, trials.space)
    assert isolate(pooled, "lr") is None
    assert isolate(pooled, "optimizer") is not None
    with pytest.raises(ValueError, match="name each"):
        compare_values(pooled, "lr", 0.01, 0.1)
    alone = gather(trials, trials.space.subset(["lr", "x"]))
    assert isolate(alone, "lr") is not None
