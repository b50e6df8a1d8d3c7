import sys


def test_one_file_with_the_study_in_it(run, store, tmp_path):
    result = run("report", "runs.db::digits", "out.html")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "out.html").read_text("utf-8")
    assert "trial 1: val_error 0.25" in text
    assert "tunewise check runs.db::digits" in text
    assert str(tmp_path / "out.html") in result.stderr


def test_the_file_is_report_html_unless_named(run, store, tmp_path):
    assert run("report", "digits", "--storage", "runs.db").exit_code == 0
    assert (tmp_path / "report.html").exists()


def test_check_can_write_it_too(run, store, tmp_path):
    result = run("check", "runs.db::digits", "--report", "out.html", "--json")
    assert result.exit_code in (0, 1, 2)
    assert "tunewise check runs.db::digits" in (tmp_path / "out.html").read_text("utf-8")
    assert result.stdout.startswith("{")


def test_without_altair_the_extra_is_named(run, store, monkeypatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    for name in [name for name in sys.modules if name.startswith("tunewise.figures")]:
        monkeypatch.delitem(sys.modules, name)
    result = run("report", "runs.db::digits")
    assert result.exit_code == 3
    assert 'pip install "tunewise[report]"' in result.stderr


def test_folders_are_made(run, store, tmp_path):
    assert run("report", "runs.db::digits", "a/b/out.html").exit_code == 0
    assert (tmp_path / "a/b/out.html").exists()
