import json

import pytest


def test_a_value_finishes_a_trial(run, store):
    told = json.loads(run("tell", "runs.db::digits", "4", "--value", "0.125", "--json").output)
    assert (told["state"], told["values"]) == ("complete", [0.125])
    assert run("best", "runs.db::digits").output.startswith("Trial 4\n")


@pytest.mark.parametrize("state", ["pruned", "failed", "infeasible"])
def test_a_state_finishes_a_trial(run, store, state):
    told = run("tell", "runs.db::digits", "4", "--state", state, "--reason", "because")
    assert told.output == f"Trial 4 {state}\n"
    assert (
        json.loads(run("trials", "runs.db::digits", "--last", "1", "--json").output)[0]["reason"] == "because"
    )


def test_nan_is_infeasible(run, store):
    assert run("tell", "runs.db::digits", "4", "--value", "nan").output == "Trial 4 infeasible\n"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["0", "--value", "1"], 3, "finished already"),
        (["99", "--value", "1"], 3, "no trial 99"),
        (["4"], 4, "either --value or --state"),
        (["4", "--value", "1", "--state", "failed"], 4, "either --value or --state"),
    ],
)
def test_what_cannot_be_told(run, store, args, code, said):
    result = run("tell", "runs.db::digits", *args)
    assert result.exit_code == code
    assert said in result.stderr
