"""V5: the infeasible share, where divergence begins, and what causes it."""

from __future__ import annotations

import math

import numpy as np

from tunewise.playbook.evidence import gather
from tunewise.playbook.infeasible import find_cause
from tunewise.space import Float, Space
from tunewise.stats.intervals import jeffreys
from tunewise.stats.logistic import threshold
from tunewise.stats.ranks import auc
from tunewise.study import create_study
from validation.core import Figure, Size, at_least, at_most, number, row, shown, within
from validation.pools import pools

_SPACE = Space({
    "lr": Float(1e-4, 1.0, log=True), "momentum": Float(0.0, 0.99), "weight_decay": Float(1e-6, 1e-2, log=True),
    "other": Float(1, 2),
})  # fmt: skip


@row("V5", "divergence")
def divergence(size: Size) -> list[Figure]:
    """Logistic cliffs of 20 to 40 trials."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(size.n(4000)):
        p = rng.uniform(0.05, 0.6)
        low, high = jeffreys(int(rng.binomial(20, p)), 20, 0.95)
        held.append(low <= p <= high)
    errors, inside = [], []
    for _ in range(size.n(1000)):
        x, at = rng.uniform(-4, 0, 20), rng.uniform(-3, -0.7)
        bad = rng.random(20) < 1 / (1 + np.exp(-rng.uniform(4, 15) * (x - at)))
        if 0 < bad.sum() < 20:
            found = threshold(x, bad)
            errors.append(abs(found.at - at))
            inside.append(found.low <= at <= found.high)
    figures = [
        within("95 % Jeffreys interval of the share, n = 20", held, 0.93, 0.97),
        number("threshold, n = 20: median error in decades", float(np.median(errors)), 0, 0.25, len(errors)),
        at_least("its 90 % interval holds the truth", inside, 0.90),
    ]
    for n in (20, 40):
        product = "lr / (1 - momentum)"
        found = [_causes(n, seed, product=True) for seed in range(size.n(400, 20))]
        false = [_causes(n, seed, product=False) for seed in range(size.n(400, 20))]
        named = [product in causes for causes in found]
        first = [causes[:1] == (product,) for causes in found]
        alone = [causes == (product,) for causes in false]
        wrong = f"{np.mean([causes[:1] == (product,) for causes in false]):.3f}"
        figures += [
            at_least(f"{product} named where it is the cause, n = {n}", named, 0.80),
            at_least(f"{product} named first where it is the cause, n = {n}", first, 0.80),
            at_most(f"{product} named alone where lr is the cause, n = {n}", alone, 0.10),
            shown(f"{product} named first (alone or not) where lr is the cause, n = {n}", wrong, len(false)),
        ]
    for pool in pools():
        if pool.name == "AlexNet":
            bad = np.array([r["nan_train_loss"] for r in pool.records])
            lr = np.log10([r["lr"] for r in pool.records])
            momentum = np.log10(1 - np.array([r["momentum"] for r in pool.records]))
            text = f"{auc(lr, bad):.3f} / {auc(lr - momentum, bad):.3f}"
            figures.append(shown("AlexNet: AUC of divergence by lr / by lr / (1 - momentum)", text, len(bad)))
    return figures


def _causes(n: int, seed: int, product: bool) -> tuple[str, ...]:
    """What is named as the cause of divergence: the best predictor, and those that explain it as well."""

    def train(trial) -> float:  # type: ignore[no-untyped-def]
        p = trial.suggest_space(_SPACE)
        z = math.log10(p["lr"]) - (math.log10(1 - p["momentum"]) if product else 0)
        at = -1.0 if product else -1.4
        rng = np.random.default_rng(trial.seed)
        return math.nan if rng.random() < 1 / (1 + math.exp(-6 * (z - at))) else p["other"]

    study = create_study(sampler="qmc", seed=seed, space=_SPACE)
    study.optimize(train, n)
    evidence = gather(study.trials, _SPACE)
    found = find_cause(evidence, evidence.infeasible)
    return () if found is None else (found.predictor.words, *found.rivals)
