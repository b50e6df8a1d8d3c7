import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.playbook.boundaries import boundaries, widened
from tunewise.playbook.evidence import gather
from tunewise.records import FrozenTrial, TrialState
from tunewise.space import Categorical, Float, Int, Space


def bowl(at):
    return lambda p, rng: (p["a"] - at) ** 2 + 0.3 * (p["b"] - 1.5) ** 2 + 0.01 * rng.standard_normal()


def test_an_edge_is_seen_and_the_middle_is_left_alone(study_of, found):
    hits = alarms = 0
    runs = 12
    for seed in range(runs):
        edge = {f.subject: f for f in found(study_of(bowl(2.3), 40, seed), "P27")}
        hits += edge["a"].verdict == Verdict.ACT and edge["a"].change["space"]["a"].high > 2
        alarms += edge["c"].verdict == Verdict.ACT
        alarms += sum(f.verdict == Verdict.ACT for f in found(study_of(bowl(1.5), 40, seed), "P27"))
    assert hits >= runs - 1
    assert alarms <= 1


def test_the_finding_carries_its_picture_and_its_price(study_of, found):
    (edge, *_) = found(study_of(bowl(2.3), 40), "P27", command='project.round("q")')
    assert edge.arrays["kind"] == "axis"
    assert len(edge.arrays["u"]) == len(edge.arrays["loss"]) == len(edge.arrays["rows"]) == 40
    assert len(edge.arrays["grid"]) == len(edge.arrays["mean"]) == len(edge.arrays["low"])
    assert (edge.arrays["low"] <= edge.arrays["high"]).all()
    assert edge.command == 'project.round("q").repair()'
    assert edge.cost_trials
    assert edge.cost_seconds is not None


def test_an_adaptive_study_gets_only_what_a_surrogate_can_say(study_of, found):
    trials = study_of(bowl(2.3), 40, 1, sampler="tpe")
    assert {f.verdict for f in found(trials, "P29")} == {Verdict.NA}
    assert {f.verdict for f in found(trials, "P46")} <= {Verdict.NA}
    edges = {f.subject: f for f in found(trials, "P27")}
    assert all("surrogate" in f.data_used for f in edges.values())
    assert edges["b"].verdict == edges["c"].verdict == Verdict.OK


def test_noise_alone_is_counted_not_modelled(study_of, found):
    edges = found(study_of(lambda p, rng: rng.standard_normal(), 40), "P27")
    assert all("chance" in f.headline or f.chance is not None for f in edges)
    assert sum(f.verdict == Verdict.ACT for f in edges) <= 1


def test_few_trials_are_not_enough(study_of, found):
    (edge,) = found(study_of(bowl(2.3), 6), "P27")
    assert edge.verdict == Verdict.UNSURE
    assert edge.needs == "4 more trials"


def test_widening_respects_natural_limits():
    assert widened("lr", Float(1e-5, 1e-2, log=True), "high") == Float(1e-5, 1e-1, log=True)
    assert widened("dropout", Float(0, 0.5), "low") is None
    assert widened("dropout", Float(0.0, 0.5), "high").high == 0.75
    assert widened("momentum", Float(0.0, 1.0), "high") is None
    assert widened("layers", Int(1, 5), "low") is None
    assert widened("layers", Int(1, 5), "high") == Int(1, 7)
    assert widened("width", Int(8, 64, log=True), "high") == Int(8, 128, log=True)
    assert widened("x", Categorical((1, 2), ordered=True), "high") is None


def test_a_natural_limit_is_no_edge(study_of, found):
    space = Space({"dropout": Float(0.0, 0.5), "b": Float(1, 2)})
    trials = study_of(lambda p, rng: p["dropout"] + 0.001 * rng.standard_normal(), 40, space=space)
    (edge,) = [f for f in found(trials, "P27") if f.subject == "dropout"]
    assert edge.verdict == Verdict.OK
    assert "natural limit" in edge.headline
    assert edge.next_action == "fix dropout at 0 in the next round"


@pytest.mark.parametrize("choices", [(32, 64, 128, 256), (0.1, 0.2, 0.4, 0.8)])
def test_a_list_of_growing_numbers_has_an_order(study_of, found, choices):
    space = Space({"size": Categorical(choices), "a": Float(1, 2)})
    trials = study_of(lambda p, rng: -math.log2(p["size"]) + p["a"] * 0.01, 48, space=space)
    size = next(f for f in found(trials, "P27") if f.subject == "size")
    assert size.verdict == Verdict.ACT
    assert repr(choices[-1]) in size.next_action


def test_a_region_that_diverges_is_not_widened(study_of, found):
    space = Space({"lr": Float(1e-4, 1.0, log=True), "b": Float(1, 2)})

    def loss(p, rng):
        return math.nan if p["lr"] > 0.15 else -math.log10(p["lr"]) + 0.01 * rng.standard_normal()

    edge = next(f for f in found(study_of(loss, 60, space=space), "P27") if f.subject == "lr")
    assert edge.change is None


def test_the_articles_printed_result_asks_for_wider_ranges():
    space = Space({
        "lr": Float(1e-5, 1e-1, log=True), "momentum": Float(0.0, 1.0), "weight_decay": Float(1e-5, 1e-1, log=True),
        "num_layers": Int(1, 5), "hidden_size": Categorical((32, 64, 128, 256)), "dropout": Float(0.0, 0.5),
    })  # fmt: skip
    params = {
        "lr": 0.0705,
        "momentum": 0.4508,
        "weight_decay": 6.05e-5,
        "num_layers": 2,
        "hidden_size": 256,
        "dropout": 0.0177,
    }
    study = tw.create_study(goals={"accuracy": "maximize"}, space=space)
    study.set_user_attr("best_of", 100)
    study.add_trial(tw.FrozenTrial(0, tw.TrialState.COMPLETE, params, (0.5493,), dict(space)))
    edges = {f.subject: f for f in tw.playbook.check(study.trials) if f.code == "P27"}
    assert {name for name, f in edges.items() if f.verdict == Verdict.ACT} == {"lr", "dropout", "hidden_size"}
    assert all(f.needs == "the other trials" for f in edges.values())
    assert edges["lr"].change["space"]["lr"].high == pytest.approx(1.0)
    assert "25" not in edges["num_layers"].next_action


def test_many_parameters_get_a_sentence(found):
    space = Space({f"p{j}": Float(1, 2) for j in range(300)})
    study = tw.create_study(sampler="random", seed=0, space=space)
    study.optimize(lambda t: t.params["p0"] + 0.1 * np.random.default_rng(t.number).random(), 30)
    edges = found(study.trials, "P27")
    assert len(edges) == 41
    assert any("300 parameters" in f.headline for f in edges)


def test_an_end_to_which_an_adaptive_search_kept_is_not_fine():
    """Nearly all trials at the last choice: the few others cannot say that it is no better, nor that it is."""
    study = tw.create_study(goals={"loss": "minimize"}, seed=0)
    widths, rng = [16, 32, 64, 128], np.random.default_rng(0)
    domains = {"width": tw.Categorical(tuple(widths)), "x": tw.Float(0, 1)}
    for i in range(60):
        width, x = widths[i % 3 if i < 6 else 3], float(rng.random())
        loss = (x - 0.5) ** 2 + (0.01 if width < 128 else 0.0) + 0.002 * float(rng.normal())
        study.add_trial(FrozenTrial(i, TrialState.COMPLETE, {"width": width, "x": x}, (loss,), domains))
    found = {f.subject: f for f in boundaries(gather(study.trials, study.trials.space, adaptive=True))}
    assert found["x"].verdict == Verdict.OK
    assert found["width"].verdict == Verdict.UNSURE
    assert "6 of 60 trials lie elsewhere" in found["width"].headline
    assert "quasi-random" in found["width"].next_action
    assert "add a choice" in found["width"].next_action


@pytest.mark.parametrize("sampler", ["qmc", "tpe"])
def test_equal_values_say_nothing_of_an_edge(sampler):
    """Ties have no best trials whose places could be counted."""
    study = tw.create_study(sampler=sampler, seed=0)
    study.optimize(lambda trial: 0.0 * trial.suggest_float("x", 0, 1), n_trials=30)
    (found,) = boundaries(gather(study.trials, study.trials.space))
    assert found.verdict == Verdict.NA
    assert "same value" in found.headline


def test_parameters_that_are_too_many_to_judge_are_not_passed_over_in_silence():
    study = tw.create_study(sampler="qmc", seed=0)
    study.optimize(lambda trial: sum(trial.suggest_float(f"x{i}", 0, 1) for i in range(60)), n_trials=30)
    *_, last = boundaries(gather(study.trials, study.trials.space))
    assert last.verdict == Verdict.UNSURE
    assert "60 parameters are more than 30 trials can judge; the first 40 are shown" in last.headline
