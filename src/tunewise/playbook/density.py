"""P29, P30: were enough points sampled, and how much would the best result vary if the study was repeated?

What the last two doublings of the study bought is extrapolated to the next one (`tunewise.stats.order.doubling`). The same
power law says how much the best of a study varies from one repetition to the next: the study variance, usually the largest of
all. Both need trials that were chosen without looking at results.
"""

from __future__ import annotations

import numpy as np

from tunewise.playbook.commands import more_trials
from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.stats.order import Doubling, best_of, doubling, tuning_curve

_FEWEST = 8


def density_checks(evidence: Evidence) -> list[Finding]:
    """P29 and P30. O(n log n)."""
    refusal = _refused(evidence)
    if refusal is not None:
        verdict, words, needs = refusal
        subjects = (("P29", "sampling density"), ("P30", "study variance"))
        more = max(0, _FEWEST - len(evidence.rows)) or None
        return [
            Finding(code, subject, verdict, words, needs=needs, next_action="run more trials" if more else "",
                    command=more_trials(evidence, more) if more else "", cost_trials=more)
            for code, subject in subjects
        ]  # fmt: skip
    found = doubling(evidence.with_worst)
    return [density(evidence, found), study_variance(evidence, found)]


def _refused(evidence: Evidence) -> tuple[Verdict, str, str] | None:
    n = len(evidence.rows)
    if evidence.adaptive:
        words = "The trials were chosen adaptively (or nobody knows how); best-of-k needs independent ones."
        return Verdict.NA, words, "quasi-random or random trials"
    if n < _FEWEST or evidence.n_feasible < 4:
        words = f"{n} trials, {evidence.n_feasible} with a result, are too few to say what doubling them would buy."
        return Verdict.UNSURE, words, f"{_FEWEST} trials, 4 of them with a result"
    if evidence.is_flat:
        return (
            Verdict.NA,
            "All trials have the same value, so nothing can be gained or lost.",
            "trials that differ",
        )
    return None


def density(evidence: Evidence, found: Doubling) -> Finding:
    """OK where the gain of a doubling is surely below the unit or half of it, ACT where above it and fewer than 3 trials are
    good.
    """
    n, unit = len(evidence.rows), evidence.unit
    loss = evidence.with_worst
    n_good = int((loss <= loss.min() + 2 * (unit or 0.0)).sum())
    if unit is None:
        verdict = Verdict.UNSURE
    elif found.interval[1] < unit or found.gain < unit / 2:
        verdict = Verdict.OK
    else:
        verdict = Verdict.ACT if found.interval[0] > unit and n_good < 3 else Verdict.UNSURE
    scale = f" = {found.gain / unit:.1f} units" if unit else "; the noise that would judge it is not measured"
    act = verdict == Verdict.ACT
    ks = np.unique(np.geomspace(1, n, 14).astype(int))
    curve = tuning_curve(loss, ks)
    return Finding(
        "P29",
        "sampling density",
        verdict,
        f"Doubling these {n} trials should improve the best by about {found.gain:.3g} (at most "
        f"{found.interval[1]:.3g} with 90 % certainty){scale}.",
        effect=found.gain,
        interval=found.interval,
        threshold=unit,
        threshold_source=evidence.unit_source,
        data_used=f"{n} trials chosen without looking at results, {n_good} of them within 2 units of the best",
        assumptions=(
            "Trials are exchangeable; for quasi-random ones the estimate is conservative.",
            "Losses near the best follow a power law.",
        ),
        needs="" if unit else "the noise over seeds, or min_effect",
        next_action="add as many trials again" if act else "measure the noise" if unit is None else "",
        command=more_trials(evidence, n) if act else _measure(evidence) if unit is None else "",
        cost_trials=n if act else 5 if unit is None else None,
        arrays={
            "kind": "best_of_k", "k": ks, "expected": np.array([best_of(loss, int(k)) for k in ks]), "low": curve.low,
            "high": curve.high, "n": n, "sign": evidence.sign, **({"unit": unit} if unit else {}),
        },
        change={"trials": n} if act else None,
    )  # fmt: skip


def study_variance(evidence: Evidence, found: Doubling) -> Finding:
    """P30: what two identical studies would differ by. UNSURE where scientific values are to be told apart below that."""
    sd, (low, high) = found.sd, found.sd_interval
    unit = evidence.unit
    compared = [name for name, role in evidence.roles.items() if role == "scientific"]
    words = (
        f"Repeated with other points, the best of this study would vary by {sd:.3g} (SD; 90 % "
        f"interval {low:.2g} to {high:.2g})."
    )
    if evidence.noise_sd:
        words += f" That is {sd / evidence.noise_sd:.1f} times the noise over seeds."
    wide = unit is not None and low > unit
    action = (
        f"judge {', '.join(compared)} by whole studies (isolation), not by the best trial of each"
        if wide and compared
        else ""
    )
    return Finding(
        "P30",
        "study variance",
        Verdict.UNSURE if action else Verdict.OK,
        words,
        effect=sd,
        interval=found.sd_interval,
        threshold=unit,
        threshold_source=evidence.unit_source,
        data_used=f"one study of {len(evidence.rows)} trials; repeated studies would measure it",
        assumptions=("Losses near the best follow a power law.",),
        next_action=action,
    )  # fmt: skip


def _measure(evidence: Evidence) -> str:
    return "project.measure_noise(seeds=5)" if evidence.command else ""
