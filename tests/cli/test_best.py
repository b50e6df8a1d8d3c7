import json

from tunewise.study import create_study


def test_the_best_trial_with_its_params(run, store):
    lines = run("best", "runs.db::digits").output.splitlines()
    assert lines[:3] == ["Trial 1", "  val_error: 0.25", "  params:"]
    assert [line.split(":")[0].strip() for line in lines[3:]] == ["lr", "act"]


def test_as_json(run, store):
    assert json.loads(run("best", "runs.db::digits", "--json").output)["number"] == 1


def test_several_goals_show_the_front(run, tmp_path):
    study = create_study("two", tmp_path / "runs.db", directions=["minimize", "maximize"], sampler="random")
    for values in ((1.0, 1.0), (2.0, 2.0), (2.0, 1.0)):
        study.tell(study.ask(), values)
    assert [each["number"] for each in json.loads(run("best", "runs.db::two", "--json").output)] == [0, 1]
    assert run("best", "runs.db::two").output.count("Trial") == 2


def test_without_a_complete_trial_it_says_so(run, tmp_path):
    create_study("new", tmp_path / "runs.db", sampler="random")
    result = run("best", "runs.db::new")
    assert result.exit_code == 3
    assert "no complete trial" in result.stderr
