import json


def test_a_study_in_one_line(run, store):
    head, row = run("studies", "runs.db").output.splitlines()
    assert head.split()[:3] == ["study", "goal", "trials"]
    assert row.split()[:7] == ["digits", "minimize", "val_error", "5", "2", "1", "0.25"]


def test_as_json(run, store):
    (study,) = json.loads(run("studies", "--storage", "runs.db", "--json").output)
    assert (study["study"], study["trials"], study["best"], study["best_trial"]) == ("digits", 5, 0.25, 1)
