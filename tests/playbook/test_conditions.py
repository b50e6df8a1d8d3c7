"""P20: one name of several optimisers' settings is seen, and what would be pooled is not compared."""

import math

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
    assert "judged under each" in said.headline


def _bowls(sgd, adam):
    """Each optimiser has its own best rate, log10: a range of -4 to -1 holds it or not."""
    space = tw.Space({**CHOICE, "lr": tw.Float(1e-4, 1e-1, log=True)})
    study = tw.create_study(sampler="qmc", seed=0, space=space)
    best = {"sgd": sgd, "adam": adam}
    study.optimize(lambda t: (math.log10(t.params["lr"]) - best[t.params["optimizer"]]) ** 2, 80)
    return study.trials


@pytest.mark.parametrize(("sgd", "adam"), [(-0.5, -2.5), (-2.5, -0.5), (-2.5, -2.5), (-0.5, -4.5)])
def test_edges_are_judged_under_each_optimiser_that_shares_a_name(found, sgd, adam):
    edges = {f.subject: f for f in found(_bowls(sgd, adam), "P27")}
    assert set(edges) == {"lr (optimizer = sgd)", "lr (optimizer = adam)"}
    for name, best in (("sgd", sgd), ("adam", adam)):
        said = edges[f"lr (optimizer = {name})"]
        assert (said.verdict == Verdict.ACT) == (not -4 < best < -1)
        if said.verdict == Verdict.ACT:
            assert ("high end" in said.headline) == (best > -1)
            assert said.change is None
            assert said.command.startswith("trial.suggest_float(f'{optimizer}.lr'")
            assert said.next_action.startswith("give it a name of its own (P20), then ")


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
