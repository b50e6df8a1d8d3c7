"""The whole playbook on a small network, in about a minute: explore, check, exploit, measure, decide, test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.console import Console

from tunewise.project import Project
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
        _tell(show, directory, quick)
    report = directory / "report.html"
    show.console.print(str(report), soft_wrap=True, highlight=False, markup=False)
    return report


def _tell(show: Show, directory: Path, quick: bool) -> None:
    storage = f"sqlite:///{directory / 'tunewise.db'}"
    n_explore, n_repair, n_exploit, n_seeds = (8, 4, 4, 3) if quick else (40, 20, 20, 8)
    train_set, val_set, test_set = load_digits()
    train = make_train(train_set, val_set, max_steps=100 if quick else 500)
    project = Project(
        _free_name(storage),
        show.watch(train),
        metric="error",
        defaults=DEFAULTS,
        storage=storage,
        space=SPACE,
    )

    show.stage(
        "Explore: does noise on the inputs help?",
        f"A small network learns {len(train_set)} handwritten digits. Quasi-random trials spread evenly over the\n"
        "learning rate, the momentum and the strength of the noise, equally many with noise and without.",
    )
    question = project.round(
        "Does noise on the inputs help?", scientific=["use_noise"], nuisance=["nesterov.*", "noise"]
    )
    with show.runs(n_explore):
        question.run(n_explore)
    show.arms("use_noise", question.isolation("use_noise"))

    show.stage(
        "Check: can this search be believed?",
        "Were the ranges wide enough, the trials many enough, the curves sound?",
    )
    findings = question.check()
    show.findings(findings)
    if findings.acts:
        show.stage(
            "Repair: do what the checks ask for",
            f"At most {n_repair} more trials where the search fell short.",
        )
        with show.runs(n_repair):
            findings = question.repair(n_repair)
        show.findings(findings)

    show.stage(
        "Exploit: search greedily at last",
        "A Gaussian process that models divergence goes on from all trials so far.",
    )
    with show.runs(n_exploit):
        found = project.exploit(n_exploit)

    show.stage(
        "Measure the noise",
        f"The best configuration again, on {n_seeds} fresh seeds. The run that won the search was also lucky:\n"
        "the mean of the fresh runs is what to expect of it.",
    )
    with show.runs(n_seeds):
        noise = project.measure_noise(n_seeds)
    show.say(str(noise))

    show.stage(
        "Decide",
        "The candidate against the configuration in use, both on fresh seeds, in at most three looks.",
    )
    with show.runs(16):
        decision = project.adopt(found.best(), cost="one more hyperparameter")
    show.decision(decision)

    show.stage("Test, once", f"The adopted configuration on {len(test_set)} images that nothing has seen.")
    error = project.test(lambda trial: evaluate(train.fit(trial), test_set))
    show.say(f"Test error [bold]{error:.2%}[/]")
    project.report(directory / "report.html")
    show.stage("Report", "Every trial, check and decision, in one file:")


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
