"""P37: does the search pick settings because they regularise by accident?

Where faster training overfits, the search prefers a rate (a batch size, a number of steps) that trains worse. An explicit
regulariser, and the setting that trains best, usually do better together.
"""

from __future__ import annotations

import numpy as np

from tunewise.playbook.commands import regulariser
from tunewise.playbook.curves import rising
from tunewise.playbook.evidence import Evidence, is_ordered
from tunewise.playbook.finding import Finding, Verdict
from tunewise.space import Domain
from tunewise.stats.surrogate import argmin_of, fit_surrogate, grid_of, profile
from tunewise.types import FloatArray

_WORDS = ("lr", "learning_rate", "batch", "steps", "epochs")
_OVERFITTING = 0.4
_FEWEST = 15


def accidental_regularisers(evidence: Evidence) -> list[Finding]:
    """ACT where validation prefers another value than training does (90 %) and 40 % of the trials that train better overfit."""
    subject = "accidental regularisers"
    names = [n for n, d in evidence.space.items() if _eligible(n, d)]
    if evidence.train_metric is None or not names:
        words = "It takes a training loss, and a learning rate, batch size or length that was searched."
        return [Finding("P37", subject, Verdict.NA, words, needs="train_loss curves" if names else "")]
    s, train = evidence.trusted, _final_train(evidence)
    known = np.isfinite(train) & evidence.feasible
    other = (
        fit_surrogate(evidence.X[known], train[known], evidence.n_choices) if known.sum() >= _FEWEST else None
    )
    if s is None or other is None or other.agreement < 0.3:
        words = f"{int(known.sum())} trials with both losses do not predict where training and validation are best."
        return [Finding("P37", subject, Verdict.NA, words, needs=f"{_FEWEST} trials with a training loss")]
    overfits = _overfitting(evidence)
    found = []
    for name in names:
        j = evidence.space.names.index(name)
        grid = (
            np.linspace(0, 1, 21)
            if evidence.space[name].n_values is None
            else grid_of(0, evidence.space[name].n_values)
        )
        places = [argmin_of(profile(each, j, grid, evidence.rng(name)), grid) for each in (s, other)]
        shift = places[0] - places[1]
        low, middle, high = (float(q) for q in np.quantile(shift, (0.05, 0.5, 0.95)))
        u, best = evidence.column(name), float(np.median(places[0]))
        beyond = ~np.isnan(u) & ((u - best) * np.sign(-middle) > 0) & evidence.feasible
        share = float(overfits[beyond].mean()) if beyond.any() else 0.0
        moved = (high < 0 or low > 0) and abs(middle) > 0.1
        act = moved and share >= _OVERFITTING
        words = (
            f"Validation is best at a {name} {abs(middle):.0%} of its range "
            f"{'below' if middle < 0 else 'above'} where training is "
            f"(90 % interval {low:+.0%} to {high:+.0%}); {share:.0%} of the trials that train better overfit."
        )
        found.append(Finding(
            "P37", name, Verdict.ACT if act else Verdict.OK, words, effect=middle, interval=(low, high), threshold=_OVERFITTING,
            threshold_source="proposal", data_used=f"{int(known.sum())} trials with both losses",
            next_action=f"add an explicit regulariser, and tune {name} again" if act else "",
            command=regulariser(evidence, _longest(evidence)) if act else "",
        ))  # fmt: skip
    return found


def _longest(evidence: Evidence) -> int:
    _, last, _ = evidence.curves.last()
    return int(last.max()) if len(last) else 1


def _eligible(name: str, domain: Domain) -> bool:
    return is_ordered(domain) and domain.n_values != 1 and any(word in name.lower() for word in _WORDS)


def _final_train(evidence: Evidence) -> FloatArray:
    """(k,) the lowest training loss of each trial; NaN where there is none."""
    curves = evidence.trials.curves(evidence.train_metric)
    lowest: dict[int, float] = {}
    for number, value in zip(curves.trial.tolist(), curves.value.tolist(), strict=True):
        if value == value and value < lowest.get(number, np.inf):
            lowest[number] = value
    return np.array([lowest.get(int(n), np.nan) for n in evidence.rows])


def _overfitting(evidence: Evidence) -> FloatArray:
    """(k,) 1 where a trial's curve rises at its end (P35), 0 elsewhere; at most 200 are looked at."""
    flags = np.zeros(len(evidence.rows))
    for i in np.linspace(0, len(flags) - 1, min(len(flags), 200)).astype(np.int64):
        _, y = evidence.curve(int(evidence.rows[i]))
        if len(y) >= 6 and np.isfinite(y).all():
            flags[i] = rising(y, evidence.min_effect)[0] < 0.05
    return flags
