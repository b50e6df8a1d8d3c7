"""P17: how much each parameter matters where results are good, which of them act together, and what the next round should do.

All from draws of the surrogate: the range of a parameter's profile is what setting it wrongly costs with everything else at its
best; the shift of one parameter's best place with another's value is why the two must be tuned together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from tunewise.playbook.evidence import MOST_DIMS, Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.space import Domain, Float, Int, Space
from tunewise.stats.surrogate import Surrogate, argmin_of, grid_of, pair_shares, profile
from tunewise.types import Choice, FloatArray

_MOST, _MOST_PAIRS = 20, 6
_STRONG = 0.05  # share of the variance of good results


def sensitivity_checks(evidence: Evidence) -> list[Finding]:
    """Sensitivity of every parameter (at most 20), interactions of the 6 strongest. O(d n^3)."""
    s = evidence.trusted
    if s is None:
        n = evidence.n_feasible
        words = _why_not(evidence, n)
        return [
            Finding(
                "P17",
                "sensitivity",
                Verdict.NA if n < 10 or not evidence.space.n_dims else Verdict.UNSURE,
                words,
                needs="more trials, or less noise",
            )
        ]
    return [sensitivity(evidence, s), *interactions(evidence, s)]


def _why_not(evidence: Evidence, n: int) -> str:
    if n < 10:
        return f"{n} trials with a result are too few to say what matters; 10 are needed."
    if evidence.space.n_dims > MOST_DIMS:
        return f"{evidence.space.n_dims} parameters are too many for a surrogate of {n} trials."
    if not evidence.space.n_dims:
        return "No parameter was tuned, so there is nothing to compare."
    if evidence.surrogate is None:
        return "All results are equal, so nothing matters or everything is alike."
    return f"A surrogate of these {n} trials does not predict left-out ones, so it cannot say what matters."


def sensitivity(evidence: Evidence, s: Surrogate) -> Finding:
    """The cost of a wrong value of each parameter, with a 90 % interval; which can be fixed without loss."""
    names = evidence.space.names[:_MOST]
    draws = {name: evidence.profile(name)[1] for name in names}
    ranges = {name: np.ptp(s.loss(d), axis=1) for name, d in draws.items()}
    effect = np.array([np.median(r) for r in ranges.values()])
    low, high = (np.array([np.quantile(r, p) for r in ranges.values()]) for p in (0.05, 0.95))
    order = np.argsort(-effect, kind="stable")
    unit = evidence.unit
    idle = [n for n, r in ranges.items() if unit is not None and (r < unit).mean() >= 0.9]
    leading = ", ".join(f"{names[i]} ({effect[i]:.2g})" for i in order[:3])
    words = f"A wrong value costs most in {leading}."
    if idle:
        words += f" Within {unit:.2g}, whatever the value: {', '.join(idle)}."
    return Finding(
        "P17",
        "sensitivity",
        Verdict.OK,
        words,
        effect=float(effect.max()),
        threshold=unit,
        threshold_source=evidence.unit_source,
        data_used=f"surrogate of {len(s.z)} trials (rank correlation with left-out trials {s.agreement:.2f})",
        assumptions=(
            "The loss is a smooth function of the parameters.",
            "Ranges are those that were searched.",
        ),
        next_action=f"fix {', '.join(idle)} in the next round" if idle else "",
        arrays={
            "kind": "sensitivity",
            "names": tuple(names[i] for i in order),
            "effect": effect[order],
            "low": low[order],
            "high": high[order],
            "unit": unit,
        },
    )


def interactions_with(findings: Iterable[Finding], names: Sequence[str]) -> dict[str, float] | None:
    """{parameter: the largest share of variance that it has together with one of ``names``}; None where that is not known."""
    arrays = next((f.arrays for f in findings if f.arrays.get("kind") == "interaction"), None)
    chosen = [i for i, name in enumerate(arrays["names"]) if name in names] if arrays is not None else []
    if arrays is None or not chosen:
        return None
    share = np.maximum(arrays["share"], arrays["share"].T)[:, chosen].max(axis=1)
    return {name: float(v) for name, v in zip(arrays["names"], share, strict=True)}


def interactions(evidence: Evidence, s: Surrogate) -> list[Finding]:
    """Pairs whose joint effect is more than 5 % of the variance of good results: tune them together."""
    if evidence.space.n_dims < 2:
        return []
    spread = [float(np.ptp(evidence.profile(name)[1].mean(axis=0))) for name in evidence.space.names[:_MOST]]
    chosen = sorted(np.argsort(spread)[::-1][:_MOST_PAIRS].tolist())
    names = tuple(evidence.space.names[j] for j in chosen)
    share = pair_shares(s, chosen, evidence.rng("pairs"))
    strong = [
        (float(share[a, b]), names[a], names[b]) for a, b in zip(*np.nonzero(share > _STRONG), strict=True)
    ]
    strong.sort(reverse=True)
    listed = "; ".join(f"{a} and {b} ({v:.0%})" for v, a, b in strong[:4])
    words = (
        f"Act together: {listed}."
        if strong
        else "No two parameters act together by more than 5 % of the variance of good results."
    )
    action = "tune these pairs together; when one changes, tune the other again" if strong else ""
    return [Finding("P17", "interactions", Verdict.OK, words, effect=strong[0][0] if strong else 0.0, threshold=_STRONG,
                    threshold_source="share of the variance of good results", next_action=action,
                    data_used=f"surrogate of {len(s.z)} trials",
                    arrays={"kind": "interaction", "names": names, "share": share})]  # fmt: skip


def shift(evidence: Evidence, name: str, by: str) -> Finding:
    """How far the best value of ``name`` moves across the values of ``by`` (its choices, or its 10, 50 and 90 % points).

    The interval is that of the largest move, 90 %, from draws, widened by a quarter of the spacing of the grid.
    """
    s = evidence.trusted
    if s is None:
        return Finding("P17", f"{name} by {by}", Verdict.UNSURE, "The surrogate does not predict, so no shift is known.",
                       needs="more trials")  # fmt: skip
    other = evidence.space[by]
    k = evidence.space.names.index(by)
    places = grid_of(evidence.n_choices[k], other.n_values)
    places = places if len(places) <= 4 else np.array([0.1, 0.5, 0.9])
    grid = _fine(evidence.space[name])
    drawn = np.array([argmin_of(_given(evidence, s, name, grid, k, float(u)), grid) for u in places])
    moves = drawn[1:] - drawn[:1]
    largest = int(np.argmax(np.abs(moves.mean(axis=1))))
    slack = 0.25 / (len(grid) - 1)
    low, high = (float(np.quantile(moves[largest], p)) for p in (0.05, 0.95))
    low, high, middle = low - slack, high + slack, float(np.median(moves[largest]))
    moved = low > 0 or high < 0
    values = tuple(_word(other.decode(float(other.from_unit(np.array(u))))) for u in places)
    words = (
        f"From {by} = {values[0]} to {values[largest + 1]} the best {name} moves by {middle:+.0%} of its range "
        f"(90 % interval {low:+.0%} to {high:+.0%})."
    )
    return Finding(
        "P17", f"{name} by {by}", Verdict.OK, words, effect=middle, interval=(low, high),
        data_used=f"surrogate of {len(s.z)} trials", assumptions=("The loss is a smooth function of the parameters.",),
        next_action=f"keep {name} as a nuisance parameter when {by} changes" if moved else "",
        arrays={"kind": "shift", "name": name, "by": by, "values": values, "argmin": np.median(drawn, axis=1),
                "low": np.quantile(drawn, 0.05, axis=1), "high": np.quantile(drawn, 0.95, axis=1), "places": places,
                "largest": largest + 1},
    )  # fmt: skip


def good_region(evidence: Evidence, slack: float, margin: float = 0.1) -> Space:
    """The space narrowed to where a profile is within ``slack`` (loss) of its minimum with 10 % probability or more.

    Widened by ``margin`` of the old range on both sides, within it; choices stay all. The whole space where the surrogate is
    not trusted. For exploitation (P61): it holds the optimum comfortably, and leaves out what is surely bad.
    """
    s = evidence.trusted
    if s is None:
        return evidence.space
    narrowed = {}
    for name, domain in evidence.space.items():
        if isinstance(domain, Float | Int) and domain.step in (None, 1):
            grid, drawn = evidence.profile(name)
            near = (drawn - drawn.min(axis=1, keepdims=True)) * s.scale <= slack
            inside = grid[near.mean(axis=0) >= 0.1]
            narrowed[name] = _within(domain, float(inside.min()) - margin, float(inside.max()) + margin)
    return evidence.space.replace(**narrowed)


def _within(domain: Float | Int, low: float, high: float) -> Domain:
    ends = domain.from_unit(np.clip(np.array([low, high]), 0.0, 1.0))
    if isinstance(domain, Int):
        return Int(int(np.floor(ends[0])), int(np.ceil(ends[1])), domain.log, domain.step)
    a = domain.low if low <= 0 else float(ends[0])
    b = domain.high if high >= 1 else float(ends[1])
    return Float(a, b, domain.log, domain.step) if a < b else domain


def _given(evidence: Evidence, s: Surrogate, name: str, grid: FloatArray, k: int, u: float) -> FloatArray:
    j = evidence.space.names.index(name)
    return profile(s, j, grid, evidence.rng(f"{name} given"), given={k: u})


def _word(value: Choice) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _fine(domain: Domain) -> FloatArray:
    n = domain.n_values
    return (np.arange(n) + 0.5) / n if n is not None and n <= 21 else np.linspace(0, 1, 21)
