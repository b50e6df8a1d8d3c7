"""The report in a real browser: every figure draws, the console is silent, nothing is fetched, nothing overflows."""

import math
import re
import shutil
import subprocess

import pytest

import tunewise as tw
from tunewise.playbook import check
from tunewise.report import render_report, study_report

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=15000",
]  # fmt: skip


def browser():
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, "Chromium is missing; run tools/install_chromium.sh"
    return found


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


@pytest.mark.parametrize("width", [1280, 500])
def test_every_figure_draws_and_the_console_is_silent(page, width, tmp_path):
    command = [
        browser(),
        *FLAGS,
        f"--window-size={width},2000",
        f"--user-data-dir={tmp_path}",
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    dom = re.sub(r"<script.*?</script>", "", done.stdout, flags=re.DOTALL)
    n_charts = len(re.findall(r'id="chart-\d+"', dom))
    assert n_charts >= 6
    assert f'data-drawn="{n_charts}"' in dom
    drawn = re.findall(r'id="chart-\d+".*?</figure>', dom, flags=re.DOTALL)
    assert all("<svg" in figure and figure.count("<path") >= 3 for figure in drawn)
    assert "CONSOLE" not in done.stderr, done.stderr
    assert "<b>näme" not in dom
    assert "<i>act" not in dom


def test_a_screenshot_is_not_blank_at_either_width(page, tmp_path):
    for width in (1280, 500):
        shot = tmp_path / f"{width}.png"
        command = [
            browser(), *FLAGS, f"--window-size={width},1600", f"--user-data-dir={tmp_path / str(width)}",
            f"--screenshot={shot}", page.as_uri(),
        ]  # fmt: skip
        subprocess.run(command, capture_output=True, timeout=120, check=True)
        assert shot.stat().st_size > 30_000


def test_the_page_fetches_nothing(page):
    text = re.sub(r"<script.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?https?:""", text)
    assert "@import" not in text
    assert page.stat().st_size < 3_000_000
    assert text.count("<figure") >= 6
