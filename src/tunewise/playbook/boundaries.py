"""P27, P31: do the best trials say that better values lie beyond an edge of the search space?

Draws of the surrogate's profile answer: how probable is it that the best loss to be had in the outer 5 % of a range is
materially better than anywhere between 20 and 80 % of it? An adaptive sampler leaves gaps in which the surrogate knows little, so
with its trials the difference has to be larger, and where it left nearly everything but an end alone, nobody can tell. Where
the surrogate cannot predict, trials that were chosen without looking at results are counted: how many of the best k lie in the
outer fifth, against chance. "The best trial lies near an edge" would be a bad rule: it flags parameters that do not matter in
12 to 30 % of studies.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from tunewise.playbook.commands import fix, more_trials, search, warm_up
from tunewise.playbook.conditions import leaves, named
from tunewise.playbook.evidence import Evidence, is_ordered
from tunewise.playbook.finding import Finding, Verdict
from tunewise.space import Categorical, Domain, Float, Int
from tunewise.stats.intervals import binomial_tail
from tunewise.stats.surrogate import Surrogate, edge_gain
from tunewise.types import BoolArray, Choice, FloatArray

_ZONE, _FEWEST, _MOST_AXES, _MOST_MORE = 0.2, 10, 40, 50
_MATERIAL, _MATERIAL_ADAPTIVE = 0.075, 0.25  # in SDs of the warped loss
_SURE = 0.7
_CROWD, _ELSEWHERE = 0.8, 0.2  # of the best, and of all trials: an end to which an adaptive sampler kept
_LEAST_TRIALS, _MOST_TRIALS = (
    20,
    30,
)  # the posterior must be surer with few trials: by 0.15 at 20, by nothing from 30 on
_SHARES = ("dropout", "momentum", "beta", "prob", "ratio", "fraction", "smoothing")


def boundaries(evidence: Evidence) -> list[Finding]:
    """One finding for each ordered parameter (of at most 40). O(n^3 + d n)."""
    eligible = [
        name for name, domain in evidence.space.items() if is_ordered(domain) and domain.n_values != 1
    ]
    if not eligible:
        return [Finding("P27", "edges", Verdict.NA, "No parameter has an order, so none has an edge.")]
    if evidence.best_of and len(evidence.rows):
        return [_winner(evidence, name) for name in eligible]
    if evidence.n_feasible < _FEWEST:
        n = evidence.n_feasible
        words = f"Only {n} trial{'s' * (n != 1)} finished with a result; {_FEWEST} are needed to see an edge."
        return [Finding("P27", "edges", Verdict.UNSURE, words, needs=f"{_FEWEST - n} more trials",
                        next_action="run more trials", command=more_trials(evidence, _FEWEST - n),
                        cost_trials=_FEWEST - n)]  # fmt: skip
    if evidence.is_flat:
        words = "All trials have the same value, so no edge is better than the middle."
        return [Finding("P27", "edges", Verdict.NA, words, needs="trials whose values differ")]
    findings = [
        named(evidence, name, label, _one(part, name))
        for name in eligible[:_MOST_AXES]
        for label, part in leaves(evidence, name)
    ]
    if len(eligible) > _MOST_AXES:
        words = (
            f"{len(eligible)} parameters are more than {len(evidence.rows)} trials can judge; the "
            f"first {_MOST_AXES} are shown."
        )
        findings.append(
            Finding("P27", "other edges", Verdict.UNSURE, words, needs="more trials, or a smaller space")
        )
    return findings


def _one(evidence: Evidence, name: str) -> Finding:
    surrogate = evidence.trusted
    u = evidence.column(name)
    known = evidence.feasible & ~np.isnan(u)
    arrays = _axis(evidence, name, u, known)
    if known.sum() < _FEWEST:
        words = (
            f"Only {int(known.sum())} trials with {name} have a result; {_FEWEST} are needed to see an edge."
        )
        return Finding("P27", name, Verdict.UNSURE, words, needs="trials in which it is active",
                       next_action="run more trials", cost_trials=_FEWEST, arrays=arrays)  # fmt: skip
    if surrogate is not None:
        return _by_surrogate(evidence, surrogate, name, arrays)
    if evidence.adaptive:
        words = (
            f"A surrogate of these {int(known.sum())} trials predicts nothing, and where trials lie says nothing where "
            "an adaptive sampler chose them, or may have."
        )
        return Finding("P27", name, Verdict.UNSURE, words, needs="quasi-random trials",
                       next_action="explore with sampler='qmc'", arrays=arrays)  # fmt: skip
    return _by_counting(evidence, name, u, known, arrays)


# --- the surrogate's answer -------------------------------------------------------------------------------------------


def _by_surrogate(evidence: Evidence, s: Surrogate, name: str, arrays: dict[str, Any]) -> Finding:
    domain = evidence.space[name]
    grid, drawn = evidence.profile(name)
    band = s.loss(np.quantile(drawn, (0.1, 0.9), axis=0))
    arrays.update(grid=grid, mean=s.loss(drawn.mean(axis=0)), low=band[0], high=band[1])
    material = _MATERIAL_ADAPTIVE if evidence.adaptive else _MATERIAL
    least = max(material, (evidence.unit or 0.0) / s.scale)
    low, high, gain_low, gain_high = _gains(drawn, grid, least)
    side, chance, gain = ("low", low, gain_low) if low >= high else ("high", high, gain_high)
    n = len(s.z)
    few = float(np.clip((_MOST_TRIALS - n) / (_MOST_TRIALS - _LEAST_TRIALS), 0, 1))
    enough = _SURE + 0.15 * few
    blocked = _diverging(evidence, name, side)
    verdict = Verdict.ACT if chance > enough else Verdict.UNSURE if chance > 0.5 else Verdict.OK
    if verdict == Verdict.OK and evidence.adaptive:
        crowded = _crowded(evidence, name)
        if crowded and _gains(drawn, grid, 0.0)[crowded == "high"] > 0.5:
            return _unexplored(evidence, name, crowded, arrays)
    end = _end(domain, side)
    margin = f"more than {least * s.scale:.2g}"
    if verdict == Verdict.OK:
        words = f"No edge of {name} is better than its middle by {margin} (probability {max(low, high):.2f} at the {side} end)."
    else:
        words = (
            f"The {side} end of {name} ({end}) is better than its middle by {margin} with probability {chance:.2f}; "
            f"estimated gain {gain * s.scale:.2g}."
        )
    base = Finding(
        "P27", name, verdict, words, effect=gain * s.scale, probability=chance, threshold=enough,
        threshold_source="validated: docs/validation.md, V3 and V4",
        data_used=f"surrogate of {n} trials (rank correlation with left-out trials {s.agreement:.2f})",
        assumptions=("The loss is a smooth function of the parameters.",), arrays=arrays,
    )  # fmt: skip
    if verdict == Verdict.OK:
        return base
    if verdict == Verdict.UNSURE:
        more = max(10, n // 2)
        return replace(base, next_action=f"run {more} more trials to tell", cost_trials=more,
                       command=more_trials(evidence, more))  # fmt: skip
    if blocked:
        words = f"{words} Most trials in the outer fifth diverge there, so the range is limited by stability, not by its edge."
        action = "see P28: warm-up or clipping before a wider range"
        return replace(base, headline=words, next_action=action, command=warm_up(evidence))
    return _expanding(evidence, base, name, domain, side)


def _gains(drawn: FloatArray, grid: FloatArray, least: float) -> tuple[float, float, float, float]:
    return _end_gain(drawn, least) if len(grid) < 15 else edge_gain(drawn, grid, least)


def _crowded(evidence: Evidence, name: str) -> str:
    """The end at which most of the best trials lie while hardly any trial lies elsewhere; empty where there is none."""
    u = evidence.column(name)
    known = evidence.feasible & ~np.isnan(u)
    top = u[known][np.argsort(evidence.loss[known], kind="stable")[: _n_top(int(known.sum()))]]
    for side in ("low", "high"):
        there = _at_end(evidence.space[name], side, u[known])
        if _at_end(evidence.space[name], side, top).mean() >= _CROWD and (~there).mean() <= _ELSEWHERE:
            return side
    return ""


def _at_end(domain: Domain, side: str, u: FloatArray) -> BoolArray:
    (low, _), (high, _) = _zones(domain)
    return u <= low + 1e-12 if side == "low" else u >= high - 1e-12


def _n_top(n: int) -> int:
    return int(np.clip(math.ceil(n / 5), 5, 8))


def _unexplored(evidence: Evidence, name: str, side: str, arrays: dict[str, Any]) -> Finding:
    domain, u = evidence.space[name], evidence.column(name)
    known = evidence.feasible & ~np.isnan(u)
    elsewhere = int((known & ~_at_end(domain, side, u)).sum())
    n = int(known.sum())
    words = (
        f"The search kept to the {side} end of {name} ({_end(domain, side)}): {elsewhere} of {n} trials lie elsewhere, too few "
        "to say whether values there, or beyond the end, would be better."
    )
    wider = widened(name, domain, side)
    choice = ", or add a choice beyond it" if isinstance(domain, Categorical) else ""
    action = f", or widen {name} to {_range(wider)}" if wider is not None else choice
    more = max(10, n // 5)
    return Finding("P27", name, Verdict.UNSURE, words, threshold=_ELSEWHERE, threshold_source="validated: docs/validation.md, V3",
                   data_used=f"{n} trials of an adaptive search", needs="trials elsewhere", cost_trials=more,
                   next_action=f"run {more} quasi-random trials{action}", arrays=arrays)  # fmt: skip


def _end_gain(drawn: FloatArray, least: float) -> tuple[float, float, float, float]:
    """As `edge_gain` for a parameter of few values: an end value against all values but the two ends."""
    g = drawn.shape[1]
    inside = drawn[:, 1:-1].min(axis=1) if g > 2 else None
    low = (drawn[:, -1] if inside is None else inside) - drawn[:, 0]
    high = (drawn[:, 0] if inside is None else inside) - drawn[:, -1]
    return float((low > least).mean()), float((high > least).mean()), float(low.mean()), float(high.mean())


def _diverging(evidence: Evidence, name: str, side: str) -> bool:
    u = evidence.column(name)
    outer = (u <= _ZONE) if side == "low" else (u >= 1 - _ZONE)
    return bool(outer.sum() >= 3 and evidence.infeasible[outer].mean() > 0.5)


# --- the answer by counting -------------------------------------------------------------------------------------------


def _by_counting(
    evidence: Evidence, name: str, u: FloatArray, known: BoolArray, arrays: dict[str, Any]
) -> Finding:
    domain = evidence.space[name]
    n = int(known.sum())
    k = _n_top(n)
    top = u[known][np.argsort(evidence.loss[known], kind="stable")[:k]]
    low, high = _zones(domain)
    counts = {"low": int((top <= low[0] + 1e-12).sum()), "high": int((top >= high[0] - 1e-12).sum())}
    mass = {"low": low[1], "high": high[1]}
    side = min(("low", "high"), key=lambda s: binomial_tail(counts[s], k, mass[s]))
    chance = min(1.0, 2 * binomial_tail(counts[side], k, mass[side]))
    flagged = chance < 0.05
    words = (
        f"{counts[side]} of the best {k} trials lie in the {side} {mass[side]:.0%} of {name} (by chance: {chance:.2g}); "
        "no surrogate predicts these losses."
    )
    base = Finding(
        "P27", name, Verdict.ACT if flagged else Verdict.OK, words, effect=counts[side] / k, chance=chance, threshold=0.05,
        threshold_source="both edges, 5 %", data_used=f"best {k} of {n} trials chosen without looking at results",
        assumptions=("Trials cover the range evenly (quasi-random, random or grid).",), arrays=arrays,
    )  # fmt: skip
    return _expanding(evidence, base, name, domain, side) if flagged else base


def _zones(domain: Domain) -> tuple[tuple[float, float], tuple[float, float]]:
    """(last u of the low zone, its mass), (first u of the high zone, its mass); at least one value of a discrete one."""
    if domain.n_values is None:
        return (_ZONE, _ZONE), (1 - _ZONE, _ZONE)
    u: FloatArray = domain.to_unit(domain.values())
    n_low = max(1, int((u <= _ZONE).sum()))
    n_high = max(1, int((u >= 1 - _ZONE).sum()))
    return (float(u[n_low - 1]), n_low / len(u)), (float(u[-n_high]), n_high / len(u))


# --- where only the winner is known -----------------------------------------------------------------------------------


def _winner(evidence: Evidence, name: str) -> Finding:
    """The playbook's plain reading of a printed result: the winner lies within 5 % of an edge, or has the last of few values."""
    domain = evidence.space[name]
    known = np.flatnonzero(evidence.feasible)
    u = evidence.column(name)
    arrays = _axis(evidence, name, u, evidence.feasible)
    if not len(known):
        return Finding("P27", name, Verdict.UNSURE, "The winner has no result.", arrays=arrays)
    at = float(u[known[np.argmin(evidence.loss[known])]])
    discrete = domain.n_values is not None
    value = domain.decode(float(domain.from_unit(np.array(at))))
    edge = 0.5 / int(domain.n_values or 1) + 1e-9 if discrete else 0.05
    side = "low" if at <= edge else "high" if at >= 1 - edge else ""
    what = f"{value:.4g}" if isinstance(value, float) else repr(value)
    words = f"The winner of {evidence.best_of} trials has {name} = {what}, at {at:.0%} of its range."
    by_chance = 2 / int(domain.n_values or 1) if discrete else 0.1
    base = Finding(
        "P27", name, Verdict.ACT if side else Verdict.OK, words, effect=at, threshold=0.05,
        threshold_source="the playbook's reading of a plot; right or wrong only with all trials",
        data_used=f"the winner of {evidence.best_of} trials, whose other trials are not here",
        assumptions=(f"An irrelevant parameter would be flagged in {by_chance:.0%} of cases.",),
        needs="the other trials", arrays=arrays,
    )  # fmt: skip
    return _expanding(evidence, base, name, domain, side) if side else base


# --- what to do -------------------------------------------------------------------------------------------------------


def _expanding(evidence: Evidence, base: Finding, name: str, domain: Domain, side: str) -> Finding:
    wider = widened(name, domain, side)
    if isinstance(domain, Categorical):
        action = f"add a choice beyond {domain.choices[0 if side == 'low' else -1]!r} to {name}"
        command = search(evidence, name, _longer(domain, side))
        return replace(base, verdict=Verdict.ACT, next_action=action, command=command)
    if wider is None:
        words = f"{base.headline} That is a natural limit of {name}: fix it there, or leave the feature out."
        action = f"fix {name} at {_end(domain, side)} in the next round"
        verdict = Verdict.ACT if evidence.best_of else Verdict.OK
        end = domain.low if side == "low" else domain.high
        return replace(
            base, verdict=verdict, headline=words, next_action=action, command=fix(evidence, name, end)
        )
    action = f"widen {name} from {_range(domain)} to {_range(wider)}"
    n = int(np.clip(len(evidence.rows) // 3, 5, _MOST_MORE))
    return replace(
        base, verdict=Verdict.ACT, next_action=action, cost_trials=n, change={"space": {name: wider}},
        command=evidence.call("repair()") or search(evidence, name, wider, n),
    )  # fmt: skip


def _longer(domain: Categorical, side: str) -> Categorical:
    """With one choice more: the next of numbers that go on alike, else one that the user has to name."""
    choices = domain.choices if side == "high" else domain.choices[::-1]
    beyond: Choice = "one beyond"
    numbers = [c for c in choices if isinstance(c, int | float) and not isinstance(c, bool)]
    if len(numbers) == len(choices) > 1:
        *_, a, b = numbers
        exact = a != 0 and b * (b / a) == round(b * (b / a)) and not b % 1 and b / a != 1
        beyond = type(b)(b * b / a) if exact and a * b > 0 else 2 * b - a
    longer = (*choices, beyond) if beyond not in choices else choices
    return Categorical(longer if side == "high" else longer[::-1], ordered=domain.ordered)


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


def _range(domain: Float | Int) -> str:
    return f"{domain.low:.4g}..{domain.high:.4g}"


def _end(domain: Domain, side: str) -> str:
    if isinstance(domain, Categorical):
        return repr(domain.choices[0 if side == "low" else -1])
    return f"{domain.low if side == 'low' else domain.high:.4g}"


def _axis(evidence: Evidence, name: str, u: FloatArray, known: Any) -> dict[str, Any]:
    order = np.argsort(np.where(known, evidence.loss, np.inf), kind="stable")
    arrays: dict[str, Any] = {
        "kind": "axis", "name": name, "rows": evidence.rows, "u": u, "loss": evidence.loss,
        "infeasible": evidence.infeasible, "top": evidence.rows[order[: min(3, int(known.sum()))]], "zone": _ZONE,
        "sign": evidence.sign,
    }  # fmt: skip
    return {**arrays, "unit": evidence.unit} if evidence.unit else arrays
