import pytest

from tunewise.cli.place import split
from tunewise.errors import SettingError


def test_storage_and_name_in_one_or_two_parts():
    assert split("runs.db::digits", None) == ("runs.db", "digits")
    assert split("sqlite:///a/b.db::x::y", None) == ("sqlite:///a/b.db::x", "y")
    assert split("digits", "runs.db") == ("runs.db", "digits")
    assert split("here.db::digits", "there.db") == ("here.db", "digits")
    with pytest.raises(SettingError, match=r"runs\.db::digits"):
        split("digits", None)


def test_the_variable_names_the_storage(run, store, monkeypatch):
    monkeypatch.setenv("TUNEWISE_STORAGE", f"sqlite:///{store}")
    assert run("best", "digits").output.startswith("Trial 1\n")
    assert "digits" in run("studies").output


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("runs.db::digts", "There is no study 'digts' in runs.db; did you mean 'digits'?"),
        ("runs.db::zzz", "There is no study 'zzz' in runs.db; it holds 'digits'."),
        ("nowhere/runs.db::digits", "nowhere"),
        ("other.db::digits", "There is no file"),
        ("mongodb://host/db::digits", "no storage that tunewise knows"),
        ("digits", "Where is the study 'digits'?"),
        ("text.db::digits", "not a usable SQLite file"),
    ],
)
@pytest.mark.parametrize("command", ["trials", "best", "ask"])
def test_what_is_not_there_is_said_in_a_sentence(run, store, tmp_path, command, study, said):
    (tmp_path / "text.db").write_text("this is not a database, but it is long enough to look like one" * 20)
    result = run(command, study)
    assert result.exit_code == 3
    assert said in result.stderr
    assert result.stderr.startswith("tunewise: ")
    assert result.stderr.count("\n") == 1


def test_an_empty_storage_says_so(run, tmp_path):
    from tunewise.storage import open_log

    open_log(tmp_path / "empty.db")
    assert "it holds no study yet" in run("best", "empty.db::digits").stderr
    assert run("studies", "empty.db").output == "No studies yet.\n"


def test_reading_makes_no_file(run, tmp_path):
    run("best", "other.db::digits")
    run("studies", "other.db")
    assert not (tmp_path / "other.db").exists()


def test_a_study_with_somebodys_own_sampler_can_be_read(run, tmp_path):
    from tunewise.samplers import Random
    from tunewise.study import create_study

    class Mine:
        name = "mine"

        def suggest(self, *args):
            return Random().suggest(*args)

    study = create_study("own", tmp_path / "runs.db", sampler=Mine())
    study.tell(study.ask(), 1.0)
    assert run("best", "runs.db::own").exit_code == 0
