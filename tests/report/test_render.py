"""The report says everything it was given, in the playbook's order, and nothing that was given can break the page."""

import json
import math
import re

import pytest

import tunewise as tw
from tunewise.playbook import Component, Finding, Findings, VarianceBudget, Verdict, check, decide
from tunewise.report import ReportData, RoundData, html, render_report, study_report

EVIL = "</script><b onclick=x>&\"'"


def made(n=30, direction="minimize", name="x"):
    study = tw.create_study(sampler="qmc", seed=1, direction=direction)

    def objective(trial):
        x = trial.suggest_float(name, 0, 1)
        for step in range(8):
            trial.report(x + math.exp(-step), step)
        return math.nan if x > 0.9 else x

    study.optimize(objective, n)
    return study.trials


def charts(text):
    return json.loads(
        re.search(r'<script id="charts" type="application/json">(.*?)</script>', text, re.DOTALL)[1]
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    tw.logging.set_verbosity(50)
    trials = made()
    params = ({"x": 0.1}, {"x": 0.2})
    decision = decide(
        [0.1, 0.11, 0.12], [0.2, 0.22, 0.21], looks=(3,), params=params, cost=EVIL, metric="error"
    )
    findings = Findings(
        [*check(trials), Finding("P71", "spikes", Verdict.UNSURE, "three spikes", needs="gradient norms")]
    )
    roles = {"x": "nuisance", "batch": "fixed"}
    data = ReportData(
        title=EVIL,
        subtitle="minimize error",
        headline="h",
        decisions=(decision,),
        test={"value": 0.1, "n_tests": 2, "metric": "error"},
        rounds=(RoundData("First?", roles, trials, trials.space, findings, caveats=("batch stays 64",)),),
        noise=VarianceBudget((Component("seed", 0.1, (0.05, 0.2)), Component("study", None))),
        incumbent={"x": 0.1, EVIL: EVIL},
        commands=("tunewise check x",),
        experiments=({"study": "s", "n_trials": 30, "best": 0.123456},),
        launch_log=(
            {"verdict": "ADOPT", "headline": "better", "improvement": 0.1, "low": 0.05, "high": 0.15, "n": 3},
        ),
    )
    return render_report(data, tmp_path_factory.mktemp("r") / "new" / "r.html").read_text(encoding="utf-8")


def test_the_sections_stand_in_the_playbooks_order(project):
    titles = re.findall(r"<section id=[^>]*><h2>(.*?)</h2>", project)
    assert titles == ["Launches", "First?", "Where variance comes from", "Decisions", "Length of training", "Stability",
                      "Parameter cards", "Experiments", "Limits"]  # fmt: skip
    links = re.findall(r"<nav.*?</nav>", project, re.DOTALL)[0]
    anchors = re.findall(r'href="#([^"]+)"', links)
    assert len(anchors) == len(titles)
    assert all(f'id="{anchor}"' in project for anchor in anchors)


@pytest.mark.parametrize(
    "said",
    [
        "batch stays 64", "not measured", "test set used 2 times", "1 change tried, 1 adopted", "three spikes",
        "tunewise check x", "0.1235", "gradient norms",
    ],
)  # fmt: skip
def test_what_was_given_is_said(project, said):
    text = re.sub(r"<script type=\"module\">.*?</script>", "", project, flags=re.DOTALL)
    assert said in text


def test_nothing_given_becomes_markup(project):
    assert "<b onclick" not in project
    assert project.count("</script>") == 3
    assert len(charts(project)) >= 8


def test_every_figure_has_its_chart_and_words(project):
    places = re.findall(r'<div class="chart" id="chart-(\d+)" role="img" aria-label="([^"]+)"', project)
    assert [int(i) for i, _ in places] == list(range(len(charts(project))))
    assert all(len(label) > 20 for _, label in places)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_single_study_is_a_report(tmp_path, direction):
    trials = made(direction=direction)
    path = render_report(study_report(trials, trials.space, check(trials), "runs.db::s"), tmp_path / "r.html")
    text = path.read_text(encoding="utf-8")
    assert 'name="generator" content="tunewise"' in text
    assert f"Best trial ({trials.best()})" in text
    assert "tunewise check runs.db::s" in text
    assert text.count("<figure") >= 4


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_study_of_hardly_any_trial_is_a_report_too(tmp_path, n):
    trials = made(n)
    text = render_report(
        study_report(trials, trials.space, check(trials), "s"), tmp_path / "r.html"
    ).read_text(encoding="utf-8")
    assert ("No trial has completed yet." in text) == (trials.best() is None)


def test_a_large_study_stays_a_small_file(tmp_path):
    rows = [{"params_x": i / 5000, "loss": (i * 7919 % 5000) / 5000} for i in range(5000)]
    trials = tw.read_study(rows, sampler="random")
    path = render_report(study_report(trials, trials.space, check(trials), "s"), tmp_path / "r.html")
    assert path.stat().st_size < 2_500_000


def test_thousands_of_parameters_are_folded_away():
    made = html.params({f"p{i}": 0.5 for i in range(1000)})
    assert made.index("<details><summary>970 others</summary>") < made.index("<dt>p30</dt>")
    assert made.index("<dt>p29</dt>") < made.index("<details>")
    assert "details" not in html.params({"lr": 0.1})
