import json
import subprocess
import sys

import numpy as np
import pytest

from tunewise.playbook.finding import Finding, Findings, Verdict
from tunewise.study import create_study


@pytest.fixture
def edge(tmp_path):
    """A study whose optimum lies beyond the upper end of lr."""
    study = create_study("edge", tmp_path / "runs.db", sampler="qmc", seed=0)

    def objective(trial):
        lr = trial.suggest_float("lr", 1e-5, 1e-2, log=True)
        noise = np.random.default_rng(trial.number).normal(0, 0.005)
        return 0.1 * (np.log10(lr) + 1.5) ** 2 + noise

    study.optimize(objective, n_trials=24)


def test_a_finding_to_act_on_is_code_1_with_its_next_step(run, edge):
    result = run("check", "runs.db::edge")
    assert result.exit_code == 1, result.output
    lines = result.stdout.splitlines()
    table = lines[lines.index("") + 2 :]
    assert table[0].split()[:3] == ["ACT", "P27", "lr"]
    assert "→ widen lr" in result.stdout
    assert table[-1].startswith("1 to act on, ")


def test_as_json(run, edge):
    result = run("check", "runs.db::edge", "--json")
    data = json.loads(result.stdout)
    assert result.exit_code == 1
    assert data["verdict"] == "ACT"
    assert data["findings"][0]["code"] == "P27"


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.OK, 0), (Verdict.NA, 0), (Verdict.ACT, 1), (Verdict.UNSURE, 2)]
)
def test_the_worst_verdict_is_the_exit_code(run, store, monkeypatch, verdict, code):
    findings = Findings([Finding("P1", "all", verdict, "seen [b]so[/b]")])
    monkeypatch.setattr("tunewise.playbook.check", lambda *args, **settings: findings)
    result = run("check", "runs.db::digits")
    assert result.exit_code == code
    assert ("seen [b]so[/b]" in result.output) == (verdict != Verdict.NA)
    assert "seen [b]so[/b]" in run("check", "runs.db::digits", "--all").output


def test_settings_are_handed_on(run, store, monkeypatch):
    seen = {}
    monkeypatch.setattr("tunewise.playbook.check", lambda _, **settings: seen.update(settings) or Findings())
    assert run("check", "runs.db::digits", "--noise-sd", "0.01", "--min-effect", "0.1").exit_code == 0
    assert seen == {"noise_sd": 0.01, "min_effect": 0.1, "source": "runs.db::digits"}


def test_a_study_that_is_too_young_is_no_error(run, tmp_path):
    create_study("new", tmp_path / "runs.db", sampler="random")
    result = run("check", "runs.db::new")
    assert result.exit_code in (0, 2)
    assert result.stderr == ""


def test_several_goals_are_refused_in_a_sentence(run, tmp_path):
    create_study("two", tmp_path / "runs.db", directions=["minimize", "minimize"], sampler="random")
    result = run("check", "runs.db::two")
    assert result.exit_code == 3
    assert "one goal" in result.stderr


def test_the_head_says_what_was_read_and_the_best(run, edge):
    lines = run("check", "runs.db::edge", "--no-report").stdout.splitlines()
    assert lines[0].startswith("runs.db::edge")
    assert lines[1] == "24 trials: 24 complete; minimize value"
    assert lines[2].startswith("best value ")
    assert " lr=" in lines[2]


def test_the_only_study_of_a_storage_needs_no_name(run, edge):
    assert run("check", "runs.db", "--no-report").stdout == run(
        "check", "runs.db::edge", "--no-report"
    ).stdout.replace("runs.db::edge", "runs.db")


def test_plots_are_drawn_on_demand_and_fit(run, edge):
    plain = run("check", "runs.db::edge", "--no-report").stdout
    drawn = run("check", "runs.db::edge", "--no-report", "--plots").stdout
    assert drawn.startswith(plain)
    picture = drawn[len(plain) :].splitlines()
    assert max(map(len, picture)) <= 100
    text = "\n".join(picture)
    assert "▲ lr" in text  # what asks for something is marked
    assert "◆" in text
    assert "━" in text  # edge zones
    assert "every trial, and the best so far" in text


def test_the_report_is_written_beside_and_never_over_another_file(run, edge, tmp_path):
    first = run("check", "runs.db::edge")
    path = tmp_path / "tunewise-edge.html"
    assert path.exists()
    assert str(path) in first.stderr
    assert run("check", "runs.db::edge").exit_code == 1  # its own report is renewed
    path.write_text("my thesis", encoding="utf-8")
    result = run("check", "runs.db::edge")
    assert path.read_text(encoding="utf-8") == "my thesis"
    assert "somebody else's file" in result.stderr


def test_json_and_no_report_write_nothing(run, edge, tmp_path):
    run("check", "runs.db::edge", "--json")
    run("check", "runs.db::edge", "--no-report")
    assert not list(tmp_path.glob("*.html"))


def test_one_of_several_goals_can_be_judged(run, tmp_path):
    study = create_study(
        "two", tmp_path / "runs.db", goals={"a": "minimize", "b": "maximize"}, sampler="qmc", seed=1
    )
    study.optimize(lambda t: {"a": t.suggest_float("x", 0, 1), "b": 1.0}, n_trials=12)
    result = run("check", "runs.db::two", "--metric", "a", "--no-report")
    assert result.exit_code in (0, 1, 2)
    assert "minimize a" in result.stdout
    assert "no goal 'c'" in run("check", "runs.db::two", "--metric", "c").stderr


def test_many_findings_alike_are_one_line(run, store, monkeypatch):
    findings = Findings([Finding("P27", f"x{i}", Verdict.OK, f"fine {i}") for i in range(1000)])
    monkeypatch.setattr("tunewise.playbook.check", lambda *args, **settings: findings)
    few = run("check", "runs.db::digits", "--no-report").stdout
    assert "997 more" in few
    assert len(few.splitlines()) < 15
    assert "fine 999" in run("check", "runs.db::digits", "--no-report", "--all").stdout


def test_what_a_tunewise_study_says_itself_cannot_be_overruled(run, edge):
    result = run("check", "runs.db::edge", "--diverged", "3")
    assert result.exit_code == 3
    assert "Leave it out" in result.stderr


def test_a_terminal_without_unicode_gets_question_marks(edge, tmp_path):
    command = [
        sys.executable,
        "-c",
        "from tunewise.cli import main; main()",
        "check",
        "runs.db",
        "--plots",
        "--no-report",
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert b"P27" in done.stdout
