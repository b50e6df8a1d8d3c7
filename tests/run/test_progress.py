"""A progress bar on a terminal, and silence elsewhere."""

import io
import re
import subprocess
import sys
import time

import pytest

import tunewise as tw
from tunewise.records import FrozenTrial, TrialState
from tunewise.run.progress import Progress

RECORD = FrozenTrial(0, TrialState.COMPLETE, values=(0.5,))
SEARCH = {"sampler": "random", "seed": 0}


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Called within a test, makes stderr a terminal and returns what is written there."""

    def make():
        stream = Terminal()
        monkeypatch.setattr("sys.stderr", stream)
        return stream

    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    return make


def shown(stream):
    """The last state of the bar, without colours and cursor movements."""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    return [line for line in re.split(r"[\r\n]+", plain) if line.strip()][-1]


def advanced(n_trials, n_done, text, n_in_study=0):
    with Progress(n_trials, lambda: text, lambda: n_in_study, shown=True) as bar:
        for _ in range(n_done):
            bar.advance(RECORD)


def test_it_counts_and_shows_the_best(terminal):
    stream = terminal()
    advanced(5, 3, "best error 0.25 (trial 2)")
    assert "3/5" in shown(stream)
    assert shown(stream).rstrip().endswith("best error 0.25 (trial 2)")


def test_without_an_end_it_counts_all_the_same(terminal):
    stream = terminal()
    advanced(None, 4, "best")
    assert re.search(r"\b4/\?", shown(stream))


def test_before_the_first_result_it_says_so(terminal):
    stream = terminal()
    advanced(5, 0, "")
    assert "0/5" in shown(stream)
    assert "no result yet" in shown(stream)


@pytest.mark.parametrize(("n_in_study", "said"), [(0, False), (3, False), (4, True), (20, True)])
def test_the_study_is_counted_where_it_has_more(terminal, n_in_study, said):
    stream = terminal()
    advanced(5, 3, "best", n_in_study)
    assert "3/5" in shown(stream)
    assert (f"{n_in_study} in the study" in shown(stream)) == said


ANOTHER = """
import tunewise as tw
tw.logging.set_verbosity(60)
tw.load_study("s", "runs.db").optimize(lambda trial: 5.0 - trial.number, 4)
"""


def another_process():
    subprocess.run([sys.executable, "-c", ANOTHER], check=True)


def test_trials_of_another_process_count_when_a_trial_ends(terminal, quiet):
    stream = terminal()
    study = tw.create_study("s", "runs.db", **SEARCH)

    def objective(trial):
        if trial.number == 0:
            another_process()
        return 9.0

    study.optimize(objective, 2, progress=True)
    assert "2/2" in shown(stream)
    assert "6 in the study" in shown(stream)
    assert "best value 1 (trial 4)" in shown(stream)


def test_trials_of_another_process_are_seen_while_a_trial_reports(terminal, quiet):
    stream = terminal()
    study = tw.create_study("s", "runs.db", **SEARCH)
    seen = []

    def objective(trial):
        another_process()
        trial.report(9.0, 1)
        deadline = time.monotonic() + 20
        while "4 in the study" not in shown(stream) and time.monotonic() < deadline:
            time.sleep(0.05)
        seen.append(shown(stream))
        return 9.0

    study.optimize(objective, 1, progress=True)
    assert "0/1" in seen[0]
    assert "4 in the study" in seen[0]


@pytest.mark.parametrize("name", ["loss[val]", "loss[/val]", "[bold]x", "x[/]"])
def test_a_goal_may_have_brackets(terminal, name):
    """To the library that draws the bar they could be colours."""
    stream = terminal()
    study = tw.create_study(goals={name: "minimize"}, **SEARCH)
    tw.logging.set_verbosity(50)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 2, progress=True)
    assert f"best {name} " in shown(stream)


def test_a_search_that_ends_by_itself_says_why(terminal):
    stream = terminal()
    tw.logging.set_verbosity(50)
    study = tw.create_study(sampler="grid", seed=0, space=tw.Space({"x": tw.Int(1, 2)}))
    study.optimize(lambda trial: 0.0, progress=True)
    assert "All 2 points of the grid have been visited." in shown(stream)


@pytest.mark.parametrize(("stream", "wanted"), [(io.StringIO, True), (Terminal, False), (lambda: None, True)])
def test_it_is_silent_where_nobody_looks(monkeypatch, stream, wanted):
    err = stream()
    monkeypatch.setattr("sys.stderr", err)
    with Progress(3, lambda: "best", int, shown=wanted) as bar:
        bar.advance(RECORD)
        bar.note("the end")
    assert err is None or err.getvalue() == ""


def test_an_error_leaves_the_terminal_as_it_was(terminal):
    stream = terminal()
    with pytest.raises(ZeroDivisionError), Progress(3, lambda: "best", int, shown=True):
        raise ZeroDivisionError
    hidden, visible = stream.getvalue().rfind("\x1b[?25l"), stream.getvalue().rfind("\x1b[?25h")
    assert visible > hidden > -1
