import json

import pytest

from tunewise.study import load_study

SPACE = '{"lr": "log 1e-5..1e-1", "layers": "1..5", "act": ["relu", "gelu"]}'
NEW = ("--space", SPACE, "--sampler", "random", "--seed", "3")


def test_a_missing_study_is_made_with_its_space(run, tmp_path):
    result = run("ask", "new.db::digits", *NEW, "--direction", "maximize", "--json")
    assert result.exit_code == 0, result.output
    asked = json.loads(result.stdout)
    assert asked["number"] == 0
    assert set(asked["params"]) == {"lr", "layers", "act"}
    study = load_study("digits", tmp_path / "new.db")
    assert (study.direction, study.info.seed, study.sampler.name) == ("maximize", 3, "random")
    assert study.trials[0].params == asked["params"]


def test_ask_and_tell_and_ask_again(run, tmp_path):
    assert run("ask", "new.db::digits", *NEW).output.startswith("Trial 0\n  lr: ")
    assert run("tell", "new.db::digits", "0", "--value", "0.5").output == "Trial 0 complete 0.5\n"
    assert json.loads(run("ask", "new.db::digits", "--json").stdout)["number"] == 1
    assert json.loads(run("ask", "new.db::digits", *NEW, "--json").stdout)["number"] == 2


def test_another_space_is_refused(run):
    run("ask", "new.db::digits", *NEW)
    result = run("ask", "new.db::digits", "--space", '{"lr": "0.1..0.2"}')
    assert result.exit_code == 3
    assert "another space" in result.stderr


def test_a_study_without_a_space_needs_one(run, store):
    result = run("ask", "runs.db::digits")
    assert result.exit_code == 3
    assert "--space" in result.stderr
    assert run("ask", "runs.db::digits", "--space", '{"x": "0.0..1.0"}').exit_code == 0
    assert run("ask", "runs.db::digits").output.startswith("Trial 6\n  x: ")


@pytest.mark.parametrize(("space", "said"), [("{", "not valid JSON"), ('{"lr": "1-2"}', "'lr'")])
def test_a_wrong_space_makes_no_file(run, tmp_path, space, said):
    result = run("ask", "new.db::digits", "--space", space)
    assert result.exit_code == 3
    assert said in result.stderr
    assert not (tmp_path / "new.db").exists()
