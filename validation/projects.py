"""V1, V29: the article's result through the checks; the load of findings on clean projects."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from tunewise import sim
from tunewise.playbook import Verdict, check
from tunewise.project import Project
from tunewise.records import FrozenTrial, TrialState
from tunewise.space import Categorical, Float, Int, Space
from tunewise.study import Study, create_study
from validation.core import Figure, Size, number, row, shown

ARTICLE = Space({
    "lr": Float(1e-5, 1e-1, log=True), "momentum": Float(0.0, 1.0), "weight_decay": Float(1e-5, 1e-1, log=True),
    "num_layers": Int(1, 5), "hidden_size": Categorical((32, 64, 128, 256)), "dropout": Float(0.0, 0.5),
})  # fmt: skip
PRINTED = {
    "lr": 0.07048135305238855, "momentum": 0.45078184234468277, "weight_decay": 6.0485982461392196e-05, "num_layers": 2,
    "hidden_size": 256, "dropout": 0.017699021560325236,
}  # fmt: skip


def article() -> Study:
    """A study that holds the six printed numbers and the value 0.5493, the winner of 100 trials."""
    study = create_study("article", goals={"accuracy": "maximize"}, space=ARTICLE, seed=0)
    study.set_user_attr("best_of", 100)
    study.add_trial(FrozenTrial(66, TrialState.COMPLETE, PRINTED, (0.5493,), dict(ARTICLE)))
    return study


@row("V1", "the article's printed result")
def printed(_size: Size) -> list[Figure]:
    """Its six numbers alone; the script itself is tested in tests/compat."""
    findings = check(article().trials, n_validation=10_000)
    acts = sorted(f.subject for f in findings if f.code == "P27" and f.verdict == Verdict.ACT)
    wanted = ["dropout", "hidden_size", "lr"]
    return [Figure("parameters at an edge", ", ".join(wanted), ", ".join(acts), 1, acts == wanted)]


@row("V29", "false findings on clean projects")
def clean(size: Size) -> list[Figure]:
    """Optima well inside, constant-rate curves that flatten, no divergence, noise measured; 40 trials of 2 to 6 parameters.

    From one evaluation to the next curves move by 0.3 of the noise over seeds; at more than that a finding would be right.
    """
    acts, unsure, subjects = [], [], Counter()
    for seed in range(size.n(200, 10)):
        rng = np.random.default_rng(seed)
        d = int(rng.integers(2, 7))
        curve = sim.Curve(n_evals=int(rng.choice([10, 20, 50])), rate=float(rng.uniform(6, 8)), rho=0.3)
        problem = sim.random_problem(
            rng, d, min(2, d), noise=0.05, effects={"opt": {"a": 0.0, "b": 0.0}}, curve=curve
        )
        problem = replace(problem, curve=replace(curve, noise_sd=0.3 * problem.noise_sd))
        project = Project(
            "clean",
            problem,
            defaults={**dict.fromkeys(problem.names, 0.01), "opt": "a"},
            seed=seed,
            space=problem.space,
        )
        found = project.round("Does opt matter?", scientific=["opt"]).run(40)
        project.measure_noise(seeds=5)
        findings = found.check()
        acts.append(len(findings.acts))
        unsure.append(sum(f.verdict == Verdict.UNSURE for f in findings))
        subjects.update(
            f"{f.code} {f.verdict.value}" for f in findings if f.verdict in (Verdict.ACT, Verdict.UNSURE)
        )
    runs = len(acts)
    error = float(np.std(acts) / np.sqrt(runs))
    common = ", ".join(f"{name} {count / runs:.2f}" for name, count in subjects.most_common(6))
    return [
        number("ACT a clean round, whole checklist", float(np.mean(acts)), 0, 0.3, runs, error, ".2f"),
        shown("UNSURE a clean round", f"{np.mean(unsure):.2f}", runs),
        shown("the most frequent", common, runs),
    ]
