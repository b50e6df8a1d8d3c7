"""What a study promises, whatever the sampler and the storage."""

import math
import multiprocessing
import threading

import numpy as np
import pytest

import tunewise as tw
from tunewise.dice import Dice
from tunewise.errors import NoTrials, SettingError, SpaceError, StudyExists, StudyNotFound, TrialStateError
from tunewise.events import ParamsSet
from tunewise.space import Space
from tunewise.trials import Trials

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def quiet():
    tw.logging.set_verbosity(50)


@pytest.fixture(params=["memory", "sqlite"])
def storage(request, tmp_path):
    return None if request.param == "memory" else f"sqlite:///{tmp_path}/s.db"


def branching(trial):
    x = trial.suggest_float("x", -1, 1)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    if kind == "a":
        x += trial.suggest_int("n", 1, 8, log=True) * trial.suggest_float("scale", 1e-3, 1, log=True)
    trial.report(x, 0)
    trial.report({"other": 2 * x}, 0)
    if x > 3:
        return math.nan
    return x


def test_a_study_read_again_is_the_same(tmp_path):
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=3)
    study.optimize(branching, 40)
    study.set_user_attr("who", {"a": [1, None]})
    again = tw.load_study("s", tmp_path / "s.db")
    assert repr(list(again.trials)) == repr(list(study.trials))
    assert again.user_attrs == study.user_attrs
    assert again.info == study.info
    assert again.sampler == study.sampler
    assert again.best_trial == study.best_trial


@pytest.mark.parametrize("version", [0, 1, 99])
def test_who_opens_a_study_of_another_version_of_its_sampler_is_told(version, tmp_path, monkeypatch, capsys):
    present = tw.samplers.TPE.version
    with monkeypatch.context() as then:
        then.setattr(tw.samplers.TPE, "version", version)
        tw.create_study("s", tmp_path / "s.db", sampler="tpe").optimize(branching, 1)
    tw.logging.set_verbosity(tw.logging.WARNING)
    assert tw.load_study("s", tmp_path / "s.db").info.sampler["version"] == version
    assert ("only with the tunewise that made it" in capsys.readouterr().err) == (version != present)


def test_the_same_seed_gives_the_same_study(storage):
    runs = [tw.create_study(f"s{i}", storage, sampler="random", seed=5) for i in range(2)]
    for study in runs:
        study.optimize(branching, 25)
    assert [t.params for t in runs[0].trials] == [t.params for t in runs[1].trials]


def replayed(study) -> int:
    """Fold the log up to where each suggestion was made, ask again, and count; raises where a bit differs."""
    log, table, dice, count = study.storage, Trials(), Dice(study.info.seed), 0
    table.info = study.info
    batches = log.read(study.name, 0)
    for batch in batches:
        for event in batch:
            if not isinstance(event, ParamsSet):
                continue
            past = Trials()
            past.info = study.info
            for earlier in batches[: event.seen]:
                past.apply_all(earlier)
            names = tuple(event.params)
            domains = {n: event.domains.get(n) or study.trials.first_domain(n) for n in names}
            spaces = [Space({n: d}) for n, d in domains.items()] if event.alone else [Space(domains)]
            for space in spaces:
                raw = study.sampler.suggest(past, space, event.number, dice.stream(event.number, space.code))
                assert space.decode(raw) == {n: event.params[n] for n in space}
                count += 1
    return count


@pytest.mark.parametrize("sampler", ["random", "qmc", "tpe", "gp", "auto"])
def test_a_recorded_study_replays_bit_for_bit(sampler, tmp_path):
    def objective(trial):
        return (trial.suggest_float("x", -1, 1) - 0.3) ** 2 + trial.suggest_int("n", 1, 5) * 0.1

    study = tw.create_study("s", tmp_path / "s.db", sampler=sampler, seed=3)
    study.optimize(objective, 24, n_jobs=4)
    assert replayed(study) >= 24


def test_numbers_are_gapless_under_threads(storage):
    study = tw.create_study("s", storage, sampler="random", seed=1)
    seen = []
    study.optimize(lambda t: seen.append(t.number) or t.suggest_float("x", 0, 1), 60, n_jobs=6)
    assert sorted(seen) == list(range(60))
    assert len(study.trials) == 60
    assert (study.trials.state == tw.TrialState.COMPLETE).all()


def _work(path, n):
    tw.logging.set_verbosity(50)
    tw.load_study("s", path).optimize(lambda t: t.suggest_float("x", 0, 1), n)


def test_numbers_are_gapless_and_queued_trials_run_once_under_processes(tmp_path):
    path = tmp_path / "s.db"
    study = tw.create_study("s", path, sampler="random", seed=1)
    for i in range(30):
        study.enqueue_trial({"x": i / 100})
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(path, 12)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    trials = study.trials
    assert len(trials) == 48
    assert (trials.state == tw.TrialState.COMPLETE).all()
    assert [trials[i].params["x"] for i in range(30)] == [i / 100 for i in range(30)]


def test_telling_twice_changes_nothing(storage):
    study = tw.create_study("s", storage, sampler="random")
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    first = study.tell(trial, 1.0)
    with pytest.raises(TrialStateError, match="finished already"):
        study.tell(trial, 2.0)
    with pytest.raises(TrialStateError, match="no trial 7"):
        study.tell(7, 2.0)
    assert study.trials[0] == first


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (1.5, "COMPLETE"),
        (np.float32(1.5), "COMPLETE"),
        (np.array([1.5]), "COMPLETE"),
        (True, "COMPLETE"),
        ([1], "COMPLETE"),
        ({"value": 2}, "COMPLETE"),
        (math.nan, "INFEASIBLE"),
        (math.inf, "INFEASIBLE"),
        (-math.inf, "INFEASIBLE"),
        (10**400, "INFEASIBLE"),
        (None, "FAILED"),
        ("1.5", "FAILED"),
        ("abc", "FAILED"),
        (1j, "FAILED"),
        ((), "FAILED"),
        ((1.0, 2.0), "FAILED"),
        ({}, "FAILED"),
        (object(), "FAILED"),
        (np.zeros((2, 2)), "FAILED"),
    ],
)
def test_every_result_ends_the_trial_somehow(value, state):
    study = tw.create_study(sampler="random")
    study.optimize(lambda t: value, 1)
    record = study.trials[0]
    assert record.state.name == state
    assert (record.reason is None) == (state == "COMPLETE")


def test_how_exceptions_end_a_trial(storage):
    study = tw.create_study("s", storage, sampler="random")

    errors = [
        tw.TrialPruned("slow"),
        FloatingPointError("overflow"),
        ValueError("bug"),
        KeyboardInterrupt(),
    ]

    def objective(trial):
        trial.suggest_float("x", 0, 1)
        if trial.number == 4:
            trial.mark_infeasible("out of memory")
        raise errors[trial.number] if trial.number < 4 else AssertionError

    study.optimize(objective, 3, catch=ValueError)
    with pytest.raises(KeyboardInterrupt):
        study.optimize(objective, 5)
    assert study.trials[3].state.name == "QUEUED"
    errors[3] = RuntimeError("this time for good")
    with pytest.raises(RuntimeError):
        study.optimize(objective, 1)
    study.optimize(objective, 1)
    states = [(t.state.name, t.reason) for t in study.trials]
    assert states == [
        ("PRUNED", "slow"),
        ("INFEASIBLE", "overflow"),
        ("FAILED", "ValueError: bug"),
        ("FAILED", "RuntimeError: this time for good"),
        ("INFEASIBLE", "out of memory"),
    ]


def test_an_error_in_a_thread_reaches_the_caller():
    study = tw.create_study(sampler="random")
    with pytest.raises(ZeroDivisionError):
        study.optimize(lambda t: 1 / 0, 50, n_jobs=3)
    assert 1 <= len(study.trials) <= 3


def test_the_last_report_counts_where_nothing_is_returned():
    study = tw.create_study(goals={"err": "minimize"}, sampler="random")

    def objective(trial):
        for step in range(3):
            trial.report({"err": 3.0 - step, "loss": 0.1}, step)

    study.optimize(objective, 1)
    assert study.best_value == 1.0
    assert study.trials[0].curves == {"err": {0: 3.0, 1: 2.0, 2: 1.0}, "loss": {0: 0.1, 1: 0.1, 2: 0.1}}


def test_queued_parameters_are_used_and_checked():
    space = tw.Space({"x": tw.Float(0, 1), "k": tw.Categorical(("a", "b"))})
    study = tw.create_study(sampler="random", space=space, seed=0)
    with pytest.raises(SpaceError, match="'x'"):
        study.enqueue_trial({"x": 7})
    study.enqueue_trial({"x": 0.25}, user_attrs={"why": "default", "seed": 11})
    trial = study.ask()
    assert trial.params["x"] == 0.25
    assert trial.params["k"] in ("a", "b")
    assert (trial.seed, trial.user_attrs["why"]) == (11, "default")


def test_an_impossible_queued_value_is_replaced_with_a_warning():
    study = tw.create_study(sampler="random")
    study.enqueue_trial({"x": 7})
    with pytest.warns(UserWarning, match="x = 7"):
        study.optimize(lambda t: t.suggest_float("x", 0, 1), 1)
    assert 0 <= study.trials[0].params["x"] <= 1


def test_a_declared_conditional_space_is_asked_at_once():
    space = tw.Space(
        {"opt": tw.Categorical(("sgd", "adam")), "momentum": tw.Float(0, 1)}, {"momentum": ("opt", ["sgd"])}
    )
    study = tw.create_study(sampler="random", space=space, seed=0)
    for _ in range(20):
        params = study.ask().params
        assert ("momentum" in params) == (params["opt"] == "sgd")


def test_a_trial_that_gets_no_parameters_is_not_left_running(storage):
    """A finite search at its end, and a sampler that cannot serve the study."""
    space = tw.Space({"x": tw.Int(1, 2)})
    study = tw.create_study("grid", storage, sampler="grid", space=space)
    study.optimize(lambda t: 1.0)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "COMPLETE", "FAILED"]
    assert "SearchExhausted: All 2 points" in study.trials[2].reason
    study = tw.create_study("cmaes", storage, sampler="cmaes", space=space, directions=["minimize"] * 2)
    with pytest.raises(SettingError, match="needs one goal"):
        study.ask()
    assert [t.state.name for t in study.trials] == ["FAILED"]


def test_groups_are_found_by_running(storage):
    study = tw.create_study("s", storage, sampler="random", seed=2)
    study.optimize(branching, 30)
    structure = study.trials.structure()
    assert structure.groups == (("x", "kind", "n", "scale"),)
    assert structure.when == dict.fromkeys(("n", "scale"), ("kind", ("a",)))
    assert study.trials.space.when == structure.when


def test_unused_members_of_a_group_are_dropped():
    study = tw.create_study(sampler="random", seed=2)
    study.optimize(lambda t: t.suggest_float("x", 0, 1) + t.suggest_float("y", 0, 1), 3)
    study.optimize(lambda t: t.suggest_float("x", 0, 1), 1)
    assert set(study.trials[3].params) == {"x"}
    assert np.isnan(study.trials.raw(Space({"y": tw.Float(0, 1)}))[3, 0])


def test_changed_ranges_and_appended_choices_keep_their_history():
    study = tw.create_study(sampler="random", seed=2)
    study.optimize(lambda t: t.suggest_float("x", 0, 1) + len(t.suggest_categorical("k", ["a", "b"])), 4)
    study.optimize(lambda t: t.suggest_float("x", 5, 9) + len(t.suggest_categorical("k", ["c", "b", "a"])), 4)
    wide = Space({"x": tw.Float(0, 9), "k": tw.Categorical(("b", "a", "c"))})
    raw = study.trials.raw(wide)
    for row, record in zip(raw, study.trials, strict=True):
        assert wide.decode(row) == record.params
    narrow, rows = study.trials.unit(Space({"x": tw.Float(5, 9)}))
    assert rows.tolist() == [4, 5, 6, 7]
    assert ((narrow >= 0) & (narrow <= 1)).all()
    assert study.trials[0].domains["x"] == tw.Float(0, 1)
    assert study.trials[7].domains["x"] == tw.Float(5, 9)


def test_a_number_cannot_become_a_choice():
    study = tw.create_study(sampler="random")
    study.optimize(lambda t: t.suggest_float("x", 0, 1), 1)
    with pytest.raises(SpaceError, match="Use another name"):
        study.optimize(lambda t: t.suggest_categorical("x", [0, 1]), 1)


def test_several_goals_and_constraints():
    study = tw.create_study(goals={"err": "minimize", "speed": "maximize"}, sampler="random", seed=1)

    def objective(trial):
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        trial.set_constraints({"budget": x - 0.8})
        return {"err": x, "speed": y}

    study.optimize(objective, 60)
    front = study.best_trials
    assert all(t.params["x"] <= 0.8 for t in front)
    for t in front:
        dominating = [
            u
            for u in study.trials
            if u.violation == 0
            and u.values[0] <= t.values[0]
            and u.values[1] >= t.values[1]
            and u.values != t.values
        ]
        assert not dominating
    with pytest.raises(SettingError, match="2 goals"):
        _ = study.best_trial
    assert study.directions == ("minimize", "maximize")


def test_the_best_respects_direction_and_constraints():
    study = tw.create_study(direction="maximize", sampler="random")
    for value, excess in [(1.0, 0.0), (5.0, 1.0), (3.0, -1.0), (9.0, math.nan)]:
        trial = study.ask()
        trial.set_constraints({"c": excess})
        study.tell(trial, value)
    assert study.best_value == 3.0
    assert study.best_trial.number == 2


def test_questions_without_an_answer_are_errors():
    with pytest.raises(NoTrials, match="no complete trial"):
        _ = tw.create_study(sampler="random").best_trial


def test_studies_are_kept_apart_by_name(tmp_path):
    path = tmp_path / "s.db"
    tw.create_study("a", path, sampler="random")
    with pytest.raises(StudyExists, match="load_if_exists"):
        tw.create_study("a", path)
    assert tw.create_study("a", path, load_if_exists=True, sampler="random").name == "a"
    with pytest.raises(SettingError, match="directions"):
        tw.create_study("a", path, load_if_exists=True, direction="maximize", sampler="random")
    tw.create_study("b", path, sampler="random")
    assert tw.study_names(path) == ["a", "b"]
    with pytest.raises(StudyNotFound, match="holds 2 studies"):
        tw.load_study(storage=path)
    tw.delete_study("a", path)
    assert tw.load_study(storage=path).name == "b"


def test_a_copy_is_the_same_study(tmp_path):
    study = tw.create_study("s", tmp_path / "s.db", sampler="random", seed=3)
    study.optimize(branching, 20)
    copy = tw.copy_study("s", tmp_path / "s.db", tmp_path / "t.db", "t")
    assert repr(list(copy.trials)) == repr(list(study.trials))
    with pytest.raises(StudyExists):
        tw.copy_study("s", tmp_path / "s.db", tmp_path / "t.db", "t")


def test_an_added_trial_is_the_same_trial():
    source = tw.create_study(sampler="random", seed=3)
    source.optimize(branching, 12)
    target = tw.create_study(sampler="random", seed=4)
    for record in source.trials:
        target.add_trial(record)
    for before, after in zip(source.trials, target.trials, strict=True):
        assert (before.params, before.values, before.curves, before.state) == (
            after.params, after.values, after.curves, after.state,
        )  # fmt: skip


def test_optimize_ends_by_count_time_and_stop():
    study = tw.create_study(sampler="random")
    study.optimize(lambda t: 1.0, n_trials=0)
    assert len(study.trials) == 0
    study.optimize(lambda t: threading.Event().wait(0.02) or 1.0, timeout=0.1)
    assert 1 <= len(study.trials) <= 6
    n = len(study.trials)
    study.optimize(lambda t: 1.0, callbacks=[lambda s, record: s.stop() if record.number >= n + 4 else None])
    assert len(study.trials) == n + 5
    for bad in ({"n_trials": -1}, {"n_trials": 1.5}, {"timeout": 0}, {"n_jobs": 0}):
        with pytest.raises(SettingError):
            study.optimize(lambda t: 1.0, **{"n_trials": 1, **bad})


def test_wrong_arguments_are_sentences():
    for arguments in ({"direction": "up"}, {"directions": []}, {"directions": "minimize"}, {"seed": -1}, {"goals": {}},
                      {"seed": 1.5}, {"direction": "minimize", "goals": {"a": "minimize"}}, {"sampler": "magic"},
                      {"pruner": "magic"}, {"study_name": ""}):  # fmt: skip
        with pytest.raises(SettingError, match=r"\w+ .+ \w+"):
            tw.create_study(**arguments)
    trial = tw.create_study(sampler="random").ask()
    for call in (lambda: trial.report("a", 0), lambda: trial.report(1.0, -1), lambda: trial.report(1.0, 0.5),
                 lambda: trial.set_user_attr("f", object())):  # fmt: skip
        with pytest.raises(SettingError):
            call()


def test_a_data_frame_has_a_row_a_trial():
    study = tw.create_study(sampler="random", seed=0)
    study.optimize(branching, 5)
    frame = study.trials_dataframe()
    assert frame["number"].tolist() == list(range(5))
    assert {"value", "state", "params_x", "params_kind", "duration"} <= set(frame.columns)


def test_a_batch_is_so_many_trials_each_with_the_others_in_mind():
    space = tw.Space({"k": tw.Categorical(("a", "b", "c", "d")), "n": tw.Int(1, 3)})
    study = tw.create_study(space=space, seed=0)
    study.optimize(lambda t: t.params["n"], 4)
    seen = {tuple(t.params.items()) for t in study.trials}
    batch = study.ask(12 - len(seen))
    assert len({tuple(t.params.items()) for t in batch} | seen) == 12
    for trial in batch:
        study.tell(trial, 1.0)
    assert isinstance(study.ask(), tw.Trial)


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", True])
def test_a_batch_is_a_whole_number(n):
    study = tw.create_study()
    with pytest.raises(SettingError, match="whole number of trials"):
        study.ask(n)
    assert len(study.trials) == 0


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_surrogate_predicts_in_the_units_of_the_metric(direction):
    sign = 1 if direction == "minimize" else -1
    study = tw.create_study(direction=direction, sampler="gp", seed=0)
    study.optimize(
        lambda t: sign * (7 + (t.suggest_float("x", 0, 1) - 0.3) ** 2 + (t.suggest_int("n", 1, 5) - 2) ** 2),
        30,
    )
    best, far = study.predict([{"x": 0.3, "n": 2}, {"x": 0.3, "n": 5}])
    assert best == pytest.approx(study.predict({"x": 0.3, "n": 2}))
    assert best.mean == pytest.approx(sign * 7, abs=0.05)
    assert sign * far.mean > 9
    assert best.sd >= 0
    assert study.predict([]) == []


def test_what_cannot_be_predicted_is_a_sentence():
    space = tw.Space(
        {"x": tw.Float(0, 1), "k": tw.Categorical(("a", "b")), "y": tw.Float(0, 1)}, {"y": ("k", ["a"])}
    )
    study = tw.create_study(space=space, sampler="gp", seed=0)
    with pytest.raises(NoTrials, match="at least 2"):
        study.predict({"x": 0.5, "k": "b"})
    study.optimize(lambda t: t.params["x"], 5)
    assert math.isfinite(study.predict({"x": 0.5, "k": "b"}).mean)
    with pytest.raises(SpaceError, match="no value for y"):
        study.predict({"x": 0.5, "k": "a"})
    with pytest.raises(SpaceError, match="'z'"):
        study.predict({"x": 0.5, "k": "b", "z": 1})
    with pytest.raises(SettingError, match="no surrogate"):
        tw.create_study(sampler="tpe").predict({"x": 1})


def test_a_fork_while_another_thread_draws_does_not_hang():
    """A generator's lock that is held at the fork stays held in the child."""
    study = tw.create_study(sampler="random", space=tw.Space({"x": tw.Float(0, 1)}))
    with study._dice._bits.lock:
        child = multiprocessing.get_context("fork").Process(target=study.ask)
        child.start()
    child.join(30)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert child.exitcode == 0


@pytest.mark.parametrize("name", ["", "a\x00b", "half \ud800", 3])
def test_names_that_no_storage_could_hold_are_refused_everywhere(name, tmp_path):
    path = tmp_path / "s.db"
    tw.create_study("s", path)
    for use in (
        lambda: tw.create_study(name, path),
        lambda: tw.load_study(name, path),
        lambda: tw.delete_study(name, path),
        lambda: tw.copy_study("s", path, path, name),
    ):
        with pytest.raises(SettingError, match="no study name"):
            use()
    assert tw.study_names(path) == ["s"]
