"""CMA-ES is a function of the log; on a sphere it is as fast as the package `cmaes`, and it understands choices."""

import math

import cmaes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.samplers import CmaEs
from tunewise.space import Space


def box(n):
    return Space({f"x{i}": tw.Float(0, 1) for i in range(n)})


def sphere(params):
    return sum((x - 0.3) ** 2 for x in params.values())


def run(n_trials, loss=sphere, space=None, seed=0, sampler=None, n_jobs=1):
    study = tw.create_study(sampler=sampler or CmaEs(), seed=seed, space=space or box(4))
    study.optimize(lambda trial: loss(trial.params), n_trials, n_jobs=n_jobs)
    return study


@pytest.mark.filterwarnings("ignore")
def test_a_sphere_takes_as_many_trials_as_with_the_package_cmaes():
    n, n_trials, population = 4, 320, 8

    def theirs(seed):
        other = cmaes.CMA(
            np.full(n, 0.5), 1 / 6, bounds=np.array([[0, 1]] * n), population_size=population, seed=seed
        )
        best = math.inf
        for _ in range(n_trials // population):
            points = [(x, float(((x - 0.3) ** 2).sum())) for x in (other.ask() for _ in range(population))]
            other.tell(points)
            best = min([best, *(y for _, y in points)])
        return math.log10(best)

    mine = np.median([math.log10(run(n_trials, seed=seed).best_value) for seed in range(7)])
    assert mine == pytest.approx(np.median([theirs(seed) for seed in range(7)]), abs=0.8)
    assert mine < -5


@given(st.permutations(range(12)), st.lists(st.booleans(), min_size=12, max_size=12))
@settings(max_examples=15)
def test_a_generation_is_what_finished_in_its_order(order, crashed):
    """Twelve workers finish in any order, some crash; those who read the log later agree about what follows."""
    study = tw.create_study(sampler=CmaEs(population=5), seed=2, space=box(2))
    trials = [study.ask() for _ in range(12)]
    for i in order:
        study.tell(trials[i], None if crashed[i] else sphere(trials[i].params))
    copy = tw.load_study(study.name, study.storage)
    before = [trial.params for trial in (study.ask() for _ in range(3))]
    assert before == [copy.trials[12 + i].params for i in range(3)]
    learnt = sum(not crash for crash in crashed) >= 5
    plain = tw.create_study(sampler=CmaEs(population=50), seed=2, space=box(2))
    for _ in range(12):
        plain.ask()
    assert (plain.ask().params != before[0]) == learnt


def test_workers_in_parallel_find_the_optimum_too():
    assert run(300, n_jobs=4).best_value < 1e-4


def test_diverged_trials_come_last_in_their_generation():
    """The optimum lies on a cliff: beyond it everything diverges."""

    def loss(params):
        return math.nan if params["x0"] > 0.7 else (params["x0"] - 0.7) ** 2 + (params["x1"] - 0.5) ** 2

    shares = []
    for seed in range(4):
        study = run(200, loss, box(2), seed)
        assert study.best_value < 1e-3
        shares.append((study.trials.state[100:] == tw.TrialState.INFEASIBLE).mean())
    assert np.mean(shares) < 0.6


def test_whole_numbers_do_not_get_stuck_in_a_cell():
    space = Space({"n": tw.Int(0, 30), "m": tw.Int(1, 1024, log=True), "x": tw.Float(0, 1)})

    def loss(params):
        return (params["n"] - 23) ** 2 + 4 * math.log2(params["m"] / 64) ** 2 + (params["x"] - 0.5) ** 2

    for seed in range(3):
        best = run(300, loss, space, seed).best_params
        assert abs(best["n"] - 23) <= 1
        assert 45 <= best["m"] <= 90


def test_choices_are_learnt_and_none_is_given_up(mixed, loss):
    study = run(250, loss, mixed)
    late = [t.params["kind"] for t in list(study.trials)[120:]]
    assert late.count("a") > 80
    assert {"b", "c"} <= set(late)
    assert study.best_value < 0.02


def test_it_starts_anew_where_it_has_collapsed():
    study = run(700, space=box(1))
    x = np.array([t.params["x0"] for t in study.trials])
    assert study.best_value < 1e-16
    collapsed = int(np.argmin(np.abs(x - 0.3)))
    assert np.ptp(x[collapsed + 30 : collapsed + 130]) > 0.3


def test_another_optimum_is_found_by_starting_anew():
    """A narrow, better valley beside a wide one."""

    def loss(params):
        return min((params["x0"] - 0.2) ** 2 + 0.1, 4 * (params["x0"] - 0.85) ** 2)

    assert np.median([run(900, loss, box(1), seed).best_value for seed in range(3)]) < 0.05


def test_constraints_come_between_results_and_divergence():
    study = tw.create_study(sampler=CmaEs(), seed=0, space=box(2))

    def objective(trial):
        trial.set_constraints({"c": 0.6 - trial.params["x0"]})
        return sphere(trial.params)

    study.optimize(objective, 200)
    assert study.best_params["x0"] == pytest.approx(0.6, abs=0.02)
    assert study.best_params["x1"] == pytest.approx(0.3, abs=0.1)


def test_the_first_deviation_is_a_share_of_the_range():
    space = Space({"x": tw.Float(10, 20)})
    for sigma in (0.01, 0.1):
        study = tw.create_study(sampler=CmaEs(population=100, sigma=sigma), seed=0, space=space)
        x = [study.ask().params["x"] for _ in range(100)]
        assert np.mean(x) == pytest.approx(15, abs=3 * sigma)
        assert np.std(x) == pytest.approx(10 * sigma, rel=0.2)


@pytest.mark.parametrize("wrong", [{"population": 1}, {"sigma": 0.0}, {"sigma": math.nan}])
def test_wrong_settings_are_errors(wrong):
    with pytest.raises(SettingError, match=r"is .+; it must be"):
        CmaEs(**wrong)


def test_a_similar_study_is_a_better_start_than_the_middle():
    """Its optimum lies at 0.35 and not at 0.3, its choice is the same, and it knows nothing of x4."""
    space = Space({**box(4), "k": tw.Categorical(tuple("abcdef"))})
    source = run(80, lambda p: sum((p[f"x{i}"] - 0.35) ** 2 for i in range(4)) + (p["k"] != "e"), space)

    def median(**settings):
        longer = Space({**space, "x4": tw.Float(0, 1)} if settings.get("longer") else space)
        sampler = CmaEs(warm_start_from=settings.get("sources", ()))

        def loss(p):
            return sum((x - 0.3) ** 2 for x in p.values() if isinstance(x, float)) + (p["k"] != "e")

        return np.median([run(24, loss, longer, seed, sampler).best_value for seed in range(5)])

    assert median(sources=[source]) < 0.3 * median()
    assert median(sources=[source, source.trials]) < 0.3 * median()
    assert math.isfinite(median(sources=[source], longer=True))


def test_a_warm_start_is_recorded_with_the_study(tmp_path):
    source = run(20)
    sampler = CmaEs(warm_start_from=[source])
    whole = run(24, sampler=sampler)
    study = tw.create_study("s", tmp_path / "s.db", sampler=sampler, seed=0, space=box(4))
    study.optimize(lambda trial: sphere(trial.params), 11)
    again = tw.load_study("s", tmp_path / "s.db")
    assert again.sampler == sampler
    again.optimize(lambda trial: sphere(trial.params), 13)
    assert [t.params for t in again.trials] == [t.params for t in whole.trials]


def test_a_source_that_has_nothing_in_common_changes_nothing():
    source = run(20, space=Space({"other": tw.Float(0, 1)}))
    cold, warm = run(24), run(24, sampler=CmaEs(warm_start_from=[source]))
    assert [t.params for t in cold.trials] == [t.params for t in warm.trials]
    with pytest.raises(SettingError, match="nothing to start from"):
        CmaEs(warm_start_from=["a name"])
