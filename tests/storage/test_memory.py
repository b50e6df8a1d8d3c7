"""What is special to a log in memory: it shares nothing by accident, and everything on purpose."""

import tunewise as tw
from tunewise.storage import MemoryLog

tw.logging.set_verbosity(50)


def test_each_is_a_place_of_its_own():
    one, other = (tw.create_study("s", sampler="random") for _ in range(2))
    one.set_user_attr("a", 1)
    assert other.user_attrs == {}


def test_several_studies_in_one_process_share_a_log():
    log = MemoryLog()
    one = tw.create_study("s", log, sampler="random", seed=0)
    other = tw.load_study("s", log)
    trial = one.ask()
    assert other.tell(trial.number, 0.5).value == 0.5
    assert one.best_value == 0.5
    assert tw.study_names(log) == ["s"]


def test_closing_forgets_nothing_and_nothing_is_written(tmp_path):
    log = MemoryLog()
    study = tw.create_study("s", log, sampler="random", seed=0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    log.close()
    assert len(tw.load_study("s", log).trials) == 3
    assert list(tmp_path.iterdir()) == []
