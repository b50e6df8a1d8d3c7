"""V16 to V20: decisions."""

from __future__ import annotations

import math

import numpy as np

from tunewise import sim
from tunewise.playbook import Adoption, decide
from tunewise.playbook.adopt import choose_pairing
from tunewise.project import Project
from tunewise.stats.moderated import Prior, agrees, difference
from tunewise.stats.sequential import nominal_levels
from validation.core import Figure, Size, at_least, at_most, number, row, shown, within

_LEDGER = 20.0


def _rates(
    runs: int, improvement: float, least: float, seed: int = 0, **options: object
) -> tuple[list[bool], list[int]]:
    """Adoptions, and runs used, of decisions about a true improvement (in SDs) with a ledger of 20 degrees of freedom."""
    rng = np.random.default_rng([seed, int(10 * improvement), int(10 * least)])
    adopted, used = [], []
    for _ in range(runs):
        sd = math.sqrt(rng.chisquare(_LEDGER) / _LEDGER)
        a, b = rng.standard_normal(8) - improvement, rng.standard_normal(8)
        found = decide(a.tolist(), b.tolist(), min_effect=least * sd, prior=(sd, _LEDGER), **options)  # type: ignore[arg-type]
        adopted.append(found.verdict == Adoption.ADOPT)
        used.append(found.looks[-1].n)
    return adopted, used


@row("V16", "false adoption")
def false_adoption(size: Size) -> list[Figure]:
    """Changes that are worth nothing, looks at 3, 5 and 8; searches of 10 to 1,000 trials before the decision."""
    runs = size.n(20_000, 600)
    figures = [
        within(
            "worthless change adopted, min_effect half the noise, p = 0.8",
            _rates(runs, 0, 0.5, p=0.8)[0],
            0.09,
            0.11,
        ),
        within(
            "worthless change adopted, min_effect half the noise, p = 0.95",
            _rates(runs, 0, 0.5, p=0.95)[0],
            0.015,
            0.025,
        ),
        within(
            "worthless change adopted, error = 5 % over all looks",
            _rates(runs, 0, 0.0, error=0.05)[0],
            0.04,
            0.06,
        ),
    ]
    for shape, expected in (("constant", 0.0177), ("obrien-fleming", 0.0003)):
        level = nominal_levels((3, 5, 8, 12), 0.05, shape)[0]
        figures.append(
            number(
                f"nominal level at the first of looks 3, 5, 8, 12, {shape}",
                level,
                0.9 * expected,
                1.1 * expected,
                1,
                form=".4f",
            )
        )
    rates = {}
    for length, full, reduced in ((10, 4000, 60), (100, 2000, 40), (1000, 800, 12)):
        hits = [_search_and_adopt(length, seed) for seed in range(size.n(full, reduced))]
        rates[length] = hits
        figures.append(within(f"worthless winner of a search of {length} trials adopted", hits, 0.09, 0.11))
    gap = float(np.mean(rates[1000]) - np.mean(rates[10]))
    error = math.sqrt(0.1 * 0.9 * (1 / len(rates[10]) + 1 / len(rates[1000])))
    few = [_search_and_adopt(10, seed, noise_seeds=5) for seed in range(size.n(4000, 60))]
    return [
        *figures,
        number("search of 1,000 trials minus search of 10", gap, 0.0, 0.0, len(rates[1000]), error),
        within(
            "the same where 5 seeds alone measured the noise, search of 10 (the decision says 12 %)",
            few,
            0.11,
            0.13,
        ),
    ]


def _search_and_adopt(length: int, seed: int, noise_seeds: int = int(_LEDGER) + 1) -> bool:
    """All configurations are equal; a project searches, and its best is judged by fresh seeds."""
    problem = sim.Problem((0.5,), (0.0,), noise_sd=0.01)
    project = Project("null", problem, defaults={"x0": 0.01}, seed=seed, space=problem.space)
    found = project.round("anything?").run(length)
    project.measure_noise(seeds=noise_seeds, params={"x0": 0.02})
    return project.adopt(found.best(), cost="one more hyperparameter").verdict == Adoption.ADOPT


@row("V17", "power and runs of decisions")
def power(size: Size) -> list[Figure]:
    """True improvements of one and two SDs, min_effect half the noise, p = 0.8."""
    figures = []
    for improvement, wanted in ((1.0, 0.65), (2.0, 0.98)):
        adopted, used = _rates(size.n(20_000, 600), improvement, 0.5, p=0.8)
        figures.append(at_least(f"improvement of {improvement:g} SD adopted", adopted, wanted))
        figures.append(
            number(
                f"mean runs of each arm, improvement of {improvement:g} SD",
                float(np.mean(used)),
                0,
                5.5,
                len(used),
            )
        )
    return figures


@row("V18", "moderated t")
def moderated(size: Size) -> list[Figure]:
    """One-sided 5 % tests of 3, 5 and 8 runs an arm with priors of 10 to 200 degrees of freedom, right or 1.5 times too small."""
    runs = size.n(20_000, 1500)
    right, worst = [], []
    for n in (3, 5, 8):
        for df in (10.0, 20.0, 200.0):
            for ratio in (1.0, 1.5):
                rng = np.random.default_rng([n, int(df), int(10 * ratio)])
                sds = np.sqrt(rng.chisquare(df, runs) / df) / ratio
                arms = rng.standard_normal((runs, 2, n))
                hits = [
                    difference(a, b, Prior(float(s), df)).above(0) > 0.95
                    for (a, b), s in zip(arms, sds, strict=True)
                ]
                (right if ratio == 1 else worst).append(hits)
    gains = []
    for prior in (None, Prior(1.0, 20.0)):
        rng = np.random.default_rng(1)
        gains.append(
            np.mean(
                [
                    difference(a - 2, b, prior).above(0) > 0.95
                    for a, b in rng.standard_normal((size.n(10_000, 600), 2, 3))
                ]
            )
        )
    figures = [within("size where the prior is right (all cases)", np.concatenate(right), 0.04, 0.06)]
    figures.append(number("worst case", max(float(np.mean(h)) for h in right), 0.0, 0.06, runs, 0.0015))
    figures.append(
        number(
            "worst size where the prior is 1.5 times too small",
            max(float(np.mean(h)) for h in worst),
            0,
            0.08,
            runs,
            0.002,
        )
    )
    rng = np.random.default_rng(2)
    refused = [not agrees(float(rng.chisquare(40)), 40, Prior(1 / 1.5, 200.0)) for _ in range(runs)]
    figures.append(
        at_least("prior 1.5 times too small refused, 40 degrees of freedom against it", refused, 0.80)
    )
    refused = [not agrees(float(rng.chisquare(20)), 20, Prior(1 / 1.5, 200.0)) for _ in range(runs)]
    figures.append(at_least("the same, 20 degrees of freedom, prior of 200", refused, 0.80))
    refused = [
        not agrees(float(rng.chisquare(20)), 20, Prior(float(np.sqrt(rng.chisquare(20) / 20)) / 1.5, 20.0))
        for _ in range(runs)
    ]
    figures.append(shown("the same, prior itself estimated with 20", f"{np.mean(refused):.3f}", runs))
    figures.append(
        shown(
            "power at 2 SDs, 3 runs an arm: without / with a prior",
            f"{gains[0]:.2f} / {gains[1]:.2f}",
            size.n(10_000, 600),
        )
    )
    return figures


@row("V19", "candidates that fail")
def hurdle(size: Size) -> list[Figure]:
    """30 % of the candidate's seeds diverge, the others are better by 2 SDs."""
    rng = np.random.default_rng(0)
    blocked, clean, early = [], [], []
    for _ in range(size.n(4000)):
        a = np.where(rng.random(8) < 0.3, np.nan, rng.standard_normal(8) - 2)
        b = rng.standard_normal(8)
        blocked.append(decide(a.tolist(), b.tolist(), looks=(8,)).verdict == Adoption.KEEP)
        early.append(decide(a.tolist(), b.tolist()).verdict != Adoption.ADOPT)
        good = rng.standard_normal(8) - 2
        clean.append(decide(good.tolist(), b.tolist(), looks=(8,)).verdict == Adoption.ADOPT)
    return [
        at_least("blocked at 8 runs an arm", blocked, 0.90),
        shown(
            "not adopted with looks at 3, 5, 8 (no failure in 3 runs has probability 0.34)",
            f"{np.mean(early):.3f}",
            len(early),
        ),
        at_least("the same candidate without failures adopted", clean, 0.95),
    ]


@row("V20", "paired or not")
def pairing(size: Size) -> list[Figure]:
    """Chosen from the correlation of 24 earlier pairs, before the runs; 5 runs an arm, improvement of 1.5 SDs, one-sided 5 %."""
    figures = []
    runs = size.n(10_000, 600)
    for rho in (0.0, 0.3, 0.7):
        rng = np.random.default_rng(int(10 * rho))
        hits: dict[str, list[bool]] = {"paired": [], "unpaired": [], "chosen": []}
        null = []
        for _ in range(runs):
            a, b = _pair(rng, 5, rho)
            correlation, _ = choose_pairing([_pair(rng, 24, rho)], 5)
            hits["paired"].append(difference(a - 1.5, b, None, rho).above(0) > 0.95)
            hits["unpaired"].append(difference(a - 1.5, b).above(0) > 0.95)
            hits["chosen"].append(difference(a - 1.5, b, None, correlation).above(0) > 0.95)
            null.append(difference(a, b, None, correlation).above(0) > 0.95)
        power = {name: float(np.mean(of)) for name, of in hits.items()}
        best = max(power["paired"], power["unpaired"])
        error = math.sqrt(0.5 / runs)
        figures.append(
            number(
                f"power lost against the better test, correlation {rho}",
                best - power["chosen"],
                -1,
                0.02,
                runs,
                error / 2,
            )
        )
        figures.append(
            shown("paired / unpaired / chosen", " / ".join(f"{p:.2f}" for p in power.values()), runs)
        )
        figures.append(at_most(f"size, correlation {rho}", null, 0.05))
    return figures


def _pair(rng: np.random.Generator, n: int, rho: float) -> tuple[np.ndarray, np.ndarray]:
    common = rng.standard_normal(n)
    a, b = (math.sqrt(rho) * common + math.sqrt(1 - rho) * rng.standard_normal(n) for _ in range(2))
    return a, b
