import os
import re
import subprocess
import sys
import time

import pytest

import tunewise
from tunewise.cli.app import _COMMANDS

TUNEWISE = [sys.executable, "-c", "from tunewise.cli import main; main(prog_name='tunewise')"]


def shell(*args, **env):
    return subprocess.run(
        [*TUNEWISE, *args], capture_output=True, text=True, check=False, env={**os.environ, **env}
    )


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_version_and_help_are_fast_and_load_no_numpy(flag):
    code = f"""
import sys
from tunewise.cli import main
try:
    main(["{flag}"])
finally:
    loaded = {{"numpy", "scipy", "rich", "torch", "pandas"}} & set(sys.modules)
    assert not loaded, loaded
"""
    best = 9.0
    for _ in range(5):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        best = min(best, time.perf_counter() - start)
        assert done.returncode == 0, done.stderr
    assert best < 0.3
    assert tunewise.__version__ in done.stdout or "Commands:" in done.stdout


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_help_with_an_example_and_exit_codes(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0, result.output
    assert re.search(rf"Examples?:\n  +tunewise {command}", result.output)
    assert "Exit codes: 0 done" in result.output
    assert "\x08" not in result.output
    assert "\\b" not in result.output


def test_help_lists_every_command_and_says_what_exit_codes_mean(run):
    result = run("--help")
    assert all(f"\n  {command}  " in result.output for command in _COMMANDS)
    assert "Exit codes: 0 done" in result.output
    assert run("-h").output == result.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["chek"], "No such command 'chek'"),
        (["trials"], "Missing argument 'STUDY'"),
        (["trials", "runs.db::digits", "--state", "lost"], "'lost' is not one of"),
        (["tell", "runs.db::digits", "one"], "'one' is not a valid integer"),
    ],
)
def test_wrong_usage_is_code_4(run, args, said):
    result = run(*args)
    assert result.exit_code == 4
    assert said in result.stderr
    assert result.stdout == ""


def test_in_a_real_process_errors_are_one_sentence_without_a_traceback(tmp_path):
    done = shell("best", f"{tmp_path}/none.db::digits")
    assert done.returncode == 3
    assert done.stderr == f"tunewise: There is no file {tmp_path}/none.db; check the path.\n"
    assert shell("--frobnicate").returncode == 4


def test_in_a_real_process_output_has_no_colour_codes_and_is_not_cut(store):
    done = shell("trials", f"{store}::digits", COLUMNS="40")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "lr=" in done.stdout and "act=" in done.stdout and "…" not in done.stdout


def test_a_closed_pipe_is_no_error_message(store):
    piped = f'{sys.executable} -c "{TUNEWISE[2]}" trials {store}::digits --json | head -c 1'
    done = subprocess.run(piped, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_an_unforeseen_error_is_a_sentence_unless_it_is_asked_for(run, store, monkeypatch):
    def broken(*args, **options):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("tunewise.cli.best.open_trials", broken)
    result = run("best", "runs.db::digits")
    assert result.exit_code == 3
    assert "unforeseen ZeroDivisionError: oh" in result.stderr
    monkeypatch.setenv("TUNEWISE_DEBUG", "1")
    assert isinstance(run("best", "runs.db::digits").exception, ZeroDivisionError)


def test_an_interrupt_is_code_130(run, store, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("tunewise.cli.best.open_trials", interrupted)
    assert run("best", "runs.db::digits").exit_code == 130
