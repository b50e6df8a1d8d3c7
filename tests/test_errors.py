"""Errors are one tree, are also what the standard library calls them, and survive the way between processes."""

import ast
import copy
import inspect
import pickle
import re
from importlib.metadata import requires
from pathlib import Path

import pytest

from tunewise import errors

MADE = {"MissingExtra": ("altair", "report", "Drawing a report")}
SOURCE = Path(errors.__file__).parent
SPELLINGS = {
    "PyTorch": "torch",
    "mlflow": "mlflow-skinny",
}  # as people call a package, and as it is installed
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


def extras():
    """Of this package: {extra: the packages that it installs}."""
    found = {}
    for line in requires("tunewise"):
        for extra in re.findall(r"extra == ['\"]([\w-]+)", line):
            found.setdefault(extra, set()).add(re.match(r"[\w-]+", line)[0].lower())
    return found


def named_extras():
    """(Where, package, extra) of every `MissingExtra` in the source; None for what is known at run time only."""
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("MissingExtra"):
                package, extra = (getattr(each, "value", None) for each in node.args[:2])
                yield f"{file.relative_to(SOURCE)}:{node.lineno}", package, extra


@pytest.mark.parametrize(("where", "package", "extra"), list(named_extras()))
def test_an_extra_that_is_named_exists_and_brings_the_package(where, package, extra):
    known = extras()
    assert extra in known
    if isinstance(package, str):
        assert SPELLINGS.get(package, package) in known[extra]
