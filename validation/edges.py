"""V3, V4, V32: the boundary of the space."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from tunewise import sim
from tunewise.playbook import Verdict
from tunewise.playbook.boundaries import boundaries
from tunewise.playbook.evidence import gather
from tunewise.records import FrozenTrial, TrialState
from tunewise.space import Float, Space
from tunewise.study import create_study
from validation.core import Figure, Size, at_least, at_most, number, row, shown
from validation.pools import Pool, pools


@row("V3", "optimum beyond an edge")
def planted(size: Size) -> list[Figure]:
    """Optima in [-0.5, 1.5], d = 3 and 6, one or two sensitive parameters, noise 2 % of the spread."""
    seen: dict[tuple[str, int], list[bool]] = defaultdict(list)
    right: list[bool] = []
    unsure: list[bool] = []
    for n in (20, 30, 60):
        for run in range(size.n(400, 24)):
            d, sensitive = (3, 6)[run % 2], 1 + run // 2 % 2
            rng = np.random.default_rng([n, run])
            found, optimum = _study(rng, d, sensitive, n, run)
            for j, f in enumerate(found):
                acts = f.verdict == Verdict.ACT
                unsure.append(f.verdict == Verdict.UNSURE)
                side = "" if not acts else "high" if f.change["space"][f.subject].high > 1.5 else "low"
                if j >= sensitive:
                    seen["irrelevant", n].append(acts)
                elif not 0 <= optimum[j] <= 1:
                    seen["outside", n].append(side == ("high" if optimum[j] > 1 else "low"))
                    if not -0.1 <= optimum[j] <= 1.1:
                        seen["outside by 0.1", n].append(seen["outside", n][-1])
                elif 0.25 <= optimum[j] <= 0.75:
                    seen["inside", n].append(acts)
                if acts:
                    right.append(j < sensitive and (optimum[j] > 0.9 if side == "high" else optimum[j] < 0.1))
    figures = []
    for n, recall in ((20, 0.70), (30, 0.95), (60, 0.95)):
        figures.append(
            at_least(f"seen, optimum at least 0.1 outside, n = {n}", seen["outside by 0.1", n], recall)
        )
        figures.append(
            shown(
                f"seen, optimum anywhere outside, n = {n}",
                f"{np.mean(seen['outside', n]):.3f}",
                len(seen["outside", n]),
            )
        )
        figures.append(at_most(f"false alarm, irrelevant parameter, n = {n}", seen["irrelevant", n], 0.02))
        figures.append(at_most(f"false alarm, optimum in 0.25..0.75, n = {n}", seen["inside", n], 0.05))
    figures.append(at_least("alarms that are right (optimum beyond, or in the outer tenth)", right, 0.95))
    figures.append(shown("verdicts UNSURE", f"{np.mean(unsure):.3f}", len(unsure)))
    return figures


@row("V32", "edges of searches by TPE and Gaussian process")
def adaptive(size: Size) -> list[Figure]:
    """The problems of V3, trials chosen by an adaptive sampler."""
    return [*_by_adaptive("tpe", size.n(120, 6), 0.90), *_by_adaptive("gp", size.n(80, 3), 0.70)]


def _by_adaptive(sampler: str, runs: int, recall: float) -> list[Figure]:
    figures = []
    for n in (30, 60):
        idle, beyond, silent, unsure = [], [], [], []
        for run in range(runs):
            d, sensitive = (3, 6)[run % 2], 1 + run // 2 % 2
            found, optimum = _study(np.random.default_rng([n, run, 1]), d, sensitive, n, run, sampler)
            verdicts = [f.verdict for f in found]
            idle += [v == Verdict.ACT for v in verdicts[sensitive:]]
            unsure += [v == Verdict.UNSURE for v in verdicts[sensitive:]]
            outside = [
                v for v, at in zip(verdicts, optimum[:sensitive], strict=False) if not -0.1 <= at <= 1.1
            ]
            beyond += [v == Verdict.ACT for v in outside]
            silent += [v == Verdict.OK for v in outside]
        which = f"{sampler}, n = {n}"
        figures.append(at_most(f"false alarm, irrelevant parameter, trials chosen by {which}", idle, 0.02))
        figures.append(
            at_least(f"seen, optimum at least 0.1 outside, trials chosen by {which}", beyond, recall)
        )
        figures.append(at_most(f"OK although it is at least 0.1 outside, {which}", silent, 0.02))
        figures.append(shown(f"UNSURE, irrelevant parameter, {which}", f"{np.mean(unsure):.3f}", len(unsure)))
    return figures


def _study(
    rng: np.random.Generator, d: int, sensitive: int, n: int, seed: int, sampler: str = "qmc"
) -> tuple[list, np.ndarray]:
    optimum = np.append(rng.uniform(-0.5, 1.5, sensitive), np.full(d - sensitive, 0.5))
    weight = np.append(np.append(1.0, rng.uniform(0.3, 1.0, sensitive))[:sensitive], np.zeros(d - sensitive))
    spread = float((((rng.random((500, d)) - optimum) ** 2) @ weight).std())
    problem = sim.Problem(tuple(optimum), tuple(weight), noise_sd=0.02 * spread)
    study = problem.study(n, seed, sampler)
    return boundaries(gather(study.trials, problem.space)), optimum


@row("V4", "edges of real searches")
def real(size: Size) -> list[Figure]:
    """Random sub-studies of the pools; the truth is where the best 25 of all trials lie."""
    if not pools():
        return [shown("real pools", "not at hand (TUNEWISE_DATA)", 0)]
    figures = []
    for pool in pools():
        top = pool.X[np.argsort(pool.worst_filled)[:25]]
        for n in (20, 40, 80):
            runs = size.n(150, 12)
            flags, right, unsure = [], [], []
            rng = np.random.default_rng(n)
            for _ in range(runs):
                found = boundaries(
                    gather(_table(pool, rng.choice(len(pool.loss), n, replace=False)).trials, _space(pool))
                )
                acts = [f for f in found if f.verdict == Verdict.ACT]
                flags.append(len(acts))
                unsure.append(sum(f.verdict == Verdict.UNSURE for f in found))
                for f in acts:
                    u = top[:, pool.names.index(f.subject)]
                    high = f.change["space"][f.subject].high > 2
                    right.append(
                        (u > 0.8).mean() > (u < 0.2).mean() if high else (u < 0.2).mean() > (u > 0.8).mean()
                    )
            error = float(np.std(flags) / np.sqrt(runs))
            bound = 0.5 if n == 20 else 1.0
            figures.append(
                number(
                    f"{pool.name}, n = {n}: alarms a study",
                    float(np.mean(flags)),
                    0.0,
                    bound,
                    runs,
                    error,
                    ".2f",
                )
            )
            if len(right) >= 5:
                figures.append(
                    at_least(f"{pool.name}, n = {n}: alarms on the side of the best 25", right, 0.80)
                )
            figures.append(shown(f"{pool.name}, n = {n}: UNSURE a study", f"{np.mean(unsure):.2f}", runs))
    return figures


def _space(pool: Pool) -> Space:
    return Space(dict.fromkeys(pool.names, Float(1, 2)))  # no natural limit at either end


def _table(pool: Pool, rows: np.ndarray):  # type: ignore[no-untyped-def]
    study = create_study(space=_space(pool), sampler="random", seed=0)
    study.set_user_attr("adaptive", False)
    domains = dict(_space(pool))
    for i in rows:
        bad = np.isnan(pool.loss[i])
        study.add_trial(
            FrozenTrial(
                0,
                TrialState.INFEASIBLE if bad else TrialState.COMPLETE,
                dict(zip(pool.names, (1 + pool.X[i].clip(0, 1)).tolist(), strict=True)),
                None if bad else (float(pool.loss[i]),),
                domains,
            )
        )
    return study
