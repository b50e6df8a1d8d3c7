"""Earlier studies: a good source saves trials, a misleading one is found out, and all of it can be replayed."""

import json

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.samplers import GP, Auto
from tunewise.samplers._features import features
from tunewise.samplers._transfer import source_of, trend_of
from tunewise.space import Space


def loss_at(x, kind, at):
    return float(np.sqrt(((x - at) ** 2).sum()) + 0.3 * (kind != "b"))


def study_of(at, n_trials, seed=0, sampler="auto", spread=1.0):
    def loss(trial):
        x = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(4)])
        kind = trial.suggest_categorical("kind", ["a", "b", "c"])
        return spread * loss_at(x, kind, at)

    study = tw.create_study(sampler=sampler, seed=seed)
    study.optimize(loss, n_trials)
    return study


@pytest.fixture(scope="module")
def source():
    tw.logging.set_verbosity(50)
    return study_of(0.6, 60, seed=7)


def test_a_source_is_plain_data_with_the_best_first(source):
    data = source_of(source)
    assert json.loads(json.dumps(data)) == data
    assert data["loss"][0] == source.best_value == min(data["loss"])
    assert data["params"][0] == source.best_params
    assert source_of(data) == data


def test_the_trend_is_low_where_the_source_was(source):
    space = source.trials.space
    trend = trend_of(space, [source_of(source)])
    points = space.sample(np.random.default_rng(0), 300)
    loss = [
        loss_at(np.array([p[f"x{i}"] for i in range(4)]), p["kind"], 0.6) for p in map(space.decode, points)
    ]
    assert np.corrcoef(loss, trend.mean(features(space, space.to_unit(points))))[0, 1] > 0.5


def test_other_ranges_and_names_are_no_obstacle(source):
    space = Space({"x0": tw.Float(0.5, 2), "x9": tw.Float(0, 1), "kind": tw.Categorical(("b", "z"))})
    trend = trend_of(space, [source_of(source)])
    assert 0 < len(trend.model.A) < 60
    assert trend_of(Space({"other": tw.Float(0, 1)}), [source_of(source)]) is None


def test_the_first_trial_is_the_best_of_the_source(source):
    study = tw.create_study(sampler=Auto(warm_start_from=[source]), space=source.trials.space)
    assert study.ask().params == pytest.approx(source.best_params)


def test_a_good_source_saves_trials(source):
    def median(sampler, n):
        return np.median([study_of(0.65, n, seed, sampler, spread=3.0).best_value for seed in range(3)])

    assert median(Auto(warm_start_from=[source]), 6) < 0.6 * median("auto", 12)


def test_a_misleading_source_is_overcome():
    misleading = study_of(0.05, 60, seed=7)
    best = [study_of(0.9, 45, seed, GP(warm_start_from=[misleading])).best_value for seed in range(3)]
    assert np.median(best) < 0.2


def test_the_study_can_be_loaded_and_goes_on_the_same(source, tmp_path):
    sampler = Auto(warm_start_from=[source])
    assert tw.samplers.from_settings(json.loads(json.dumps(tw.samplers.settings(sampler)))) == sampler
    space = source.trials.space
    asked = []
    for name in ("a", "b"):
        study = tw.create_study(name, tmp_path / "s.db", sampler=sampler, seed=3, space=space)
        for i in range(8):
            if name == "b" and i == 4:
                study = tw.load_study(name, tmp_path / "s.db")
            trial = study.ask()
            study.tell(trial, trial.params["x0"])
        asked.append([t.params for t in study.trials])
    assert asked[0] == asked[1]


@pytest.mark.parametrize("what", [3, "runs.db", None])
def test_what_is_no_study_is_refused(what):
    with pytest.raises(SettingError, match="nothing to start from"):
        Auto(warm_start_from=[what])


def test_a_study_that_is_too_young_is_refused():
    with pytest.raises(SettingError, match="at least 3"):
        Auto(warm_start_from=[tw.create_study("young")])
