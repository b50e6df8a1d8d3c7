import io
import logging
import re

import pytest

from tunewise.records import FrozenTrial, Goal, TrialState
from tunewise.run import log

MINIMIZE = (Goal(),)
PARAMS = {"lr": 0.041, "layers": 1, "act": "relu"}
BRACKET = r"^\[{letter} \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d{{3}}\] "


def trial(number, value=None, state=TrialState.COMPLETE, **fields):
    return FrozenTrial(number, state, PARAMS, None if value is None else (value,), **fields)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def verbosity():
    before = log.get_verbosity()
    log.set_verbosity(log.INFO)
    yield
    log.set_verbosity(before)


def test_a_finished_trial_reads_as_in_the_article(capsys):
    log.log_finished(log.logger, trial(99, 0.5207), trial(66, 0.5493), (Goal("value", "maximize"),))
    line = capsys.readouterr().err
    assert re.match(BRACKET.format(letter="I"), line)
    assert line.endswith(
        "] Trial 99 finished with value: 0.5207 and parameters: {'lr': 0.041, 'layers': 1, 'act': 'relu'}. "
        "Best is trial 66 with value: 0.5493.\n"
    )


def test_without_a_feasible_best_nothing_is_said_about_it(capsys):
    log.log_finished(log.logger, trial(0, 1.0), None, MINIMIZE)
    assert capsys.readouterr().err.endswith("parameters: {'lr': 0.041, 'layers': 1, 'act': 'relu'}.\n")


def test_several_goals_show_all_values_and_no_best(capsys):
    record = FrozenTrial(3, TrialState.COMPLETE, PARAMS, (1.0, 2.5))
    log.log_finished(log.logger, record, None, (Goal("error"), Goal("seconds")))
    assert "Trial 3 finished with values: [1.0, 2.5] and parameters: {" in capsys.readouterr().err


def test_pruned_failed_and_diverged_trials(capsys):
    log.log_finished(log.logger, trial(3, state=TrialState.PRUNED), None, MINIMIZE)
    log.log_finished(log.logger, trial(4, state=TrialState.FAILED, reason="ValueError('no')"), None, MINIMIZE)
    log.log_finished(
        log.logger, trial(5, state=TrialState.INFEASIBLE, reason="the loss is nan"), None, MINIMIZE
    )
    pruned, failed, diverged = capsys.readouterr().err.splitlines()
    assert pruned.endswith("] Trial 3 pruned. ")
    assert re.match(BRACKET.format(letter="W"), failed)
    assert "] Trial 4 failed with parameters: {'lr'" in failed
    assert failed.endswith("because of the following error: ValueError('no').")
    assert "] Trial 5 diverged with parameters: {'lr'" in diverged


def test_a_new_study_says_where_it_lives(capsys):
    log.log_created("digits", "in memory")
    assert capsys.readouterr().err.endswith("] A new study created in memory with name: digits\n")


@pytest.mark.parametrize(("recorded", "began"), [(0, "an unknown version"), (3, "version 3")])
def test_a_study_of_another_version_of_its_sampler_says_so(capsys, recorded, began):
    log.log_other_version(log.logger, "tpe", recorded, 4)
    said = capsys.readouterr().err
    assert f"begun by {began} of the sampler 'tpe'; from here on it is version 4" in said


def test_verbosity_hides_what_is_below(capsys):
    log.set_verbosity(logging.WARNING)
    log.log_finished(log.logger, trial(0, 1.0), None, MINIMIZE)
    log.log_finished(log.logger, trial(1, state=TrialState.FAILED), None, MINIMIZE)
    assert "Trial 1 failed" in (err := capsys.readouterr().err)
    assert "Trial 0" not in err
    log.set_verbosity(logging.ERROR)
    log.log_finished(log.logger, trial(2, state=TrialState.FAILED), None, MINIMIZE)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("stream", "no_color", "coloured"),
    [(Terminal, "", True), (Terminal, "1", False), (io.StringIO, "", False)],
)
def test_colour_only_on_a_terminal_and_only_if_wanted(monkeypatch, stream, no_color, coloured):
    err = stream()
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("NO_COLOR", no_color)
    log.log_created("digits", "in memory")
    assert ("\x1b[" in err.getvalue()) == coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", err.getvalue()).startswith("[I ")


def test_a_program_without_a_console_goes_on(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    log.log_created("digits", "in memory")
