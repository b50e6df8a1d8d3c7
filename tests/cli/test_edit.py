import pytest

import tunewise as tw


def trial(number):
    return tw.load_study("digits", "runs.db").trials[number]


def test_notes_are_json_or_text(run, store):
    result = run(
        "edit", "runs.db::digits", "1", "--note", "tags=[1, 2]", "--note", "who=me=you", "--note", "n=3"
    )
    assert result.output == "Trial 1 was annotated.\n"
    assert trial(1).user_attrs == {"seeds": [1, 2], "tags": [1, 2], "who": "me=you", "n": 3}


def test_an_invalid_trial_keeps_its_curves_and_counts_no_more(run, store):
    assert run("edit", "runs.db::digits", "1", "--invalid", "wrong split").exit_code == 0
    assert trial(1).state.name == "FAILED"
    assert trial(1).reason == "invalid: wrong split"
    assert trial(1).curves
    assert tw.load_study("digits", "runs.db").best_trial.number == 0


def test_a_deleted_trial_is_empty_and_the_others_keep_their_numbers(run, store):
    assert run("edit", "runs.db::digits", "0", "--delete", "private").exit_code == 0
    assert (trial(0).params, trial(0).curves, trial(0).user_attrs) == ({}, {}, {})
    assert trial(1).value == 0.25


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["1"], 4),
        (["1", "--invalid", "a", "--delete", "b"], 4),
        (["1", "--note", "novalue"], 3),
        (["9", "--delete", "x"], 3),
        (["-1", "--delete", "x"], 4),
    ],
)
def test_what_is_not_understood_changes_nothing(given, code, run, store):
    before = list(tw.load_study("digits", "runs.db").trials)
    assert run("edit", "runs.db::digits", *given).exit_code == code
    assert list(tw.load_study("digits", "runs.db").trials) == before
