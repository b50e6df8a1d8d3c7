"""The report in a real browser: every figure draws, the console is silent, nothing is fetched, nothing overflows."""

import math
import re

import pytest
from selenium.webdriver.support.ui import WebDriverWait

import tunewise as tw
from tunewise.playbook import check
from tunewise.report import render_report, study_report


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    tw.logging.set_verbosity(50)
    study = tw.create_study("</script><b>näme", sampler="qmc", seed=1)

    def objective(trial):
        lr = trial.suggest_float("lr", 1e-4, 1, log=True)
        kind = trial.suggest_categorical("<i>act", ["relu", "</td>", "tanh"])
        if kind == "relu":
            trial.suggest_int("n", 1, 4)
        for step in range(8):
            trial.report(lr + math.exp(-step), step)
        return math.nan if lr > 0.3 else lr + 0.1 * (kind == "tanh")

    study.optimize(objective, 40)
    space = tw.Space(dict(study.trials.domains))
    data = study_report(study.trials, space, check(study.trials), study.name)
    return render_report(data, tmp_path_factory.mktemp("report") / "r.html")


@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_draws_and_nothing_overflows(browser, page, width):
    view = browser(width)
    view.get(page.as_uri())
    WebDriverWait(view, 30).until(lambda v: v.execute_script("return document.body.dataset.drawn"))
    charts = view.execute_script(
        "return [...document.querySelectorAll('.chart')].map(c => [c.querySelectorAll('svg path').length, "
        "c.querySelector('svg')?.getBoundingClientRect().width ?? 0, c.getBoundingClientRect().width])"
    )
    assert len(charts) >= 6
    assert all(n_paths >= 3 and 100 < drawn <= room + 1 for n_paths, drawn, room in charts), charts
    wide, room = view.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    assert room == width
    assert wide <= width
    assert view.get_log("browser") == []
    text = view.find_element("tag name", "body").text
    assert "<b>näme" in text
    assert "<i>act" in text
    assert len(view.get_screenshot_as_png()) > 30_000


def test_the_page_fetches_nothing(page):
    text = re.sub(r"<script.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?https?:""", text)
    assert "@import" not in text
    assert page.stat().st_size < 3_000_000
    assert text.count("<figure") >= 6
