"""P26, P28: how many trials diverged, where, and whether the best learning rate sits at the edge of stability.

Looks for the one predictor that tells diverged from other trials: each ordered parameter, and products that the theory of
optimisers knows (lr / (1 - momentum), lr x weight decay, lr / batch size), by the area under the ROC curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tunewise.playbook.commands import listing, search, suggest, warm_up
from tunewise.playbook.evidence import Evidence, is_ordered
from tunewise.playbook.finding import Finding, Verdict
from tunewise.records import TrialState
from tunewise.space import Categorical, Domain, Float, Int
from tunewise.stats.intervals import jeffreys
from tunewise.stats.logistic import Threshold, firth, threshold
from tunewise.stats.ranks import auc
from tunewise.stats.surrogate import mean_at
from tunewise.types import BoolArray, FloatArray

_WASTEFUL, _NOTABLE, _SEPARATES = 0.25, 0.10, 0.7
_NEAR = 0.3  # decades
_AS_LIKELY = (
    0.5  # nats: a margin at which a wrong cause of two is named alone in less than one of ten studies (V5)
)


class Predictor(NamedTuple):
    """Something that may say where training diverges: x (k,), NaN where unknown; ``domain`` is None for a product.

    Attributes:
        words: its name, or the formula.
        x: u in [0, 1] of a parameter, log10 of a product.
    """

    words: str
    x: FloatArray
    domain: Domain | None


class Cause(NamedTuple):
    """The best predictor, how well it separates, where, and on which side the diverged trials lie.

    ``rivals`` are predictors that explain the trials as well (log-likelihood within a half).
    """

    predictor: Predictor
    auc: float
    at: Threshold
    above: bool
    rivals: tuple[str, ...] = ()

    def value(self, x: float) -> float:
        """A place on the predictor in the user's units."""
        domain = self.predictor.domain
        if domain is None:
            return float(10**x)
        return float(domain.from_unit(np.array(np.clip(x, 0, 1))))

    @property
    def where(self) -> str:
        """Where most of them lie; half of the trials may do so only beyond what was searched."""
        words, x = self.predictor.words, self.predictor.x
        if not np.nanmin(x) < self.at.at < np.nanmax(x):
            return f"mostly towards the {'high' if self.above else 'low'} end of {words}"
        return f"mostly at {words} {'above' if self.above else 'below'} {self.value(self.at.at):.3g}"


def infeasible_checks(evidence: Evidence) -> list[Finding]:
    """P26 for divergence and for crashes, P28 for the learning rate. O(n d log n)."""
    cause = find_cause(evidence, evidence.infeasible)
    return [infeasible_share(evidence, cause), *_crashed(evidence), at_the_cliff(evidence, cause)]


def infeasible_share(evidence: Evidence, cause: Cause | None = None) -> Finding:
    """ACT where the share is above 25 % with 95 % certainty, or where good settings diverge; UNSURE above 10 %."""
    n, bad = len(evidence.rows), evidence.infeasible
    if n == 0:
        return Finding("P26", "diverged trials", Verdict.NA, "No trial has finished.")
    n_bad = int(bad.sum())
    share = n_bad / n
    low, high = jeffreys(n_bad, n)
    n_good, n_good_bad = _in_good_region(evidence)
    in_good = n_good_bad >= 2 and jeffreys(n_good_bad, n_good)[0] > _NOTABLE
    verdict = (
        Verdict.ACT if low > _WASTEFUL or in_good else Verdict.UNSURE if share > _NOTABLE else Verdict.OK
    )
    words = f"{n_bad} of {n} trials diverged ({share:.0%}, 90 % interval {low:.0%} to {high:.0%})"
    if cause is not None:
        words += f", {cause.where} (AUC {cause.auc:.2f})"
        if cause.rivals:
            words += f"; {' or '.join(cause.rivals[:2])} would explain it as well"
    elif n_bad and share > _NOTABLE:
        words += ", scattered over the space"
    words += "."
    if in_good:
        words += (
            f" {n_good_bad} of the {n_good} trials where the surrogate expects good results are among them."
        )
    late, stuck = _late(evidence), _stuck(evidence)
    if late:
        words += f" {late} more were fine first and diverged later in training."
    if stuck:
        words += f" {stuck} never learned: their training loss did not fall below its start."
    base = Finding(
        "P26", "diverged trials", verdict, words, effect=share, interval=(low, high), threshold=_WASTEFUL,
        threshold_source="a quarter of the budget", data_used=f"{n} finished trials",
        assumptions=("Diverged trials are marked infeasible, not reported with a legal number.",),
        arrays=_arrays(evidence, cause),
    )  # fmt: skip
    if verdict == Verdict.UNSURE:
        more = (
            "find out why: they are scattered, which is how a bug looks"
            if cause is None
            else "keep an eye on it"
        )
        return replace(base, next_action=more)
    return _repaired(evidence, base, cause) if verdict == Verdict.ACT else base


def at_the_cliff(evidence: Evidence, cause: Cause | None) -> Finding:
    """P28: ACT where the best trial's learning rate is within a factor of 2 of where half of the trials diverge."""
    subject = "stability limit"
    if not evidence.infeasible.any():
        return Finding("P28", subject, Verdict.NA, "No trial diverged, so no limit of stability is known.")
    name = _named(evidence, _LR)
    if (
        cause is None
        or name is None
        or name not in cause.predictor.words
        or not cause.above
        or cause.auc < 0.8
    ):
        return Finding("P28", subject, Verdict.NA, "Divergence does not go with a high learning rate here.")
    log = _log_units(evidence, cause)
    best = int(np.argmin(np.where(evidence.feasible, evidence.loss, np.inf)))
    at, where = cause.value(cause.at.at), log(cause.predictor.x[best])
    distance = where - math.log10(max(at, 1e-300))
    near = abs(distance) < _NEAR
    words = (
        f"Half of the trials diverge at {cause.predictor.words} = {at:.3g}; the best trial is at {10**where:.3g}, "
        f"{10 ** abs(distance):.2g} times {'below' if distance < 0 else 'above'} it."
    )
    action = (
        "stabilise before tuning on: warm-up, then gradient clipping; then try larger rates again"
        if near
        else ""
    )
    return Finding(
        "P28",
        subject,
        Verdict.ACT if near else Verdict.OK,
        words,
        effect=distance,
        threshold=_NEAR,
        threshold_source="a factor of 2",
        data_used=f"{len(evidence.rows)} trials, {int(evidence.infeasible.sum())} of them diverged",
        assumptions=("One threshold tells diverging rates from others.",),
        next_action=action,
        command=warm_up(evidence) if near else "",
        arrays={**_arrays(evidence, cause), "best": 10**where},
    )


def find_cause(evidence: Evidence, bad: BoolArray) -> Cause | None:
    """The predictor with the largest area under the curve; None where nothing separates (0.7) or fewer than 2 of a kind.

    Ties go to the likelier logistic curve. With few trials it is often not the only one: see `Cause.rivals`.
    """
    found: list[tuple[float, float, Cause]] = []
    for predictor in predictors(evidence):
        known = ~np.isnan(predictor.x)
        x, y = predictor.x[known], bad[known]
        if min(y.sum(), (~y).sum()) < 2 or not float(np.ptp(x)) > 0:
            continue
        area = auc(x, y)
        either = max(area, 1 - area)
        if either < _SEPARATES:
            continue
        fit = firth(np.column_stack([np.ones(len(x)), (x - x.mean()) / x.std()]), y)
        found.append((either, fit.log_likelihood, Cause(predictor, either, threshold(x, y), area > 0.5)))
    if not found:
        return None
    _, likelihood, cause = max(found, key=lambda each: each[:2])
    rivals = [
        c.predictor.words for _, other, c in found if c is not cause and other > likelihood - _AS_LIKELY
    ]
    return cause._replace(rivals=tuple(rivals))


def predictors(evidence: Evidence) -> Iterator[Predictor]:
    """Every ordered parameter, and the known products of those that are there."""
    for j, (name, domain) in enumerate(evidence.space.items()):
        if is_ordered(domain):
            yield Predictor(name, evidence.X[:, j], domain)
    lr = _logs(evidence, _LR)
    if lr is None:
        return
    for kind, formula, sign in _PRODUCTS:
        other = _logs(evidence, kind)
        if other is not None:
            yield Predictor(formula.format(lr=lr[0], other=other[0]), lr[1] + sign * other[1], None)


_LR = ("learning_rate", "lr")
_MOMENTUM = ("one_minus_momentum", "one_minus_beta1", "momentum", "beta1")
_DECAY = ("weight_decay", "wd")
_BATCH = ("batch_size", "batch", "train_batch_size")
_PRODUCTS: tuple[tuple[tuple[str, ...], str, float], ...] = (
    (_MOMENTUM, "{lr} / (1 - momentum)", -1.0),
    (_DECAY, "{lr} x {other}", 1.0),
    (_BATCH, "{lr} / {other}", -1.0),
)


def _named(evidence: Evidence, words: tuple[str, ...]) -> str | None:
    """The first parameter whose last part is one of the words ("adamw.lr", "sgd_lr", "lr")."""
    for word in words:
        for name, domain in evidence.space.items():
            if name.lower().endswith(word) and isinstance(domain, Float | Int):
                return name
    return None


def _logs(evidence: Evidence, words: tuple[str, ...]) -> tuple[str, FloatArray] | None:
    """(name, log10 of its values (k,)); 1 - momentum for a momentum. None where there is none."""
    name = _named(evidence, words)
    if name is None:
        return None
    raw = evidence.space[name].from_unit(evidence.column(name))
    if words is _MOMENTUM and "one_minus" not in name:
        raw = 1 - raw
    return name, np.log10(np.maximum(raw, 1e-12))


def _log_units(evidence: Evidence, cause: Cause) -> Callable[[float], float]:
    domain = cause.predictor.domain
    if domain is None:
        return float
    return lambda x: math.log10(max(cause.value(x), 1e-300))


def _in_good_region(evidence: Evidence) -> tuple[int, int]:
    """(trials where the surrogate expects a loss as good as the best tenth's, diverged ones among them)."""
    s = evidence.trusted
    if s is None or not evidence.infeasible.any():
        return 0, 0
    expected, _ = mean_at(s, evidence.X)
    good = expected <= np.quantile(expected[evidence.feasible], 0.1)
    return int(good.sum()), int((good & evidence.infeasible).sum())


def _late(evidence: Evidence) -> int:
    """Complete trials in which a reported metric became NaN or inf after a finite start."""
    complete = set(evidence.rows[evidence.feasible].tolist())
    late: set[int] = set()
    for metric in evidence.trials.metrics:
        curves = evidence.trials.curves(metric)
        late |= complete & set(curves.trial[~np.isfinite(curves.value)].tolist())
    return len(late)


def _stuck(evidence: Evidence) -> int:
    """Complete trials whose training loss never fell below where it began (of those that reported at least 3)."""
    if evidence.train_metric is None:
        return 0
    curves = evidence.trials.curves(evidence.train_metric)
    if not len(curves.trial):
        return 0
    starts = np.flatnonzero(np.append(True, np.diff(curves.trial) != 0))
    lowest = np.minimum.reduceat(np.where(np.isfinite(curves.value), curves.value, np.inf), starts)
    counts = np.diff(np.append(starts, len(curves.trial)))
    stuck = curves.trial[starts][(lowest >= curves.value[starts]) & (counts >= 3)]
    return int(np.isin(stuck, evidence.rows[evidence.feasible]).sum())


def _crashed(evidence: Evidence) -> list[Finding]:
    """Trials that crashed are missing from every other check, and seldom at random (out of memory goes with size)."""
    trials = evidence.trials
    failed = np.flatnonzero(trials.state == TrialState.FAILED)
    n = len(failed) + len(evidence.rows)
    if not len(failed):
        return []
    low, high = jeffreys(len(failed), n)
    X, rows = trials.unit(evidence.space)
    crashed = np.isin(rows, failed)
    other = np.isin(rows, evidence.rows)
    keep = crashed | other
    view = replace(
        evidence, X=X[keep], rows=rows[keep], infeasible=crashed[keep], loss=np.full(int(keep.sum()), np.nan)
    )
    cause = find_cause(view, crashed[keep]) if crashed.any() else None
    words = (
        f"{len(failed)} of {n} trials crashed ({len(failed) / n:.0%}, 90 % interval {low:.0%} to {high:.0%})"
    )
    if cause is not None:
        words += f", {cause.where}"
    verdict = (
        Verdict.ACT if low > _WASTEFUL else Verdict.UNSURE if low > 0.02 or cause is not None else Verdict.OK
    )
    reasons = [trials.row(int(k)).reason for k in failed[:50]]
    known = [r for r in reasons if r]
    common = max(set(known), key=known.count) if known else ""
    return [Finding(
        "P26", "crashed trials", verdict, f"{words}; they are missing from all other checks.", effect=len(failed) / n,
        interval=(low, high), threshold=_WASTEFUL, threshold_source="a quarter of the budget", data_used=f"{n} trials",
        next_action="mend the cause" + (f' ("{common[:80]}")' if common else "") if verdict != Verdict.OK else "",
        command=listing(evidence, TrialState.FAILED) if verdict == Verdict.ACT else "", cost_trials=0,
    )]  # fmt: skip


def _repaired(evidence: Evidence, base: Finding, cause: Cause | None) -> Finding:
    if cause is None:
        action = "no parameter explains it: look for a bug, or mark impossible combinations"
        command = listing(evidence, TrialState.INFEASIBLE)
        return replace(base, next_action=action, command=command, cost_trials=0)
    side, at = "above" if cause.above else "below", cause.value(cause.at.at)
    domain, name = cause.predictor.domain, cause.predictor.words
    if domain is None:
        action = (
            f"search {name} instead of its parts, and keep it {'below' if cause.above else 'above'} {at:.3g}"
        )
        return replace(base, next_action=action, command=suggest(name, _reach(cause)))
    narrowed = _narrowed(domain, side, at)
    if narrowed is None:
        command = search(evidence, name, _kept(domain, cause))
        return replace(base, next_action=f"keep {name} away from {side} {at:.3g}", command=command)
    n = int(evidence.infeasible.sum())
    return replace(
        base, next_action=f"narrow {name} to {narrowed.low:.3g}..{narrowed.high:.3g}", cost_trials=n,
        command=evidence.call("repair()") or search(evidence, name, narrowed, n), change={"space": {name: narrowed}},
    )  # fmt: skip


def _narrowed(domain: Domain, side: str, raw: float) -> Float | Int | None:
    if isinstance(domain, Float | Int) and domain.low < raw < domain.high and domain.step in (None, 1):
        value: Any = int(raw) if isinstance(domain, Int) else raw
        return replace(domain, high=value) if side == "above" else replace(domain, low=value)
    return None


def _reach(cause: Cause) -> Float:
    """The part of a product's range in which training does not diverge."""
    x = cause.predictor.x[~np.isnan(cause.predictor.x)]
    at, low, high = cause.value(cause.at.at), cause.value(float(x.min())), cause.value(float(x.max()))
    low, high = (min(low, at), at) if cause.above else (at, max(high, at))
    return Float(float(f"{low:.3g}"), float(f"{high:.3g}"), log=True)


def _kept(domain: Domain, cause: Cause) -> Domain:
    """The choices, or the values of a grid, on the side on which training does not diverge; one at least."""
    raw = domain.values()
    u = domain.to_unit(raw)
    inside = u < cause.at.at if cause.above else u > cause.at.at
    kept = raw[inside] if inside.any() else raw[[0 if cause.above else -1]]
    if isinstance(domain, Categorical):
        return Categorical(tuple(domain.decode(r) for r in kept), ordered=domain.ordered)
    low, high = (domain.decode(float(r)) for r in (kept.min(), kept.max()))
    ends: Any = {"low": low, "high": high}
    return replace(domain, **ends)


def _arrays(evidence: Evidence, cause: Cause | None) -> Mapping[str, Any]:
    plain = {
        "kind": "infeasible",
        "rows": evidence.rows,
        "infeasible": evidence.infeasible,
        "sign": evidence.sign,
    }
    if cause is None:
        return plain
    x = cause.predictor.x
    known = ~np.isnan(x)
    grid = np.linspace(float(x[known].min()), float(x[known].max()), 61)
    p = 1 / (1 + np.exp(-np.clip(cause.at.slope * (grid - cause.at.at), -50, 50)))
    in_units = np.vectorize(cause.value, otypes=[float])
    ends = [cause.value(e) if math.isfinite(e) else math.nan for e in (cause.at.low, cause.at.high)]
    return {
        **plain, "name": cause.predictor.words, "x": in_units(x), "threshold": cause.value(cause.at.at),
        "low": ends[0], "high": ends[1], "grid": in_units(grid), "p": p,
    }  # fmt: skip
