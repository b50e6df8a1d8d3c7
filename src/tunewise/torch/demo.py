"""The whole playbook on a small network, in half a minute: explore, check, exploit, measure, decide, test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from tunewise.project import Project, Round
from tunewise.run import log
from tunewise.storage import open_log
from tunewise.torch.digits import DEFAULTS, SPACE, load_digits, make_train
from tunewise.torch.evaluation import evaluate
from tunewise.torch.show import Show


def run_demo(directory: Path, quick: bool = False) -> Path:
    """Tune a network on handwritten digits, telling the story on stdout; returns the path of the report.

    Leaves ``tunewise.db`` (every trial) and ``report.html`` in ``directory``. The report's path is the last line
    printed. Run again, it adds a new project to the same database. ``quick`` makes fewer and shorter runs.

    Raises:
        MissingExtra: scikit-learn, which brings the images, or Altair, which draws the report, is missing.
    """
    directory.mkdir(parents=True, exist_ok=True)
    show = Show(Console(), "error")
    with _one_thread(), _quiet_log():
        _tell(show, directory, _QUICK if quick else _Counts())
    report = directory / "report.html"
    show.console.print(str(report), soft_wrap=True, highlight=False, markup=False)
    return report


@dataclass(frozen=True)
class _Counts:
    """How many runs each part of the story may make."""

    explore: int = 40
    repair: int = 20
    exploit: int = 20
    seeds: int = 8
    max_steps: int = 500


_QUICK = _Counts(explore=20, repair=8, exploit=6, seeds=3, max_steps=100)


def _tell(show: Show, directory: Path, counts: _Counts) -> None:
    storage = f"sqlite:///{directory / 'tunewise.db'}"
    train_set, val_set, test_set = load_digits()
    train = make_train(train_set, val_set, counts.max_steps)
    project = Project(
        _free_name(storage),
        show.watch(train),
        metric="error",
        defaults=DEFAULTS,
        storage=storage,
        space=SPACE,
    )
    _explore(show, project, counts)
    found = _exploit(show, project, counts)
    _decide(show, project, found, counts)

    show.stage(
        "Test, once", f"The configuration in use, on {len(test_set)} images that nothing has seen so far."
    )
    error = project.test(lambda trial: evaluate(train.fit(trial), test_set))
    show.say(f"Test error [bold]{error:.2%}[/]")
    project.report(directory / "report.html")
    show.stage("Report", "Every trial, check and decision, in one file:")


def _explore(show: Show, project: Project, counts: _Counts) -> None:
    show.stage(
        "Explore: does noise on the inputs help?",
        "A small network learns handwritten digits from 500 images. Quasi-random trials spread evenly over momentum, "
        "strength of the noise and four decades of learning rates; equally many train with noise and without.",
    )
    question = project.round(
        "Does noise on the inputs help?", scientific=["use_noise"], nuisance=["nesterov.*", "noise"]
    )
    with show.runs(counts.explore):
        question.run(counts.explore)
    show.arms("use_noise", question.isolation("use_noise"))

    show.stage("Check", "Can this search be believed? Were the ranges wide enough, the trials many enough?")
    findings = question.check()
    show.findings(findings)
    if findings.acts:
        show.stage("Repair", f"Do what the checks ask for, with at most {counts.repair} more trials.")
        with show.runs(counts.repair):
            after = question.repair(counts.repair)
        asked = {(finding.code, finding.subject) for finding in findings.acts}
        show.findings([finding for finding in after if (finding.code, finding.subject) in asked])
        show.arms("use_noise", question.isolation("use_noise"))


def _exploit(show: Show, project: Project, counts: _Counts) -> Round:
    show.stage(
        "Exploit",
        "A Gaussian process that models divergence goes on from all trials so far, greedily at last.",
    )
    with show.runs(counts.exploit):
        return project.exploit(counts.exploit)


def _decide(show: Show, project: Project, found: Round, counts: _Counts) -> None:
    show.stage("Measure the noise", f"The best configuration again, on {counts.seeds} fresh seeds.")
    with show.runs(counts.seeds):
        noise = project.measure_noise(counts.seeds)
    show.say(
        f"In the search its error was {found.study.best_value:.2%}, a run chosen because it was the best. "
        f"Expect the mean of the fresh runs: [bold]{show.mean:.2%}[/]."
    )
    show.say(str(noise))

    show.stage(
        "Decide", "The candidate against the configuration in use: fresh seeds for both, at most three looks."
    )
    with show.runs(16):
        decision = project.adopt(found.best(), cost="one more hyperparameter")
    show.decision(decision)


def _free_name(storage: str) -> str:
    """The name "digits", or "digits-2" where there is one already, and so on: an earlier demo stays as it is."""
    taken = set(open_log(storage).studies())
    names = ("digits" if n == 1 else f"digits-{n}" for n in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small networks are fastest on one thread, and exactly reproducible."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """The bar takes the place of a log line for each trial."""
    before = log.get_verbosity()
    log.set_verbosity(log.ERROR)
    try:
        yield
    finally:
        log.set_verbosity(before)
