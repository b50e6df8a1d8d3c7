"""From runs to verdicts: mean ranks, regret relative to random search, log-efficiency, each with a bootstrap interval.

Regret is normalised: 0 is the best known value, 1 the median of random points; the noiseless value of the best *observed* trial
counts. Everything is computed problem by problem on the seeds that all compared peers have, then averaged over
problems.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from problems import FOLDER, Row, group_of, library

FLOOR = 1e-4
GROUPS = ("continuous", "mixed", "conditional", "noisy", "divergent", "real")
Curves = dict[
    str, dict[str, dict[int, np.ndarray[Any, Any]]]
]  # problem -> peer -> seed -> regret after n trials


def incumbents(row: Row) -> np.ndarray[Any, Any]:
    """The noiseless value of the best observed trial after each trial."""
    best, out, value = np.inf, [], np.inf
    for y, true in zip(row["y"], row.get("true", row["y"]), strict=True):
        if y is not None and y < best:
            best, value = y, (np.inf if true is None else true)
        out.append(value)
    return np.array(out)


@cache
def random_median(problem: str) -> float:
    """The median of random points: the unit of regret."""
    stored = FOLDER / "results" / "reference.json"
    known = json.loads(stored.read_text()) if stored.exists() else {}
    mine = Path(__file__).parent / "results" / "reference.json"
    known |= json.loads(mine.read_text()) if mine.exists() else {}
    if problem not in known:
        p, rng = library().get(problem), np.random.default_rng(12345)
        n = 300 if p.group in ("real", "suite") else 1000
        values = np.array([p.evaluate(library().sample(p.space, rng), rng)["true"] for _ in range(n)])
        fine = values[np.isfinite(values) & (values < 1e9)]
        known[problem] = {"median": float(np.median(fine))}
        mine.parent.mkdir(exist_ok=True)
        mine.write_text(json.dumps(known, indent=1, sort_keys=True))
    return float(known[problem]["median"])


def regret_curves(rows: Sequence[Row]) -> Curves:
    """Normalised regret curves. Where a problem has no known optimum, the best of all given runs stands for it."""
    raw: Curves = {}
    best: dict[str, float] = {}
    for row in rows:
        curve = incumbents(row)
        known = row.get("best_known")
        best[row["problem"]] = (
            known if known is not None else min(curve.min(), best.get(row["problem"], np.inf))
        )
        kept = raw.setdefault(row["problem"], {}).setdefault(row["peer"], {})
        if len(curve) >= len(kept.get(row["seed"], ())):
            kept[row["seed"]] = curve
    for problem, peers in raw.items():
        unit = max(1e-12, random_median(problem) - best[problem])
        for seeds in peers.values():
            for seed, curve in seeds.items():
                seeds[seed] = np.maximum(0.0, (curve - best[problem]) / unit)
    return raw


def ranks(values: Mapping[str, float]) -> dict[str, float]:
    """Ranks from 1, ties sharing their mean."""
    names = list(values)
    y = np.array([values[name] for name in names])
    close = np.isclose(y[:, None], y[None, :], rtol=1e-9, atol=0) | (y[:, None] == y[None, :])
    below = (y[:, None] > y[None, :]) & ~close
    return dict(zip(names, (below.sum(axis=1) + (close.sum(axis=1) + 1) / 2).tolist(), strict=True))


def mean_ranks(curves: Curves, peers: Sequence[str], n: int) -> dict[str, np.ndarray[Any, Any]]:
    """Per problem the mean rank (peers,) over the seeds that all peers have for n trials."""
    out = {}
    for problem, by_peer in curves.items():
        seeds = _common(by_peer, peers, n)
        if seeds:
            each = [ranks({p: by_peer[p][s][n - 1] for p in peers}) for s in seeds]
            out[problem] = np.mean([[r[p] for p in peers] for r in each], axis=0)
    return out


def relative_regret(
    curves: Curves, peers: Sequence[str], n: int, base: str
) -> dict[str, np.ndarray[Any, Any]]:
    """Per problem ln(median regret of each peer / that of the base), each floored at 1e-4."""
    out = {}
    for problem, by_peer in curves.items():
        if not {*peers, base} <= by_peer.keys():
            continue
        medians = {p: _median(by_peer[p], n) for p in {*peers, base}}
        if all(m is not None for m in medians.values()):
            out[problem] = np.array(
                [np.log(max(FLOOR, medians[p]) / max(FLOOR, medians[base])) for p in peers]
            )
    return out


def log_efficiency(ours: Mapping[int, Any], theirs: Mapping[int, Any], budget: int) -> float:
    """ln of the share of trials needed: half of (trials that we need for their values) - (that they need for ours).

    One way alone favours whoever sets the values: its curve falls when it was lucky. A sampler beside
    itself would need more.
    """
    a, b = _typical(ours, budget), _typical(theirs, budget)
    return 0.5 * (_one_way(a, b) - _one_way(b, a))


def _typical(seeds: Mapping[int, Any], budget: int) -> np.ndarray[Any, Any]:
    return np.maximum(np.median([c[:budget] for c in seeds.values() if len(c) >= budget], axis=0), FLOOR)


def _one_way(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """Over the values that curve b takes, the median of ln(n of a / n of b).

    A value that a does not reach within the budget counts as reached after twice the budget. Values reached at the first trial or
    below the floor of regret do not count.
    """
    steps = [i for i in range(1, len(b)) if b[i] < b[i - 1]]
    if not steps:
        return 0.0
    logs = []
    for i in range(steps[0], len(b)):
        reached = np.flatnonzero(a <= b[i] * (1 + 1e-9))
        first = np.flatnonzero(b <= b[i] * (1 + 1e-9))[0] + 1
        logs.append(np.log((reached[0] + 1 if len(reached) else 2 * len(b)) / first))
    return float(np.median(logs))


def bootstrap(table: np.ndarray[Any, Any], n: int = 2000) -> tuple[Any, Any]:
    """95 % interval of the mean over the rows (problems) of a table."""
    rng = np.random.default_rng(0)
    means = np.array([table[rng.integers(len(table), size=len(table))].mean(axis=0) for _ in range(n)])
    return np.percentile(means, 2.5, axis=0), np.percentile(means, 97.5, axis=0)


def efficiency_interval(
    curves: Curves, ours: str, peer: str, budget: int, n: int = 300
) -> tuple[float, float, float, int]:
    """exp of the mean log-efficiency over problems with a bootstrap interval over problems and seeds, and their number."""
    fits = [p for p, by in curves.items() if _enough(by, ours, budget) and _enough(by, peer, budget)]
    if not fits:
        return float("nan"), float("nan"), float("nan"), 0
    point = float(np.mean([log_efficiency(curves[p][ours], curves[p][peer], budget) for p in fits]))
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(n):
        chosen = [fits[i] for i in rng.integers(len(fits), size=len(fits))]
        draws.append(np.mean([
            log_efficiency(_resampled(curves[p][ours], rng), _resampled(curves[p][peer], rng), budget) for p in chosen
        ]))  # fmt: skip
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(np.exp(point)), float(np.exp(low)), float(np.exp(high)), len(fits)


def print_report(
    rows: Sequence[Row], ours: str | None = None, peers: Sequence[str] | None = None,
    problems: Sequence[str] | None = None, budgets: Sequence[int] = (25, 50, 100), table: bool = False,
) -> None:  # fmt: skip
    """Print all figures as Markdown tables."""
    rows = [r for r in rows if r.get("workers", 1) == 1 and (peers is None or r["peer"] in peers)]
    rows = [r for r in rows if problems is None or r["problem"] in problems]
    curves = regret_curves(rows)
    names = list(dict.fromkeys(peers or sorted({r["peer"] for r in rows})))
    ours = ours or next(name for name in names if name.startswith("tunewise"))
    _print_ranks(curves, names, budgets)
    _print_efficiency(curves, ours, [n for n in names if n != ours], budgets)
    if table:
        _print_regrets(curves, names, budgets)


def group_names(curves: Curves) -> dict[str, list[str]]:
    """Problems by group, and all of them."""
    groups: dict[str, list[str]] = {"all": list(curves)}
    for problem in curves:
        groups.setdefault(group_of(library().get(problem)), []).append(problem)
    return {g: groups[g] for g in ("all", *GROUPS) if g in groups}


def _print_ranks(curves: Curves, names: Sequence[str], budgets: Sequence[int]) -> None:
    for n in budgets:
        per = mean_ranks(curves, names, n)
        if not per:
            continue
        print(f"\n### Mean rank of {len(names)} after {n} trials [95 %], and *regret relative to random*\n")
        heads = [f"{g} ({sum(p in per for p in ps)})" for g, ps in group_names(curves).items()]
        print("| peer | " + " | ".join(heads) + " |\n|" + " --- |" * (len(heads) + 1))
        cells: dict[str, list[str]] = {name: [] for name in names}
        order = np.mean(list(per.values()), axis=0)
        base = "optuna-random" if "optuna-random" in names else names[0]
        for group in group_names(curves).values():
            inside = [p for p in group if p in per]
            if not inside:
                for name in names:
                    cells[name].append("-")
                continue
            values = np.array([per[p] for p in inside])
            low, high = bootstrap(values)
            relative = relative_regret({p: curves[p] for p in inside}, names, n, base)
            share = np.exp(np.mean(list(relative.values()), axis=0))
            for i, name in enumerate(names):
                cells[name].append(
                    f"{values[:, i].mean():.2f} [{low[i]:.2f}, {high[i]:.2f}] *{share[i]:.3g}*"
                )
        for i in np.argsort(order):
            print(f"| {names[i]} | " + " | ".join(cells[names[i]]) + " |")


def _print_efficiency(curves: Curves, ours: str, others: Sequence[str], budgets: Sequence[int]) -> None:
    print(f"\n### Share of trials that {ours} needs to reach the quality of ... [95 %] (problems)\n")
    groups = group_names(curves)
    print("| peer | trials | " + " | ".join(groups) + " |\n|" + " --- |" * (len(groups) + 2))
    for peer in others:
        for n in budgets:
            cells = []
            for inside in groups.values():
                mid, low, high, count = efficiency_interval({p: curves[p] for p in inside}, ours, peer, n)
                cells.append(f"{mid:.2f} [{low:.2f}, {high:.2f}] ({count})" if count else "-")
            if cells[0] != "-":
                print(f"| {peer} | {n} | " + " | ".join(cells) + " |")


def _print_regrets(curves: Curves, names: Sequence[str], budgets: Sequence[int]) -> None:
    for n in budgets:
        print(
            f"\n### Median regret after {n} trials\n\n| problem | "
            + " | ".join(names)
            + " |\n|"
            + " --- |" * (len(names) + 1)
        )
        for problem, by_peer in sorted(curves.items()):
            medians = [_median(by_peer.get(name, {}), n) for name in names]
            low = min((m for m in medians if m is not None), default=None)
            cells = ["-" if m is None else f"**{m:.3g}**" if m == low else f"{m:.3g}" for m in medians]
            print(f"| {problem} | " + " | ".join(cells) + " |")


def _common(by_peer: Mapping[str, Mapping[int, Any]], peers: Sequence[str], n: int) -> list[int]:
    if not set(peers) <= by_peer.keys():
        return []
    return sorted(set.intersection(*({s for s, c in by_peer[p].items() if len(c) >= n} for p in peers)))


def _median(seeds: Mapping[int, Any], n: int) -> float | None:
    values = [curve[n - 1] for curve in seeds.values() if len(curve) >= n]
    return float(np.median(values)) if values else None


def _enough(by_peer: Mapping[str, Mapping[int, Any]], peer: str, budget: int) -> bool:
    return any(len(curve) >= budget for curve in by_peer.get(peer, {}).values())


def _resampled(seeds: Mapping[int, Any], rng: np.random.Generator) -> dict[int, Any]:
    keys = list(seeds)
    return {i: seeds[keys[j]] for i, j in enumerate(rng.integers(len(keys), size=len(keys)))}
