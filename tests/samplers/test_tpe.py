"""The Parzen estimator finds what is planted, keeps off what diverged, and spreads what is pending."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.samplers import TPE
from tunewise.samplers.qmc import points_of
from tunewise.space import Space
from tunewise.stats.pareto import hypervolume

XY = Space({"x": tw.Float(0, 1), "y": tw.Float(0, 1)})


def run(objective, n_trials, seed=0, sampler="tpe", **settings):
    study = tw.create_study(sampler=sampler, seed=seed, **settings)
    study.optimize(objective, n_trials)
    return study


def bowl(trial):
    return (trial.params["x"] - 0.3) ** 2 + (trial.params["y"] - 0.6) ** 2


def column(study, name):
    return np.array([t.params.get(name, np.nan) for t in study.trials], dtype=float)


def test_it_begins_with_a_sobol_sequence():
    study = run(bowl, 6, sampler=TPE(n_startup=6), space=XY)
    wanted = points_of("sobol", 0, XY.names)(np.arange(6))
    assert np.array([list(t.params.values()) for t in study.trials]) == pytest.approx(wanted)


def test_it_beats_random_search_on_a_space_with_everything(mixed, loss):
    def median(sampler):
        return np.median(
            [run(lambda t: loss(t.params), 80, seed, sampler, space=mixed).best_value for seed in range(7)]
        )

    assert median("tpe") < 0.4 * median("random")


def test_it_finds_the_one_good_choice_among_many():
    space = Space({"k": tw.Categorical(tuple("abcdefghij")), "x": tw.Float(0, 1)})
    study = run(lambda t: (t.params["k"] != "g") + t.params["x"], 80, space=space)
    late = [t.params["k"] for t in list(study.trials)[40:]]
    assert late.count("g") > 25


@pytest.mark.parametrize("how", ["nan", "marked"])
def test_diverged_trials_are_learnt_from(how):
    """The loss falls towards the cliff, beyond which everything diverges."""

    def objective(trial):
        x = trial.params["x"]
        if x > 0.6 and how == "nan":
            return math.nan
        if x > 0.6:
            trial.mark_infeasible("too large")
        return -x

    shares = []
    for seed in range(4):
        study = run(objective, 60, seed, space=XY)
        shares.append((study.trials.state[30:] == tw.TrialState.INFEASIBLE).mean())
        assert study.best_value < -0.55
    assert np.mean(shares) < 0.25  # 0.4 where nothing is learnt


def test_a_part_of_very_many_trials_stands_for_all(monkeypatch):
    """Every seventh trial says as well where others lie and diverge; the good ones are known one by one."""

    def objective(trial):
        x = trial.params["x"]
        return math.nan if x > 0.6 else bowl(trial)

    def found(seed):
        study = run(objective, 200, seed, space=XY)
        return study.best_value, (study.trials.state[100:] == tw.TrialState.INFEASIBLE).mean()

    whole = np.median([found(seed) for seed in range(5)], axis=0)
    monkeypatch.setattr("tunewise.samplers.tpe._MOST_OTHERS", 30)
    part = np.median([found(seed) for seed in range(5)], axis=0)
    assert part[0] < 2 * whole[0] + 1e-4
    assert part[1] < whole[1] + 0.1


def test_failed_trials_say_nothing():
    """The same study twice, in one of which crashed trials lie in between."""

    def objective(trial):
        if trial.params["x"] < 0.5:
            raise ValueError
        return bowl(trial)

    study = tw.create_study(sampler="tpe", seed=1, space=XY)
    study.optimize(objective, 40, catch=ValueError)
    crashed = column(study, "x")[20:] < 0.5
    assert crashed.mean() > 0.3  # the optimum is there, and no crash keeps anybody off


def test_pending_trials_keep_others_off():
    def nearest(pending):
        gaps = []
        for seed in range(6):
            study = run(bowl, 20, seed, space=XY)
            asked = []
            for _ in range(12):
                trial = study.ask()
                asked.append([trial.params["x"], trial.params["y"]])
                if not pending:
                    study.tell(trial, state="failed")
            distance = np.linalg.norm(np.subtract.outer(asked, asked)[:, [0, 1], :, [0, 1]], axis=0)
            gaps.append(np.median((distance + 9 * np.eye(12)).min(axis=1)))
        return np.mean(gaps)

    assert nearest(pending=True) > 1.2 * nearest(pending=False)


def test_pruned_trials_are_learnt_from():
    def objective(trial):
        trial.report(bowl(trial), 0)
        if bowl(trial) > 0.02:
            raise tw.TrialPruned
        return bowl(trial)

    study = run(objective, 60, space=XY)
    late = [bowl(t) for t in list(study.trials)[30:]]
    assert np.median(late) < 0.03  # 0.13 at random


def test_constraints_are_kept_where_better_losses_lie_outside():
    def objective(trial):
        trial.set_constraints({"c": 0.5 - trial.params["x"]})
        return trial.params["x"] + trial.params["y"]

    study = run(objective, 80, space=XY)
    late = column(study, "x")[40:]
    assert (late >= 0.5).mean() > 0.6
    assert np.median(late) < 0.7
    assert study.best_value < 0.6


def test_several_goals_are_served_better_than_at_random():
    def objective(trial):
        x, y = trial.params["x"], trial.params["y"]
        return (x - 0.2) ** 2 + y**2, (x - 0.8) ** 2 + y**2

    def volume(sampler):
        runs = [run(objective, 60, s, sampler, space=XY, directions=["minimize"] * 2) for s in range(4)]
        return np.mean([hypervolume(study.trials.loss, np.array([0.4, 0.4])) for study in runs])

    assert volume("tpe") > volume("random") + 0.002


def test_the_better_branch_of_a_conditional_space_is_followed():
    space = Space(
        {"k": tw.Categorical(("a", "b")), "x": tw.Float(0, 1), "y": tw.Float(0, 1)},
        {"x": ("k", ["a"]), "y": ("k", ["b"])},
    )

    def objective(trial):
        p = trial.params
        return abs(p["x"] - 0.9) if p["k"] == "a" else 0.3 + abs(p["y"] - 0.1)

    study = run(objective, 100, space=space)
    late = column(study, "x")[50:]
    assert np.count_nonzero(np.isnan(late)) < 15
    assert np.nanmedian(np.abs(late - 0.9)) < 0.1
