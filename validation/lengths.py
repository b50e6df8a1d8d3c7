"""V21, V27: steps sweeps, rounds of increasing length."""

from __future__ import annotations

import math

import numpy as np

from tunewise.playbook import Verdict
from tunewise.playbook.steps import steps_sweep
from tunewise.stats.ranks import kendall, promotion_regret
from validation.core import Figure, Size, at_least, number, row, shown
from validation.pools import pools, realmlp


@row("V21", "steps sweep")
def sweep(size: Size) -> list[Figure]:
    """Steps are a parabola of log rate with a cliff above; 2 rates a decade over 4 decades, a second seed at the best two."""
    figures = []
    for noise, reach in ((0.05, 0.10), (0.15, 0.25)):
        rng = np.random.default_rng(int(100 * noise))
        close, inside = [], []
        for _ in range(size.n(1000)):
            found, truth = _sweep(rng, noise)
            close.append(abs(found.steps / truth - 1) <= reach)
            inside.append(found.low <= truth <= found.high)
        figures.append(at_least(f"within {reach:.0%} of the truth, noise {noise:.0%}", close, 0.90))
        figures.append(at_least(f"its 90 % interval holds the truth, noise {noise:.0%}", inside, 0.85))
    rates = 10 ** np.arange(-4, 0.01, 0.5)
    finding, _ = steps_sweep(rates, np.full(9, 1000.0), np.zeros(9, dtype=bool))
    figures.append(
        number(
            "says so where nothing fits the training data",
            float(finding.verdict == Verdict.ACT),
            1,
            1,
            1,
            form=".0f",
        )
    )
    falling = 4000 * rates**-0.1
    finding, _ = steps_sweep(rates, falling, np.ones(9, dtype=bool))
    figures.append(
        number(
            "asks for a wider grid where the fastest rate is the last",
            float(bool(finding.change)),
            1,
            1,
            1,
            form=".0f",
        )
    )
    return figures


def _sweep(rng: np.random.Generator, noise: float):  # type: ignore[no-untyped-def]
    x = np.arange(-4, 0.01, 0.5)
    least, at, curvature = rng.uniform(500, 3000), rng.uniform(-3, -1), rng.uniform(0.15, 0.6) * math.log(10)
    cliff, limit = at + rng.uniform(0.2, 1.0), least * rng.uniform(3, 8)

    def steps(places: np.ndarray) -> np.ndarray:
        return least * np.exp(curvature * (places - at) ** 2 + noise * rng.standard_normal(len(places)))

    first = steps(x)
    ok = (first < limit) & (x < cliff)
    two = np.argsort(np.where(ok, first, np.inf))[:2]
    two = two[ok[two]]
    lr = 10 ** np.append(x, x[two])
    _, found = steps_sweep(
        lr, np.append(np.where(ok, first, limit), steps(x[two])), np.append(ok, np.ones(len(two), dtype=bool))
    )
    return found, least


@row("V27", "rounds of increasing length")
def transfer(size: Size) -> list[Figure]:
    """Losses at two lengths with a known rank correlation; 8 to 30 configurations."""
    figures = []
    for tau in (0.0, 0.3, 0.6, 0.8):
        r = math.sin(math.pi * tau / 2)
        for n in (8, 30):
            rng = np.random.default_rng([int(10 * tau), n])
            held = []
            for _ in range(size.n(1000)):
                x = rng.standard_normal(n)
                found = kendall(x, r * x + math.sqrt(1 - r * r) * rng.standard_normal(n))
                held.append(found.low <= tau <= found.high)
            figures.append(at_least(f"90 % interval of tau, tau = {tau}, n = {n}", held, 0.90))
    for r in (0.5, 0.8):
        figures += [_regret(r, n, size.n(400, 40)) for n in (8, 20, 40)]
    for name, early, final in _real():
        kept = kendall(early, final)
        half = promotion_regret(early, final, len(early) // 2)
        text = f"{kept.tau:.2f} / {promotion_regret(early, final).regret:.3g} / {half.regret:.3g}"
        figures.append(shown(f"{name}: tau / regret of promoting one / the better half", text, kept.n))
    return figures


def _regret(r: float, n: int, runs: int) -> Figure:
    rng = np.random.default_rng([int(10 * r), n])
    found = []
    for _ in range(runs):
        x = rng.standard_normal(n)
        found.append(promotion_regret(x, r * x + math.sqrt(1 - r * r) * rng.standard_normal(n)).regret)
    X = rng.standard_normal((20_000, n))
    Y = r * X + math.sqrt(1 - r * r) * rng.standard_normal((20_000, n))
    truth = float((Y[np.arange(20_000), X.argmin(axis=1)] - Y.min(axis=1)).mean())
    error = float(np.std(found) / math.sqrt(runs)) / truth
    return number(
        f"promotion regret / truth (mean), correlation {r}, n = {n}",
        float(np.mean(found)) / truth,
        0.7,
        1.3,
        runs,
        error,
    )


def _real() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Real curves: the loss at 10 % of training against the best of the whole run."""
    out = []
    for pool in pools():
        if pool.name == "AlexNet":
            curves = [[p["top_1"] for p in r["learning_curve"]] for r in pool.records]
            whole = [c for c, r in zip(curves, pool.records, strict=True) if len(c) == r["epochs"]]
            out.append(
                (
                    "AlexNet at 10 %",
                    np.array([1 - c[len(c) // 10] for c in whole]),
                    np.array([1 - max(c) for c in whole]),
                )
            )
    curves = realmlp("fashion14")
    if curves is not None:
        error = curves[:, 0, :, 2]
        known = ~np.isnan(error).any(axis=1)
        out.append(("fashion14 at 10 %", error[known, 1], error[known].min(axis=1)))
    return out
