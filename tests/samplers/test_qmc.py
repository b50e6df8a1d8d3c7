"""Any number of workers walk along one sequence, without a gap or a repetition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.samplers import QMC
from tunewise.samplers.qmc import points_of
from tunewise.space import Space
from tunewise.storage import MemoryLog

SPACE = Space({"b": tw.Float(0, 1), "a": tw.Float(0, 1), "c": tw.Float(0, 1)})


def walked(study):
    return np.array([list(study.trials[i].params.values()) for i in range(len(study.trials))])


@given(
    st.sampled_from(["sobol", "halton"]),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["ask", "tell", "fail", "queue", "restart"]))),
)
@settings(max_examples=40)
def test_interleaved_workers_leave_no_gap(kind, actions):
    """Trials that the queue gives all their values to do not take a point."""
    log = MemoryLog()
    tw.create_study("s", log, sampler=QMC(kind=kind), seed=5, space=SPACE)
    workers = [tw.load_study("s", log) for _ in range(3)]
    running = []
    for worker, action in actions:
        study = workers[worker]
        if action == "queue":
            study.enqueue_trial({"a": 0.5, "b": 0.5, "c": 0.5})
        elif action == "restart":
            workers[worker] = tw.load_study("s", log)
        elif action == "ask" or not running:
            running.append(study.ask())
        else:
            study.tell(running.pop(0).number, 1.0 if action == "tell" else None)
    rows = [t.params for t in workers[0].trials if t.params]
    mine = np.array([list(row.values()) for row in rows if set(row.values()) != {0.5}]).reshape(-1, 3)
    wanted = points_of(kind, 5, SPACE.names)(np.arange(len(mine)))
    assert mine == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_a_longer_study_begins_with_the_shorter_one(n_jobs):
    runs = []
    for sizes in ((24,), (5, 1, 18)):
        study = tw.create_study(sampler="sobol", seed=2, space=SPACE)
        for size in sizes:
            study.optimize(lambda trial: 0.0, size, n_jobs=n_jobs)
        runs.append(walked(study))
    assert (runs[0] == runs[1]).all()


def test_discrete_parameters_are_covered_evenly():
    space = Space({"n": tw.Int(0, 15), "k": tw.Categorical(("a", "b", "c", "d"))})
    study = tw.create_study(sampler="qmc", seed=0, space=space)
    study.optimize(lambda trial: 0.0, 32)
    raw = study.trials.raw(space)
    assert np.bincount(raw[:, 0].astype(int)).tolist() == [2] * 16
    assert np.bincount(raw[:, 1].astype(int)).tolist() == [8] * 4


def test_every_name_has_a_coordinate_of_its_own_where_conditions_hide_some():
    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        return trial.suggest_float("left" if x < 0.5 else "right", 0, 1)

    study = tw.create_study(sampler="qmc", seed=1)
    study.optimize(objective, 65)
    rows = [t.params for t in list(study.trials)[1:]]
    for side in ("left", "right"):
        pairs = np.array([(p["x"], p[side]) for p in rows if side in p])
        assert 31 <= len(pairs) <= 33
        assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.3
        assert np.histogram(pairs[:, 1], 4, (0, 1))[0].min() >= 5


def test_scrambling_makes_studies_independent_and_its_absence_the_same():
    def first(sampler, seed):
        study = tw.create_study(sampler=sampler, seed=seed, space=SPACE)
        study.optimize(lambda trial: 0.0, 8)
        return walked(study)

    assert (first(QMC(), 1) == first(QMC(), 1)).all()
    assert not (first(QMC(), 1) == first(QMC(), 2)).any()
    for kind in ("sobol", "halton"):
        plain = first(QMC(kind=kind, scramble=False), 1)
        assert (plain == first(QMC(kind=kind, scramble=False), 2)).all()
        assert (plain[0] == 0).all()


def test_other_names_are_another_randomisation():
    index = np.arange(8)
    ab, cd = (points_of("sobol", 3, names)(index) for names in (("a", "b"), ("c", "d")))
    assert not (ab == cd).any()
    assert (points_of("sobol", 3, ("b", "a"))(index) == ab[:, ::-1]).all()


def test_beyond_the_known_sobol_dimensions_it_goes_on():
    space = Space({f"x{i}": tw.Float(0, 1) for i in range(260)})
    study = tw.create_study(sampler="sobol", seed=0, space=space)
    study.optimize(lambda trial: 0.0, 3)
    assert len(np.unique(walked(study))) == 780


def test_an_unknown_kind_is_an_error():
    with pytest.raises(SettingError, match="'latin'"):
        QMC(kind="latin")
