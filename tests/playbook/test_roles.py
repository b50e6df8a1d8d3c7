import pytest

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.playbook.roles import caveats, default_role, propose_roles, stale_after

SPACE = tw.Space({"sgd.lr": tw.Float(1e-4, 1, log=True), "sgd.one_minus_momentum": tw.Float(1e-3, 1, log=True),
                  "width": tw.Int(8, 64), "use_dropout": tw.Categorical((False, True))})  # fmt: skip


def test_rules_of_thumb():
    assert default_role("adamw.lr").role == "nuisance"
    assert default_role("hidden_size").role == "fixed"
    assert default_role("use_dropout").role == "scientific"
    assert default_role("batch_size").role == "fixed"
    assert default_role("whatever").role == "nuisance"


def test_all_others_begin_as_nuisance_until_the_budget_says_otherwise():
    rich = propose_roles(SPACE, scientific=["use_dropout"])
    assert {name: role for name, (role, _) in rich.items()} == {
        "sgd.lr": "nuisance", "sgd.one_minus_momentum": "nuisance", "width": "nuisance", "use_dropout": "scientific",
    }  # fmt: skip
    poor = propose_roles(SPACE, scientific=["use_dropout"], budget=8)
    assert [n for n, (role, _) in poor.items() if role == "nuisance"] == ["sgd.lr"]
    known = propose_roles(SPACE, scientific=["use_dropout"], budget=8, shares={"width": 0.4})
    assert known["width"][0] == "nuisance"
    with pytest.raises(KeyError):
        propose_roles(SPACE, scientific=["depth"])
    assert caveats({"a": "fixed", "b": "nuisance"}, {"a": 3}) == [
        "a was fixed at 3: the conclusion may not hold for other values."
    ]


def test_misleading_roles_and_scales_are_named(study_of, found):
    space = tw.Space(
        {
            "momentum": tw.Float(0, 1),
            "lr": tw.Float(1e-5, 1e-1),
            "epochs": tw.Int(1, 50),
            "batch_size": tw.Int(16, 256),
        }
    )
    trials = study_of(lambda p, rng: p["lr"] + rng.random(), 12, space=space)
    assert {f.subject for f in found(trials, "P19") if f.verdict == Verdict.ACT} == {
        "scale of momentum",
        "scale of lr",
    }
    assert found(trials, "P67")[0].verdict == Verdict.ACT
    assert found(trials, "P11")[0].verdict == Verdict.UNSURE
    fixed = {"use": "scientific", "lr": "fixed", "momentum": "nuisance"}
    assert any("wins" in f.headline for f in found(trials, "P19", roles=fixed))


def test_two_questions_in_one_round(study_of, found):
    space = tw.Space({"p": tw.Categorical((0, 1)), "q": tw.Categorical((0, 1)), "x": tw.Float(1, 2)})
    roles = {"p": "scientific", "q": "scientific", "x": "nuisance"}
    assert (
        found(study_of(lambda p, rng: p["x"], 32, space=space), "P15", roles=roles)[0].verdict == Verdict.OK
    )
    study = tw.create_study(space=space, seed=0, sampler="qmc")
    for k in range(12):
        study.enqueue_trial({"p": k % 2, "q": k % 2})
    study.optimize(lambda t: t.params["x"], 12)
    aliased = found(study.trials, "P15", roles=roles)[0]
    assert aliased.verdict == Verdict.ACT
    assert aliased.effect == pytest.approx(1)


def test_what_a_change_makes_stale():
    assert stale_after(["batch_size"], ["dropout", "lr", "warmup_steps", "batch_size"]) == [
        "lr",
        "dropout",
        "warmup_steps",
    ]
    assert stale_after(["dropout"], ["lr"]) == []


def test_without_parameters_there_are_no_roles_to_judge():
    study = tw.create_study(sampler="random", seed=0)
    study.optimize(lambda t: float(t.number), 12)
    assert [f.verdict for f in tw.playbook.check(study.trials) if f.code == "P19"] == [Verdict.NA]
    one = tw.create_study(
        sampler="random", seed=0, space=tw.Space({"a": tw.Float(1, 2), "b": tw.Float(3, 3)})
    )
    one.optimize(lambda t: t.params["a"], 12)
    assert [f.verdict for f in tw.playbook.check(one.trials) if f.code == "P19"] == [Verdict.OK]
    fixed = tw.create_study(sampler="random", seed=0, space=tw.Space({"b": tw.Float(3, 3)}))
    fixed.optimize(lambda t: t.params["b"], 12)
    assert [f.verdict for f in tw.playbook.check(fixed.trials) if f.code == "P19"] == [Verdict.NA]


@pytest.mark.parametrize(
    ("steps", "rate", "verdict"),
    [(lambda size: 100, "nuisance", Verdict.OK), (lambda size: 3200 // size, "nuisance", Verdict.ACT),
     (lambda size: 100, "fixed", Verdict.ACT)],
)  # fmt: skip
def test_batch_sizes_are_compared_at_their_own_rate_and_length(found, steps, rate, verdict):
    """P10: 3200 // size steps are as many epochs for each size."""
    space = tw.Space({"batch_size": tw.Categorical((32, 64)), "lr": tw.Float(1e-3, 1e-1, log=True)})
    study = tw.create_study(sampler="qmc", seed=0, space=space)

    def train(trial):
        trial.report(1.0, steps(trial.params["batch_size"]))
        return trial.params["lr"]

    study.optimize(train, 12)
    (said,) = found(study.trials, "P10", roles={"batch_size": "scientific", "lr": rate})
    assert said.verdict == verdict
    assert bool(said.command) == (verdict == Verdict.ACT)
