"""Which examples a training sees: their order, what validation shares with training, copies, the last batch.

Each check is a function of `Facts`. Codes: P1d (seeds, order), P1e (leaks, duplicates), P85 (partial batches).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from tunewise.playbook import Finding
from tunewise.torch.cures import act, ok
from tunewise.torch.observe import Facts, Pass


def seeds(a: Facts, b: Facts, c: Facts) -> Finding:
    """P1d: one seed (a, b) repeats the losses, another (c) changes them."""
    n = min(len(a.losses), len(b.losses), len(c.losses))
    gap = max((abs(x - y) for x, y in zip(a.losses[:n], b.losses[:n], strict=True)), default=0.0)
    scale = max((abs(x) for x in a.losses[:n] if math.isfinite(x)), default=1.0)
    if gap > 1e-3 * scale:
        words = f"the same seed twice gives losses that differ by {gap:.3g}"
        return act("P1d", "seeds", words, "seed every source with trial.seed; @tunewise.training does it")
    if a.losses[:n] == c.losses[:n]:
        words = f"two seeds give the same {n} losses"
        return act("P1d", "seeds", words, "use trial.seed for initialisation, data order and dropout")
    exact = "bit for bit" if gap == 0 else f"within {gap:.1g}"
    return ok("P1d", "seeds", f"one seed repeats {exact}; another seed differs")


def order(a: Facts, c: Facts) -> Finding | None:
    """P1d: the order of the examples changes with the epoch and the seed."""
    if any(p.carried for p in a.train):
        return ok(
            "P1d", "order", "the model's state is carried from batch to batch, so the data keep their order"
        )
    mine, other = [p for p in a.train if p.rows], [p for p in c.train if p.rows]
    rows = [row for p in mine for row in p.rows]
    if not rows:
        return None
    period = next((i for i in range(1, len(rows)) if rows[i] == rows[0]), None)
    if period and period <= max(len(p.rows) for p in mine):
        return None  # one batch is the whole set
    if period and len(rows) >= 2 * period and rows[period : 2 * period] == rows[:period]:
        words = f"every epoch of {period} examples has the same order"
        return act("P1d", "order", words, "shuffle the training data (shuffle=True, or trial.batches)")
    n = min(len(mine), len(other))
    kinds: dict[int, set[tuple[Any, ...]]] = {}
    for p in a.train:
        kinds.setdefault(p.model, set()).add(p.labels)
    told = {
        model for model, seen in kinds.items() if len(seen) >= 3
    }  # others tell no order, such as the places of pairs
    labels = [
        [label for p, first in zip(side, mine[:n], strict=False) if first.model in told for label in p.labels]
        for side in (mine, other)
    ]
    same_rows = [p.rows for p in mine[:n]] == [p.rows for p in other[:n]]
    if same_rows or (len(labels[0]) >= 64 and len(set(labels[0])) > 1 and labels[0] == labels[1]):
        words = "two seeds see the training data in the same order"
        return act("P1d", "order", words, "shuffle it, with a generator seeded by trial.seed")
    return ok("P1d", "order", "the order changes with the seed and the epoch")


def leak(a: Facts) -> Finding | None:
    """P1e: no evaluated example is trained on."""
    if any(p.partial for p in a.train):
        return None  # of a pass over a whole graph or table, the loss says which part is trained on
    seen: dict[int, set[int]] = {}
    for p in a.train:
        seen.setdefault(p.model, set()).update(p.rows)
    anything = set().union(*seen.values())
    if not anything or not a.evaluations:
        return None
    # a model that was not trained itself may be an average or a copy of one that was
    evals = [(p.rows, seen.get(p.model, anything)) for p in a.evaluations if p.rows]
    shares = [sum(row in known for row in rows) / len(rows) for rows, known in evals]
    n = sum(len(rows) for rows, _ in evals)
    overlap = sum(s * len(rows) for s, (rows, _) in zip(shares, evals, strict=True))
    shares += _shares_of_walks(a, seen)
    mixed = [s for s in shares if s < 0.98]
    if shares and (not mixed or max(mixed) > 0.02):
        words = f"{overlap / n:.0%} of the evaluated examples were trained on"
        if not mixed:
            words += ": nothing else is evaluated"
        return act("P1e", "validation data", words, "split the data before anything else, and deduplicate it")
    return ok("P1e", "validation data", "no evaluated example was trained on")


def _shares_of_walks(a: Facts, seen: Mapping[int, set[int]]) -> list[float]:
    """Shares of known examples in whole data sets that a DataLoader went through, where whole batches are known or new."""
    walks: dict[int, list[bool]] = {}
    for p in a.evaluations:
        if p.source is not None and p.model in seen:
            walks.setdefault(p.source, []).extend(row in seen[p.model] for row in p.rows)
    return [sum(known) / len(known) for known in walks.values() if known]


def duplicates(a: Facts) -> Finding | None:
    """Within a batch, where an epoch without replacement has no example twice whatever the order of epochs."""
    batches = [p.rows for p in a.train if len(p.rows) > 1]
    if not batches:
        return None
    share = sum(len(rows) - len(set(rows)) for rows in batches) / sum(len(rows) for rows in batches)
    if share > 0.01 and not _with_replacement(Counter(row for rows in batches for row in rows)):
        words = f"{share:.1%} of the training examples are in their batch already"
        return act(
            "P1e",
            "duplicates",
            words,
            "remove the duplicates, or split by group so that none is in two parts",
        )
    return ok("P1e", "duplicates", f"{share:.1%} of the training examples are in their batch already")


def _with_replacement(counts: Counter[int]) -> bool:
    """Whether examples came up as unevenly as when each is drawn anew: epochs show all equally often, copies a multiple.

    Of Poisson counts without the zeros, which nobody saw, the mean m = r / (1 - exp(-r)) and the variance m (1 + r - m).
    """
    seen = np.array(list(counts.values()), dtype=float)
    m = float(seen.mean())
    if m < 1.01:
        return False
    r = brentq(lambda rate: rate / -math.expm1(-rate) - m, 1e-6, m)
    return bool(seen.var() > 0.5 * m * (1 + r - m))


def exact(a: Facts) -> Finding | None:
    """P85: what is reported is a mean over examples, not over batches of different sizes."""
    values = {round(v, 9) for curve in a.curves.values() for v in curve.values()}
    said = {*values, *(round(1 - v, 9) for v in values)}

    def logged(x: float) -> bool:
        return any(abs(x - v) < 2e-7 * max(1.0, abs(x)) for v in said)

    judged = False
    for group in a.passes():
        sizes = [p.size for p in group]
        if len(group) < 2 or len(set(sizes)) == 1:
            continue
        for numbers in (_per_batch(group, lambda p: p.loss), _per_batch(group, _accuracy)):
            if numbers is None:
                continue
            exact = sum(x * n for x, n in zip(numbers, sizes, strict=True)) / sum(sizes)
            plain = sum(numbers) / len(numbers)
            judged = True
            if abs(plain - exact) > 1e-6 * max(1.0, abs(exact)) and logged(plain) and not logged(exact):
                words = f"a metric is the mean over batches ({plain:.6g}); over examples it is {exact:.6g}"
                return act("P85", "last batch", words, "sum over examples; tunewise.evaluate does it")
    return ok("P85", "last batch", "partial batches are weighted by their size") if judged else None


def _per_batch(group: list[Pass], of: Callable[[Pass], float | None]) -> list[float] | None:
    numbers = [of(p) for p in group]
    return None if any(x is None for x in numbers) else [float(x) for x in numbers if x is not None]


def share_correct(group: list[Pass]) -> float | None:
    """Right predictions of an evaluation; None where not all were seen."""
    shares = _per_batch(group, _accuracy)
    return None if shares is None else sum(s * p.size for s, p in zip(shares, group, strict=True))


def _accuracy(p: Pass) -> float | None:
    return None if p.n_correct is None else p.n_correct / p.size
