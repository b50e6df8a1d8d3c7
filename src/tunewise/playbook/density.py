"""P29: were enough points sampled?

Estimates what doubling the study would buy from what the last doubling bought: g = E[best of n/2] - E[best of n], by
unbiased order statistics; the gain of the next doubling is about g/2 (two effective dimensions) and at most about g.
"""

from __future__ import annotations

import numpy as np

from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.stats.order import best_of

_FEWEST = 8


def density(evidence: Evidence) -> Finding:
    """OK where g is below the noise, ACT where g/2 is above it and fewer than 3 trials are good. O(n^2)."""
    subject = "sampling density"
    n = len(evidence.rows)
    if evidence.adaptive:
        return Finding(
            "P29", subject, Verdict.NA, "The trials were chosen adaptively; best-of-k needs independent ones."
        )
    if n < _FEWEST or (~evidence.infeasible).sum() < 4:
        words = f"{n} trials are too few to say what doubling them would buy; {_FEWEST} are needed."
        return Finding("P29", subject, Verdict.UNSURE, words, next_action="run more trials",
                       command=evidence.call(f"run({_FEWEST})"), cost_trials=max(1, _FEWEST - n))  # fmt: skip
    worst = float(evidence.loss[~evidence.infeasible].max())
    loss = np.where(evidence.infeasible, worst, evidence.loss)
    ks = np.unique(np.geomspace(1, n, 12).astype(int))
    curve = np.array([best_of(loss, int(k)) for k in ks])
    gain = best_of(loss, n // 2) - best_of(loss, n)
    unit = evidence.unit
    n_good = int((loss <= loss.min() + 2 * (unit or 0.0)).sum())
    verdict = _verdict(gain, unit, n_good)
    scale = (
        f" = {gain / 2 / unit:.1f} units of noise"
        if unit
        else "; the noise that would judge it is not measured"
    )
    act = verdict == Verdict.ACT
    return Finding(
        "P29",
        subject,
        verdict,
        f"Doubling these {n} trials should improve the best by about {gain / 2:.3g} (at most {gain:.3g}){scale}.",
        effect=gain / 2,
        interval=(0.0, gain),
        threshold=unit,
        threshold_source="noise over seeds, or the smallest effect of interest" if unit else "not measured",
        data_used=f"{n} non-adaptive trials, {n_good} of them good",
        assumptions=("Trials are exchangeable; for quasi-random points the estimate is conservative.",),
        next_action="add as many trials again" if act else "measure the noise" if not unit else "",
        command=evidence.call(f"run({2 * n})")
        if act
        else "project.measure_noise(seeds=5)"
        if not unit
        else "",
        cost_trials=n if act else None,
        arrays={"kind": "best_of_k", "k": ks, "expected": curve},
        change={"trials": n} if act else None,
    )


def _verdict(gain: float, unit: float | None, n_good: int) -> Verdict:
    if unit is None:
        return Verdict.UNSURE
    if gain < unit:
        return Verdict.OK
    return Verdict.ACT if gain / 2 > unit and n_good < 3 else Verdict.UNSURE
