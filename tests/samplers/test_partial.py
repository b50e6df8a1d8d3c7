"""Fixed values stay fixed, and the base sampler searches the rest as if they were no parameters."""

import pytest

import tunewise as tw
from tunewise import samplers
from tunewise.errors import SettingError, SpaceError
from tunewise.samplers import PartialFixed
from tunewise.space import Space

SPACE = Space(
    {"kind": tw.Categorical(("a", "b")), "m": tw.Float(0, 1), "x": tw.Float(0, 1), "n": tw.Int(1, 4)},
    {"m": ("kind", ["a"])},
)


def params(sampler, n_trials=20, objective=lambda trial: 0.0, space=SPACE, seed=3):
    study = tw.create_study(sampler=sampler, seed=seed, space=space)
    study.optimize(objective, n_trials)
    return [t.params for t in study.trials]


@pytest.mark.parametrize("base", ["random", "qmc", "halton"])
def test_the_other_values_are_those_that_the_base_would_suggest(base):
    free, held = params(base), params(PartialFixed({"n": 3}, base))
    assert held == [{**point, "n": 3} for point in free]


@pytest.mark.parametrize("base", ["random", "qmc", "tpe", "cmaes", "nsga2", "gp", "auto"])
def test_fixed_values_decide_about_conditions(base):
    for kind, has_child in (("a", True), ("b", False)):
        for point in params(PartialFixed({"kind": kind, "m": 0.25}, base), 12):
            assert point["kind"] == kind
            assert point.get("m") == (0.25 if has_child else None)


def test_the_base_learns_about_the_free_parameters():
    def objective(trial):
        return (trial.params["x"] - 0.9) ** 2 + 10 * (trial.params["n"] == 2)

    points = params(PartialFixed({"n": 2, "kind": "b"}, "tpe"), 60, objective)
    late = [point["x"] for point in points[30:]]
    assert sum(abs(x - 0.9) < 0.1 for x in late) > 20


def test_names_that_nobody_asks_for_have_no_effect():
    assert params(PartialFixed({"other": 1}, "random")) == params("random")


def test_it_works_for_parameters_that_show_themselves_by_running():
    study = tw.create_study(sampler=PartialFixed({"y": 2}, "random"), seed=0)
    study.optimize(lambda t: t.suggest_float("x", 0, 1) + t.suggest_int("y", 1, 3), 8)
    assert {t.params["y"] for t in study.trials} == {2}
    assert len({t.params["x"] for t in study.trials}) == 8


def test_a_queued_trial_goes_before_what_is_fixed():
    study = tw.create_study(sampler=PartialFixed({"n": 2}, "random"), seed=0, space=SPACE)
    study.enqueue_trial({"n": 4})
    assert [study.ask().params["n"] for _ in range(2)] == [4, 2]


def test_a_value_outside_its_domain_is_an_error():
    with pytest.raises(SpaceError, match="'n'"):
        tw.create_study(sampler=PartialFixed({"n": 9}, "random"), space=SPACE).ask()


def test_its_trials_are_those_of_the_base_and_settings_survive_the_log(tmp_path):
    sampler = PartialFixed({"n": 2}, samplers.QMC(kind="halton"))
    study = tw.create_study("s", tmp_path / "s.db", sampler=sampler, space=SPACE, seed=0)
    study.optimize(lambda trial: 0.0, 3)
    assert study.trials.started_by("qmc").tolist() == [0, 1, 2]
    assert tw.load_study("s", tmp_path / "s.db").sampler == sampler


@pytest.mark.parametrize("base", ["gp", samplers.Auto()], ids=str)
def test_the_base_predicts_at_fixed_and_at_other_values(base):
    def objective(trial):
        return 5 + (trial.params["x"] - 0.9) ** 2

    study = tw.create_study(sampler=PartialFixed({"n": 3, "kind": "b"}, base), seed=0, space=SPACE)
    study.optimize(objective, 15)
    assert study.predict({"kind": "b", "x": 0.9, "n": 3}).mean == pytest.approx(5, abs=0.02)
    assert study.predict({"kind": "b", "x": 0.2, "n": 3}).mean > 5.1
    elsewhere = study.predict({"kind": "a", "m": 0.5, "x": 0.9, "n": 1})
    assert elsewhere.sd > study.predict({"kind": "b", "x": 0.9, "n": 3}).sd


def test_a_base_without_a_surrogate_says_so():
    study = tw.create_study(sampler=PartialFixed({"n": 3}, "random"), space=SPACE)
    with pytest.raises(SettingError, match="'random' has no surrogate"):
        study.predict({"kind": "b", "x": 0.9, "n": 3})
