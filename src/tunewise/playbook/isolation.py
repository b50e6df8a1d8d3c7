"""P24, P46, P47: each value of a parameter at its best, and whether the comparison is fair.

Bests of unequal numbers of trials favour the crowded value (it "wins" 90 % of the time at 45 against 5), so all values are
compared at the median best of equally many (means favour one side where tails are heavy: docs/validation.md, V11). Values
that cannot be told from the best make up the best set. That is a statement about choices, tuned equally well; whether
one configuration beats another is decided by fresh seeds (P58).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tunewise.playbook.commands import keywords, more_of
from tunewise.playbook.conditions import shared
from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.stats.order import median_best, median_best_rank
from tunewise.stats.permutation import beaten_chances, study_test
from tunewise.types import BoolArray, Choice, FloatArray

_FEWEST, _MOST_VALUES, _MOST_NAMES, _BOOTSTRAPS = 4, 12, 12, 400
_CONTAINS = {  # at some setting of its own, each is one of the others (Choi et al. 2019)
    "momentum": ("sgd",),
    "nesterov": ("sgd",),
    "rmsprop": ("sgd", "momentum"),
    "adam": ("sgd", "momentum", "rmsprop"),
    "adamw": ("sgd", "momentum", "rmsprop"),
    "nadam": ("sgd", "momentum", "nesterov", "rmsprop", "adam"),
    "nadamw": ("sgd", "momentum", "nesterov", "rmsprop", "adamw"),
}


class Isolation(NamedTuple):
    """One parameter's values, v of them, worth comparing.

    Attributes:
        name: the parameter.
        values: (v,) as the user knows them.
        losses: the trials of each value, a diverged one as bad as the worst.
        best, typical, low, high: (v,) best seen; median best of k with its 90 % bootstrap interval.
        in_set: (v,) not distinguishable from the best at 95 %.
        chances: (v,) adjusted chance of being beaten so clearly by another value if none is better.
        k: trials at which all are compared; matched: whether they ran the same nuisance points.
    """

    name: str
    values: tuple[Choice, ...]
    losses: tuple[FloatArray, ...]
    best: FloatArray
    typical: FloatArray
    low: FloatArray
    high: FloatArray
    in_set: BoolArray
    chances: FloatArray
    k: int
    matched: bool

    def as_arrays(self, sign: float) -> dict[str, Any]:
        """For a picture; see `tunewise.playbook.finding`."""
        return {
            "kind": "isolation", "name": self.name, "values": tuple(str(v) for v in self.values), "best": self.best,
            "typical": self.typical, "low": self.low, "high": self.high, "n": np.array([len(y) for y in self.losses]),
            "k": self.k, "in_set": self.in_set, "sign": sign,
        }  # fmt: skip


def isolate(evidence: Evidence, name: str, level: float = 0.95) -> Isolation | None:
    """The isolation of a parameter with at most 12 values seen; None with fewer than two that have 4 trials, and for a
    name that several optimisers share: pooled values are not compared (P20). O(v^2 n log n).
    """
    if name not in evidence.space:
        return None
    column = evidence.column(name)
    codes = np.unique(column[~np.isnan(column)])
    if shared(evidence, name) is not None:
        return None
    if not 2 <= len(codes) <= _MOST_VALUES or evidence.n_feasible < _FEWEST:
        return None
    loss = evidence.with_worst
    groups = [np.flatnonzero(column == code) for code in codes]
    keep = [i for i, rows in enumerate(groups) if len(rows) >= _FEWEST]
    if len(keep) < 2:
        return None
    domain = evidence.space[name]
    values = tuple(domain.decode(float(domain.from_unit(np.array(codes[i])))) for i in keep)
    arms = [loss[groups[i]] for i in keep]
    matched = _matched(evidence, name, [groups[i] for i in keep])
    k = max(1, min(len(y) for y in arms) // 2)
    rng = evidence.rng(name)
    intervals = [_interval(y, k, rng) for y in arms]
    chances = np.array(beaten_chances(arms, matched=matched, draws=1000))
    typical = np.array([median_best(y, k) for y in arms])
    return Isolation(
        name, values, tuple(arms), np.array([y.min() for y in arms]), typical,
        np.array([low for low, _ in intervals]), np.array([high for _, high in intervals]),
        chances > 1 - level, chances, k, matched,
    )  # fmt: skip


def isolation_checks(evidence: Evidence) -> list[Finding]:
    """P46 for each scientific parameter (for each unordered one where no roles were given), with P24 for scientific ones."""
    scientific = [n for n, role in evidence.roles.items() if role == "scientific"]
    names = scientific or [
        n for n, c in zip(evidence.space.names, evidence.n_choices, strict=True) if 2 <= c <= _MOST_VALUES
    ]
    names = names[:_MOST_NAMES]
    if not names:
        return [
            Finding(
                "P46", "isolation", Verdict.NA, "No parameter is scientific, and none has unordered choices."
            )
        ]
    if evidence.adaptive:
        words = (
            "An adaptive sampler gave good values more trials, so values cannot be compared by their bests."
        )
        return [
            Finding(
                "P46", "isolation", Verdict.NA, words, needs="equally many quasi-random trials of each value"
            )
        ]
    findings = []
    for name in names:
        found = isolate(evidence, name)
        if found is None:
            words = f"{name} has fewer than two values with {_FEWEST} trials each."
            if shared(evidence, name) is not None:
                words = f"{name} is one name of several parameters (P20), whose values are not compared."
            findings.append(Finding("P46", name, Verdict.NA, words, needs=f"{_FEWEST} trials of each value"))
            continue
        if name in scientific:
            findings.append(fairness(evidence, found))
        findings.append(compared(evidence, found))
        findings += _inclusions(evidence, found)
    return findings


def _inclusions(evidence: Evidence, found: Isolation) -> list[Finding]:
    """P80 for the optimisers that are compared, those of which one contains another."""
    by_name = {str(value).lower(): value for value in found.values}
    return [
        inclusion(evidence, found.name, by_name[general], by_name[special])
        for general, contained in _CONTAINS.items()
        for special in contained
        if general in by_name and special in by_name
    ]


def compared(evidence: Evidence, found: Isolation) -> Finding:
    """P46, P47: the best set of values, a choice-level statement."""
    first = int(np.argmin(found.typical))
    kept = [str(v) for v, inside in zip(found.values, found.in_set, strict=True) if inside]
    lost = [str(v) for v, inside in zip(found.values, found.in_set, strict=True) if not inside]
    best = evidence.sign * found.typical[first]
    words = (
        f"At the median best of {found.k} trials, {found.name} = {found.values[first]} leads with {best:.4g}."
    )
    if lost:
        words += f" Worse, with 95 % certainty: {', '.join(lost)}."
    if len(kept) > 1:
        words += f" Not to be told apart: {', '.join(kept)}."
    second = np.sort(found.typical)[1]
    shortest = min(len(y) for y in found.losses)
    return Finding(
        "P46", found.name, Verdict.OK if len(kept) == 1 else Verdict.UNSURE if evidence.roles else Verdict.OK, words,
        effect=float(second - found.typical[first]), chance=float(found.chances.min()), threshold=0.05,
        threshold_source="best set at 95 %, adjusted for the number of values", scope="choice",
        data_used=f"{' / '.join(str(len(y)) for y in found.losses)} trials" + (", matched points" if found.matched else ""),
        assumptions=("Each value was tuned equally well (P24).",),
        next_action="" if len(kept) == 1 or not evidence.roles else "adopt the simplest of them, or run more trials of these",
        command=evidence.call(f"simplest_best(prefer='smaller {found.name}')") if len(kept) > 1 else
        evidence.call(f"best({keywords({found.name: repr(found.values[first])})})"),
        cost_trials=shortest * len(kept) if len(kept) > 1 and evidence.roles else None,
        arrays=found.as_arrays(evidence.sign),
    )  # fmt: skip


def compare_values(evidence: Evidence, name: str, better: Choice, than: Choice) -> Finding:
    """P47: is one value of a parameter better than another, as a choice? A permutation test of their trials.

    Raises:
        ValueError: a value has fewer than 4 trials, or several optimisers share the name.
    """
    if shared(evidence, name) is not None:
        raise ValueError(
            f"{name} is one name of several parameters, one an optimiser; name each, then compare (P20)."
        )
    found = isolate(evidence, name)
    known = {} if found is None else dict(zip(found.values, found.losses, strict=True))
    if better not in known or than not in known:
        raise ValueError(
            f"{name} has no {_FEWEST} trials of both {better!r} and {than!r}; it has {list(known)}."
        )
    assert found is not None
    test = study_test(known[than], known[better], matched=found.matched)
    verdict = Verdict.OK if test.chance < 0.05 else Verdict.UNSURE
    words = (
        f"Tuned equally well, {name} = {better} is better than {than} by {test.effect:.3g} at the best of {test.k} trials "
        f"(by chance: {test.chance:.2g})."
    )
    return Finding(
        "P47", name, verdict, words, effect=test.effect, chance=test.chance, threshold=0.05, threshold_source="5 %, one-sided",
        scope="choice", data_used=f"{len(known[better])} and {len(known[than])} trials" + (", matched" if found.matched else ""),
        assumptions=("Trials were chosen without looking at results.",),
    )  # fmt: skip


def fairness(evidence: Evidence, found: Isolation) -> Finding:
    """P24: ACT where values got unequal numbers of trials; UNSURE where they diverged unequally."""
    counts = [len(y) for y in found.losses]
    column = evidence.column(found.name)
    domain = evidence.space[found.name]
    codes = [float(domain.to_unit(np.array(domain.encode(v)))) for v in found.values]
    bad = [int(evidence.infeasible[np.abs(column - code) < 1e-9].sum()) for code in codes]
    missing = sum(max(counts) - n for n in counts)
    uneven = max(counts) > 1.25 * min(counts)
    chance = _unequal(bad, counts)
    words = f"Values of {found.name} got {', '.join(f'{v}: {n}' for v, n in zip(found.values, counts, strict=True))} trials"
    words += f"; {', '.join(str(b) for b in bad)} of them diverged." if any(bad) else "."
    verdict = Verdict.ACT if uneven else Verdict.UNSURE if chance < 0.01 else Verdict.OK
    action = f"run {missing} more trials of the values that have fewer" if uneven else ""
    if verdict == Verdict.UNSURE:
        action = "widen or shift the nuisance ranges of the value that diverges, so that it is tuned as well"
    return Finding(
        "P24",
        f"fairness, {found.name}",
        verdict,
        words,
        chance=None if uneven else chance,
        threshold=1.25 if uneven else 0.01,
        threshold_source="trials of each value" if uneven else "shares of diverged trials, permutation test",
        data_used=f"{sum(counts)} trials",
        next_action=action,
        command=_evened(evidence, found, counts) if uneven else "",
        cost_trials=missing or None,
    )


def _evened(evidence: Evidence, found: Isolation, counts: list[int]) -> str:
    most = max(counts)
    missing = {v: most - n for v, n in zip(found.values, counts, strict=True) if n < most}
    return evidence.call(f"run({most * len(counts)})") or more_of(evidence, found.name, missing)


def simplest(found: Isolation, order: Sequence[int], allowance: float) -> int:
    """The index of the first value in ``order`` (simplest first) that is in the best set and within ``allowance`` of the best.

    A value that merely cannot be told from the best may be far worse if there are few trials, so its own typical loss has
    to be close, too.
    """
    limit = float(found.typical[found.in_set].min()) + allowance
    for i in order:
        if found.in_set[i] and found.typical[i] <= limit:
            return int(i)
    return int(np.argmin(np.where(found.in_set, found.typical, np.inf)))


def _interval(y: FloatArray, k: int, rng: np.random.Generator) -> tuple[float, float]:
    draws = np.sort(y[rng.integers(0, len(y), (_BOOTSTRAPS, len(y)))], axis=1)
    low, high = np.quantile(draws[:, median_best_rank(len(y), k)], (0.05, 0.95))
    return float(low), float(high)


def _matched(evidence: Evidence, name: str, groups: list[Any]) -> bool:
    """Whether all values ran the same points of the other parameters, in the same order."""
    if len({len(g) for g in groups}) != 1 or evidence.space.n_dims < 2:
        return False
    others = np.delete(evidence.X, evidence.space.names.index(name), axis=1)
    first = others[groups[0]]
    return all(np.allclose(others[g], first, atol=1e-9, equal_nan=True) for g in groups[1:])


def _unequal(bad: list[int], counts: list[int]) -> float:
    """The chance of shares of diverged trials as unequal as these, by permutation (chi-squared statistic)."""
    total, n = sum(bad), sum(counts)
    if total in (0, n):
        return 1.0
    sizes = np.array(counts, dtype=np.float64)
    expected = total / n * sizes

    def statistic(observed: FloatArray) -> FloatArray:
        return np.asarray(((observed - expected) ** 2 / expected).sum(axis=-1))

    rng = np.random.default_rng(0)
    drawn = rng.multivariate_hypergeometric(counts, total, 4000).astype(np.float64)
    return float((1 + (statistic(drawn) >= statistic(np.array(bad)) - 1e-12).sum()) / 4001)


def inclusion(evidence: Evidence, name: str, general: Choice, special: Choice) -> Finding:
    """P80: a choice that contains another (Adam contains momentum) and loses to it was tuned too little. ACT where it loses.

    Raises:
        ValueError: a value has fewer than 4 trials.
    """
    lost = compare_values(evidence, name, special, general)
    if lost.verdict != Verdict.OK:
        words = f"{name} = {general} does not lose to {special}, its special case."
        return replace(lost, code="P80", verdict=Verdict.OK, headline=words, next_action="")
    words = (
        f"{name} = {general} contains {special} as a special case and loses to it by "
        f"{lost.effect:.3g}: it was tuned too little."
    )
    action = f"run more trials of {general}, or search ranges that hold {special}"
    n = int(np.isfinite(evidence.column(name)).sum()) // 2
    return replace(lost, code="P80", verdict=Verdict.ACT, headline=words, next_action=action, cost_trials=n,
                   command=more_of(evidence, name, {general: n}))  # fmt: skip
