import json

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
    verdict, code, about = result.output.splitlines()[1].split()[:3]
    assert (verdict, code, about) == ("ACT", "P27", "lr")
    assert "→ widen lr" in result.output
    assert result.output.splitlines()[-1].startswith("1 to act on, ")


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
    assert seen == {"noise_sd": 0.01, "min_effect": 0.1}


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
