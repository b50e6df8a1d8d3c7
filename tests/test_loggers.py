"""A study speaks through its own logger, and through nobody else's."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunewise as tw
from tunewise.loggers import logger_of

NAMES = ["digits", "digits.v2", "a b", "ünï", "50%", ""]


class Ear(logging.Handler):
    """Keeps what it hears: (the study that said it, the message)."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def emit(self, record):
        self.heard.append((record.name, record.getMessage()))


@pytest.fixture
def ear():
    """What reaches the logger of all studies, at the level INFO."""
    top = logging.getLogger("tunewise")
    level, handler = top.level, Ear()
    top.setLevel(logging.INFO)
    top.addHandler(handler)
    yield handler
    top.removeHandler(handler)
    top.setLevel(level)


@pytest.fixture
def study(ear, request):
    """``study("name")``: a study that has run a trial, whose logger is as new after the test."""

    def make(name, place=None):
        made = tw.create_study(name, place, sampler="random", seed=0)
        request.addfinalizer(lambda: made.logger.setLevel(logging.NOTSET))
        return made

    return make


@given(st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_two_names_are_two_loggers_side_by_side(one, other):
    assert (logger_of(one) is logger_of(other)) == (one == other)
    assert logger_of(one).parent.name in ("tunewise", "tunewise.study")


def test_a_name_may_look_like_another_one_that_was_written_down():
    assert logger_of("a.b") is not logger_of("a%2Eb")


def test_all_that_a_study_says_is_on_its_own_logger(study, ear):
    study("lines").optimize(lambda trial: 1 / trial.number, 2, catch=ZeroDivisionError)
    assert [name for name, _ in ear.heard] == ["tunewise.study.lines"] * 3
    assert [message.split(" in ")[0].split(" with ")[0] for _, message in ear.heard] == [
        "A new study created", "Trial 0 failed", "Trial 1 finished",
    ]  # fmt: skip


@pytest.mark.parametrize(("silent", "loud"), [("digits", "digits.v2"), ("digits.v2", "digits")])
def test_one_study_is_silenced_and_others_are_not(silent, loud, study, ear):
    studies = [study(silent), study(loud)]
    studies[0].logger.setLevel(logging.ERROR)
    ear.heard.clear()
    for each in studies:
        each.optimize(lambda trial: 1.0, 1)
    assert [name for name, _ in ear.heard] == [logger_of(loud).name]


def test_a_level_that_was_set_before_the_study_was_there_counts(study, ear):
    logging.getLogger("tunewise.study.early").setLevel(logging.ERROR)
    study("early").optimize(lambda trial: 1.0, 1)
    assert ear.heard == []


def test_the_others_keep_the_level_of_all(study, ear):
    tw.logging.set_verbosity(logging.WARNING)
    chatty = study("chatty")
    chatty.logger.setLevel(logging.INFO)
    for each in (chatty, study("plain")):
        each.optimize(lambda trial: 1.0, 1)
    assert {name for name, _ in ear.heard} == {"tunewise.study.chatty"}


def silent_inside(trial):
    return float(logging.getLogger("tunewise").getEffectiveLevel())


def test_the_processes_of_a_silent_study_are_silent(study):
    quiet = study("processes", "runs.db")
    quiet.logger.setLevel(logging.ERROR)
    quiet.optimize(silent_inside, 1, executor="processes")
    assert quiet.best_value == logging.ERROR


def test_damage_is_said_by_the_study_that_has_it(study, ear):
    trials = study("damaged").trials
    ear.heard.clear()
    trials._unreadable(tw.events.Unreadable("torn"))
    assert [name for name, _ in ear.heard] == ["tunewise.study.damaged"]
