"""Errors are one tree, are also what the standard library calls them, and survive the way between processes."""

import copy
import inspect
import pickle

import pytest

from tunewise import errors

MADE = {"MissingExtra": ("altair", "report", "Drawing a report")}
ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
every = pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)


def make(kind):
    return kind(*MADE.get(kind.__name__, ("The seed is -1; it must be at least 0.",)))


@every
def test_all_have_one_root(kind):
    assert issubclass(kind, errors.TunewiseError)


@every
@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_they_survive_the_way_from_one_process_to_another(kind, copied):
    error = make(kind)
    again = copied(error)
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.args == error.args


@every
def test_their_message_reads_as_it_was_written(kind):
    """Without the quotes that a KeyError puts around it."""
    assert str(make(kind))[0] in "TD"


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        (errors.SpaceError, ValueError),
        (errors.SettingError, ValueError),
        (errors.StudyNotFound, KeyError),
        (errors.TrialStateError, ValueError),
        (errors.NoTrials, ValueError),
        (errors.DataError, ValueError),
        (errors.MissingExtra, ImportError),
        (errors.StorageUnreachable, errors.StorageError),
        (errors.Conflict, errors.StorageError),
    ],
)
def test_callers_may_catch_what_they_know(kind, also):
    with pytest.raises(also):
        raise make(kind)


def test_ends_of_a_trial_are_no_mistakes():
    """An objective that catches ValueError does not swallow them."""
    for kind in (errors.TrialPruned, errors.TrialInfeasible, errors.SearchExhausted):
        assert not issubclass(kind, ValueError | KeyError | OSError | RuntimeError)


def test_a_missing_extra_names_the_command():
    message = str(errors.MissingExtra("altair", "report", "Drawing a report"))
    assert message == 'Drawing a report needs altair, which is not installed: pip install "tunewise[report]"'


def test_a_study_not_found_without_words_is_empty():
    assert str(errors.StudyNotFound()) == ""
