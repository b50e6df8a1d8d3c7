"""P27: do the best trials crowd at an edge of the search space?

If they do, better values probably lie beyond it. Counts how many of the best k trials lie in the outer fifth of a
parameter's range and compares with chance (binomial, both edges). Valid for trials that were chosen without looking at
results: an adaptive search crowds by itself, so it gets N/A.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.space import Categorical, Domain, Float, Int
from tunewise.stats.intervals import binomial_tail
from tunewise.types import FloatArray

_ZONE, _LEVEL, _FEWEST = 0.2, 0.05, 10
_SHARES = ("dropout", "momentum", "beta", "prob", "ratio", "fraction", "smoothing")


def boundaries(evidence: Evidence) -> list[Finding]:
    """One finding for each numeric or ordered parameter. O(n d)."""
    eligible = [name for name, domain in evidence.space.items() if domain.is_numeric and domain.n_values != 1]
    if not eligible:
        return [Finding("P27", "edges", Verdict.NA, "No parameter has an order, so none has an edge.")]
    if evidence.adaptive:
        reason = "The trials were chosen by an adaptive sampler, which crowds by itself; explore with qmc to check edges."
        return [Finding("P27", "edges", Verdict.NA, reason)]
    return [_one(evidence, name) for name in eligible]


def _one(evidence: Evidence, name: str) -> Finding:
    domain = evidence.space[name]
    u = evidence.X[:, evidence.space.names.index(name)]
    known = ~evidence.infeasible & ~np.isnan(u)
    n = int(known.sum())
    k = int(np.clip(math.ceil(n / 5), 5, 8))
    arrays = {"kind": "axis", "name": name, "u": u, "loss": evidence.loss, "zone": _ZONE}
    if n < _FEWEST:
        words = f"Only {n} trials with {name} finished; {_FEWEST} are needed to see an edge."
        return Finding("P27", name, Verdict.UNSURE, words, next_action="run more trials",
                       command=evidence.call(f"run({_FEWEST})"), cost_trials=_FEWEST - n, arrays=arrays)  # fmt: skip
    top = u[known][np.argsort(evidence.loss[known], kind="stable")[:k]]
    low, high = _zones(domain)
    counts = {"low": int((top <= low[0] + 1e-12).sum()), "high": int((top >= high[0] - 1e-12).sum())}
    mass = {"low": low[1], "high": high[1]}
    side = min(("low", "high"), key=lambda s: binomial_tail(counts[s], k, mass[s]))
    chance = min(1.0, 2 * binomial_tail(counts[side], k, mass[side]))
    flagged = chance < _LEVEL
    where = "bottom" if side == "low" else "top"
    words = f"{counts[side]} of the best {k} trials lie in the {where} {mass[side]:.0%} of {name} (chance: {chance:.2g})."
    base = Finding(
        "P27", name, Verdict.OK, words, effect=counts[side] / k, probability=chance, threshold=_LEVEL,
        threshold_source="two edges, 5 %", data_used=f"best {k} of {n} feasible non-adaptive trials",
        assumptions=("Trials cover the range evenly (quasi-random, random or grid).",), arrays=arrays,
    )  # fmt: skip
    return _expanding(evidence, base, name, domain, side) if flagged else base


def _expanding(evidence: Evidence, base: Finding, name: str, domain: Domain, side: str) -> Finding:
    wider = widened(name, domain, side)
    if wider is None:
        limit = "the last choice" if isinstance(domain, Categorical) else "a natural limit"
        if not isinstance(domain, Categorical):
            words = f"{base.headline} That is {limit} of {name}: consider fixing it there."
            return replace(base, headline=words)
        action = f"add a choice beyond {domain.choices[0 if side == 'low' else -1]!r} to {name}"
        return replace(base, verdict=Verdict.ACT, next_action=action)
    assert isinstance(domain, Float | Int)
    action = f"widen {name} from {domain.low:.4g}..{domain.high:.4g} to {wider.low:.4g}..{wider.high:.4g}"
    return replace(
        base, verdict=Verdict.ACT, next_action=action, command=evidence.call("repair()"),
        cost_trials=max(5, len(evidence.rows) // 3), change={"space": {name: wider}},
    )  # fmt: skip


def widened(name: str, domain: Domain, side: str) -> Float | Int | None:
    """The domain with one edge moved out: tenfold on a log scale (twofold for an Int), by half the width otherwise.

    Natural limits hold: shares such as dropout and momentum stay in [0, 1), what starts at 0 or above stays
    there, counts stay at 1 or more. None where the edge is such a limit, or for a choice.
    """
    if isinstance(domain, Categorical):
        return None
    factor = 10.0 if isinstance(domain, Float) else 2.0
    width = domain.high - domain.low
    if domain.log:
        low, high = domain.low / factor, domain.high * factor
    else:
        low, high = domain.low - width / 2, domain.high + width / 2
    if domain.low >= 0:
        low = max(low, 1 if isinstance(domain, Int) and domain.low >= 1 else 0)
    if any(word in name.lower() for word in _SHARES) and domain.high <= 1:
        high = min(high, max(domain.high, 0.999))
    moved = low if side == "low" else high
    if isinstance(domain, Int):
        moved = math.floor(moved) if side == "low" else math.ceil(moved)
    if moved == (domain.low if side == "low" else domain.high) or (domain.log and moved <= 0):
        return None
    edge: Any = moved
    return replace(domain, low=edge) if side == "low" else replace(domain, high=edge)


def _zones(domain: Domain) -> tuple[tuple[float, float], tuple[float, float]]:
    """(last u of the low zone, its mass), (first u of the high zone, its mass); at least one value of a discrete one."""
    if domain.n_values is None:
        return (_ZONE, _ZONE), (1 - _ZONE, _ZONE)
    u: FloatArray = domain.to_unit(domain.values())
    n_low = max(1, int((u <= _ZONE).sum()))
    n_high = max(1, int((u >= 1 - _ZONE).sum()))
    return (float(u[n_low - 1]), n_low / len(u)), (float(u[-n_high]), n_high / len(u))
