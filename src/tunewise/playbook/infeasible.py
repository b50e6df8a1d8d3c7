"""P26: how many trials diverged, and where.

Asks whether a large part of the budget is spent where training cannot work. Computes the Jeffreys interval of the share, and
for each parameter how well one threshold separates the diverged trials from the others (area under the ROC curve).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.space import Domain, Float, Int
from tunewise.stats.intervals import jeffreys
from tunewise.types import BoolArray, FloatArray

_WASTEFUL, _NOTABLE, _SEPARATES = 0.25, 0.10, 0.7


def infeasible_share(evidence: Evidence) -> Finding:
    """ACT where the share is above 25 % with 95 % certainty, UNSURE where it may be above 10 %. O(n d log n)."""
    n, bad = len(evidence.rows), evidence.infeasible
    if n == 0:
        return Finding("P26", "diverged trials", Verdict.NA, "No trial has finished.")
    share = float(bad.mean())
    low, high = jeffreys(int(bad.sum()), n)
    cause = _cause(evidence) if 0 < bad.sum() < n else None
    verdict = Verdict.ACT if low > _WASTEFUL else Verdict.UNSURE if share > _NOTABLE else Verdict.OK
    where = f", mostly at {cause[0]} {cause[1]} {cause[2]:.3g}" if cause else ""
    action, change = _repair(evidence, cause) if verdict == Verdict.ACT else ("", None)
    return Finding(
        "P26",
        "diverged trials",
        verdict,
        f"{int(bad.sum())} of {n} trials diverged ({share:.0%}, 90 % interval {low:.0%} to {high:.0%}){where}.",
        effect=share,
        interval=(low, high),
        threshold=_WASTEFUL,
        threshold_source="a quarter of the budget",
        data_used=f"{n} finished trials",
        assumptions=("Diverged trials are marked infeasible, not reported with a legal number.",),
        next_action=action,
        command=evidence.call("repair()") if action else "",
        cost_trials=int(bad.sum()) if action else None,
        arrays={"kind": "infeasible", "rows": evidence.rows, "infeasible": bad},
        change=change,
    )


def _cause(evidence: Evidence) -> tuple[str, str, float, float] | None:
    """(parameter, "above" or "below", raw threshold, AUC) that separates best; None where nothing does."""
    best: tuple[str, str, float, float] | None = None
    for j, (name, domain) in enumerate(evidence.space.items()):
        u = evidence.X[:, j]
        known = ~np.isnan(u)
        bad = evidence.infeasible[known]
        if not domain.is_numeric or not 0 < bad.sum() < len(bad):
            continue
        auc = _auc(u[known], bad)
        if max(auc, 1 - auc) > max(_SEPARATES, best[3] if best else 0.0):
            high = auc > 0.5
            cut = _cut(u[known] if high else -u[known], bad)
            raw = float(domain.from_unit(np.array(np.clip(cut if high else -cut, 0, 1))))
            best = (name, "above" if high else "below", raw, max(auc, 1 - auc))
    return best


def _auc(u: FloatArray, bad: BoolArray) -> float:
    """P(u of a bad one > u of a good one), ties counting one half."""
    order = np.argsort(u, kind="stable")
    ranks = np.empty(len(u))
    ranks[order] = np.arange(1, len(u) + 1)
    for value in np.unique(u):
        ranks[u == value] = ranks[u == value].mean()
    n_bad = int(bad.sum())
    return float((ranks[bad].sum() - n_bad * (n_bad + 1) / 2) / (n_bad * (len(u) - n_bad)))


def _cut(u: FloatArray, bad: BoolArray) -> float:
    """The threshold above which bad ones lie, with the fewest errors."""
    edges = np.sort(u)
    middles = np.append((edges[1:] + edges[:-1]) / 2, edges[0] - 1e-9)
    errors = [int((bad & (u <= m)).sum() + (~bad & (u > m)).sum()) for m in middles]
    return float(middles[int(np.argmin(errors))])


def _repair(
    evidence: Evidence, cause: tuple[str, str, float, float] | None
) -> tuple[str, Mapping[str, Any] | None]:
    if cause is None:
        return "no single parameter explains it: look for a bug, or mark impossible combinations", None
    name, side, raw, _ = cause
    domain = evidence.space[name]
    narrowed = _narrowed(domain, side, raw)
    if narrowed is None:
        return f"keep {name} away from {side} {raw:.3g}", None
    return f"narrow {name} to {narrowed.low:.3g}..{narrowed.high:.3g}", {"space": {name: narrowed}}


def _narrowed(domain: Domain, side: str, raw: float) -> Float | Int | None:
    if isinstance(domain, Float | Int) and domain.low < raw < domain.high:
        value: Any = int(raw) if isinstance(domain, Int) else raw
        return replace(domain, high=value) if side == "above" else replace(domain, low=value)
    return None
