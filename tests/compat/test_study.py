"""`tunewise.optuna.study` beside Optuna's."""

import math
from contextlib import nullcontext

import optuna
import pytest

import tunewise.optuna


def bowl(trial):
    x = trial.suggest_float("x", -5, 5)
    return x**2 + trial.suggest_int("n", 0, 3)


def test_it_minimises_unless_told_otherwise(lib, study):
    study.optimize(bowl, n_trials=8)
    values = [trial.value for trial in study.trials]
    assert study.best_value == min(values) == study.best_trial.value
    assert study.best_params == study.best_trial.params == study.trials[study.best_trial.number].params
    assert study.direction == lib.study.StudyDirection.MINIMIZE
    up = lib.create_study(direction="maximize")
    for value in (1.0, 3.0, 2.0):
        up.tell(up.ask(), value)
    assert up.best_trial.number == 1
    assert up.direction.name == "MAXIMIZE"


def test_every_suggest_method_keeps_its_range(study):
    def objective(trial):
        assert 1e-5 <= trial.suggest_loguniform("log", 1e-5, 1e-1) <= 1e-1
        assert 0.0 <= trial.suggest_uniform("uniform", 0.0, 0.5) <= 0.5
        assert trial.suggest_discrete_uniform("discrete", 0.0, 1.0, 0.25) in (0, 0.25, 0.5, 0.75, 1.0)
        assert trial.suggest_float("step", -1.0, 1.0, step=0.5) in (-1, -0.5, 0, 0.5, 1)
        assert trial.suggest_int("int", 1, 5) in range(1, 6)
        assert trial.suggest_int("even", 2, 8, step=2) in (2, 4, 6, 8)
        assert 1 <= trial.suggest_int("logint", 1, 1000, log=True) <= 1000
        assert trial.suggest_categorical("choice", ["a", None, 3, True]) in ("a", None, 3, True)
        assert trial.suggest_int("int", 1, 5) == trial.params["int"]
        return 0.0

    with pytest.warns(FutureWarning) if isinstance(study, optuna.Study) else nullcontext():
        study.optimize(objective, n_trials=30)
    assert {trial.params["int"] for trial in study.trials} == {1, 2, 3, 4, 5}
    assert list(study.trials[0].params) == [
        "log",
        "uniform",
        "discrete",
        "step",
        "int",
        "even",
        "logint",
        "choice",
    ]


def test_a_pruned_trial_keeps_its_last_report_as_value(lib, study):
    def objective(trial):
        for step in range(3):
            trial.report(10.0 - step, step)
        raise lib.TrialPruned

    study.optimize(objective, n_trials=1)
    trial = study.trials[0]
    assert trial.state == lib.trial.TrialState.PRUNED
    assert (trial.value, trial.last_step) == (8.0, 2)
    assert trial.intermediate_values == {0: 10.0, 1: 9.0, 2: 8.0}
    with pytest.raises(ValueError):
        _ = study.best_trial


def test_the_median_pruner_is_the_default(lib, study):
    def objective(trial):
        trial.report(float(trial.number), 0)
        if trial.should_prune():
            raise lib.TrialPruned
        return float(trial.number)

    study.optimize(objective, n_trials=8)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 5 + ["PRUNED"] * 3


def test_failures(lib, study):
    def objective(trial):
        raise RuntimeError("no")

    study.optimize(objective, n_trials=2, catch=(RuntimeError,))
    with pytest.raises(RuntimeError, match="no"):
        study.optimize(objective, n_trials=2)
    study.optimize(lambda trial: math.nan, n_trials=1)
    study.optimize(lambda trial: None, n_trials=1)
    study.optimize(lambda trial: "much", n_trials=1)
    assert [trial.state for trial in study.trials] == [lib.trial.TrialState.FAIL] * 6
    assert all(trial.value is None and trial.duration is not None for trial in study.trials)


def test_ask_and_tell(lib, study):
    trial = study.ask()
    assert trial.suggest_int("n", 2, 2) == 2
    told = study.tell(trial, 0.5)
    assert (told.number, told.value, told.params) == (0, 0.5, {"n": 2})
    assert study.tell(study.ask().number, state=lib.trial.TrialState.FAIL).state.name == "FAIL"
    with pytest.raises(ValueError):
        study.tell(0, 1.0)
    assert study.tell(0, 1.0, skip_if_finished=True).value == 0.5


def test_ask_with_distributions(lib, study):
    trial = study.ask(
        {
            "x": lib.distributions.FloatDistribution(1e-3, 1.0, log=True),
            "c": lib.distributions.CategoricalDistribution(["a", "b"]),
        }
    )
    assert 1e-3 <= trial.params["x"] <= 1.0
    assert trial.params["c"] in "ab"
    assert set(trial.distributions) == {"x", "c"}
    assert trial.datetime_start is not None


def test_enqueued_params_come_first(study):
    study.enqueue_trial({"x": 1.5, "n": 2}, user_attrs={"why": "guess"})
    study.enqueue_trial({"x": 1.5, "n": 2}, skip_if_exists=True)
    study.enqueue_trial({"x": -1.0})
    assert [trial.state.name for trial in study.trials] == ["WAITING", "WAITING"]
    study.optimize(bowl, n_trials=3)
    assert study.trials[0].params == {"x": 1.5, "n": 2}
    assert study.trials[0].user_attrs == {"why": "guess"}
    assert study.trials[1].params["x"] == -1.0
    assert len(study.trials) == 3


def test_a_finished_trial_can_be_added(lib, study):
    made = lib.trial.create_trial(
        value=2.5,
        params={"x": 0.5, "n": 2, "c": "b"},
        distributions={
            "x": lib.distributions.FloatDistribution(0, 1),
            "n": lib.distributions.IntDistribution(1, 8, log=True),
            "c": lib.distributions.CategoricalDistribution(("a", "b")),
        },
        user_attrs={"from": "paper"},
        intermediate_values={0: 3.0, 5: 2.5},
    )
    study.add_trial(made)
    study.add_trials([made, lib.create_trial(state=lib.trial.TrialState.FAIL)])
    first = study.trials[0]
    for name in ("value", "params", "distributions", "user_attrs", "intermediate_values", "state"):
        assert getattr(first, name) == getattr(made, name)
    assert abs((first.datetime_start - made.datetime_start).total_seconds()) < 1e-3
    assert [trial.number for trial in study.trials] == [0, 1, 2]
    with pytest.raises(ValueError):
        lib.create_trial(value=1.0, params={"x": 1.0})


def test_callbacks_and_stopping(lib, study):
    seen = []
    study.optimize(bowl, n_trials=2, callbacks=[lambda s, t: seen.append((s is study, t.number, t.value))])
    assert [each[:2] for each in seen] == [(True, 0), (True, 1)]
    assert seen[1][2] == study.trials[1].value
    study.optimize(bowl, n_trials=9, callbacks=[lib.study.MaxTrialsCallback(4)], gc_after_trial=True)
    assert len(study.trials) == 4
    study.optimize(bowl, n_trials=9, callbacks=[lambda s, t: s.stop()])
    assert len(study.trials) == 5


def test_get_trials_by_state(lib, study):
    study.tell(study.ask(), 1.0)
    study.ask()
    running = study.get_trials(deepcopy=False, states=(lib.trial.TrialState.RUNNING,))
    assert [trial.number for trial in running] == [1]
    assert running[0].datetime_complete is None
    assert running[0].duration is None


def test_several_goals(lib):
    study = lib.create_study(directions=["minimize", "maximize"])
    for values in ((1.0, 1.0), (2.0, 2.0), (2.0, 1.0)):
        study.tell(study.ask(), values)
    assert {trial.number for trial in study.best_trials} == {0, 1}
    assert [direction.name for direction in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert study.trials[1].values == [2.0, 2.0]
    with pytest.raises(RuntimeError):
        _ = study.trials[0].value


def test_attributes(study):
    def objective(trial):
        trial.set_user_attr("epochs", [1, 2])
        return 0.0

    study.optimize(objective, n_trials=1)
    study.set_user_attr("team", {"name": "a"})
    assert study.trials[0].user_attrs == {"epochs": [1, 2]}
    assert study.user_attrs == {"team": {"name": "a"}}


def test_studies_live_in_a_storage(lib, tmp_path):
    url = f"sqlite:///{tmp_path}/{lib.__name__}.db"
    made = lib.create_study(study_name="one", storage=url, direction="maximize")
    made.optimize(bowl, n_trials=2)
    loaded = lib.load_study(study_name="one", storage=url)
    assert [trial.params for trial in loaded.trials] == [trial.params for trial in made.trials]
    assert loaded.best_trial == made.best_trial
    with pytest.raises(lib.exceptions.DuplicatedStudyError):
        lib.create_study(study_name="one", storage=url)
    again = lib.create_study(study_name="one", storage=url, direction="maximize", load_if_exists=True)
    assert len(again.trials) == 2
    lib.copy_study(from_study_name="one", from_storage=url, to_storage=url, to_study_name="two")
    assert sorted(lib.study.get_all_study_names(url)) == ["one", "two"]
    lib.delete_study(study_name="one", storage=url)
    with pytest.raises(KeyError):
        lib.load_study(study_name="one", storage=url)
    assert lib.load_study(study_name=None, storage=url).study_name == "two"


def test_a_seeded_sampler_repeats_itself():
    ours = tunewise.optuna
    ours.logging.set_verbosity(ours.logging.ERROR)
    runs = []
    for _ in range(2):
        study = ours.create_study(sampler=ours.samplers.RandomSampler(seed=3))
        study.optimize(bowl, n_trials=5)
        runs.append([trial.params for trial in study.trials])
    assert runs[0] == runs[1]
