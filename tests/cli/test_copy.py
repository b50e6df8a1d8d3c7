import tunewise as tw


def test_a_study_is_copied_to_another_storage(run, store, tmp_path):
    result = run("copy", "runs.db::digits", "dir:far")
    assert result.output == f"5 trials copied to dir:{tmp_path}/far::digits\n"
    before, after = tw.load_study("digits", "runs.db"), tw.load_study("digits", "dir:far")
    assert list(before.trials) == list(after.trials)


def test_or_to_another_name(run, store):
    assert run("copy", "runs.db::digits", "runs.db::again").exit_code == 0
    assert tw.study_names("runs.db") == ["digits", "again"]


def test_a_study_that_is_there_is_not_overwritten(run, store):
    result = run("copy", "runs.db::digits", "runs.db")
    assert result.exit_code == 3
    assert "already" in result.stderr
    assert run("copy", "runs.db::nothing", "far.db").exit_code == 3
