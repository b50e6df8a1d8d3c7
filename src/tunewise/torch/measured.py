"""How a training is fed and how it is measured: input, reads from the device, evaluation points, sets and classes.

Each check is a function of `Facts`. Codes: P6, P83 (input pipeline), P84 (evaluations), P87 (sampled sets), P88 (rare classes).
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import numpy as np

from tunewise.playbook import Finding, Verdict
from tunewise.records import Goal
from tunewise.stats.intervals import wilson
from tunewise.torch.cures import LINES
from tunewise.torch.observe import Facts

_WARM_UP, _LEAST = 5, 10
_HALF, _MATTERS = (
    0.5,
    0.005,
)  # share of a step, and seconds of it, from which on waiting for input is worth mending
_SHARES = re.compile(r"(^|[_/ ])(acc|accuracy|error|err)($|[_/ ])")


def fed(timed: Facts) -> Finding | None:
    """P6: how much of a step passes before the model is first called; from a run that nobody else watched."""
    waits = np.array(timed.waits[_WARM_UP:])
    if len(waits) < _LEAST:
        return None
    waiting, whole = waits[:, 0], waits[:, 1]
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(waits), (1000, len(waits)))
    low, high = np.quantile(waiting[draws].sum(1) / whole[draws].sum(1), [0.05, 0.95])
    share = float(waiting.sum() / whole.sum())
    words = f"{share:.0%} of a step of {1000 * whole.mean():.3g} ms passes before the model is called"
    words += f" (90 %: {low:.0%} to {high:.0%})"
    if low > _HALF and waiting.mean() > _MATTERS:
        cure = "use more loader workers, prefetch, or prepare the data beforehand; `tunewise batch` measures the gain"
        return Finding(
            "P6",
            "input",
            Verdict.ACT,
            words,
            share,
            (float(low), float(high)),
            _HALF,
            next_action=cure,
            command=LINES["input"],
        )
    return Finding("P6", "input", Verdict.OK, words, share, (float(low), float(high)), _HALF)


def read_from_device(a: Facts) -> Finding | None:
    """P83: values that the training function reads from the device at every step, each of which makes a GPU wait."""
    per_step = a.n_reads / max(1, a.n_steps)
    if per_step < 0.5:
        return None
    words = f"{per_step:.2g} values are read from the device each step (.item(), float(), .cpu())"
    if "cuda" not in a.devices:
        return Finding(
            "P83", "reads", Verdict.OK, f"{words}; on a CPU that costs nothing, on a GPU each waits"
        )
    cure = "keep sums on the device, and read them when you report"
    return Finding("P83", "reads", Verdict.UNSURE, f"{words}; the GPU waits at each", next_action=cure)


def points(a: Facts, b: Facts) -> Finding | None:
    """P84: evaluations come at fixed steps, in batches as large as those of training or larger."""
    if not a.reported_at:
        return None
    n = min(len(a.losses), len(b.losses))
    if a.reported_at != b.reported_at and a.losses[:n] == b.losses[:n] and a.n_steps == b.n_steps:
        words = f"the same run is evaluated after steps {_few(a.reported_at)}, and when repeated after {_few(b.reported_at)}"
        cure = "evaluate every so many steps (trial.eval_due), not by the clock"
        return Finding(
            "P84", "evaluations", Verdict.ACT, words, next_action=cure, command=LINES["evaluations"]
        )
    words = f"reported after steps {_few(a.reported_at)}"
    mine, train = [p.size for p in a.evals if p.reported], [p.size for p in a.train]
    if mine and train and max(mine) < np.median(train):
        words += (
            f", in batches of {max(mine)}; larger ones than the {np.median(train):.0f} of training save time"
        )
    return Finding("P84", "evaluations", Verdict.OK, words)


def sample(a: Facts) -> Finding | None:
    """P87: every evaluation sees the same examples."""
    by_step: dict[tuple[int, int], set[int]] = {}
    for p in (p for p in a.evals if p.reported):
        by_step.setdefault((p.model, p.at_step), set()).update(p.rows)
    for model in {model for model, _ in by_step}:
        sets = [rows for (owner, _), rows in by_step.items() if owner == model and rows]
        for first, then in pairwise(sets):
            common = len(first & then) / len(first | then)
            if 0.0 < common < 1.0:
                words = f"two evaluations in a row have only {common:.0%} of their examples in common"
                cure = "evaluate the whole validation set, or one fixed part of it"
                return Finding("P87", "validation sample", Verdict.ACT, words, next_action=cure,
                               command=LINES["validation sample"])  # fmt: skip
    sizes = {len(rows) for rows in by_step.values() if rows}
    if len(sizes) != 1:
        return None
    return Finding(
        "P87", "validation sample", Verdict.OK, f"every evaluation sees the same {sizes.pop()} examples"
    )


def classes(a: Facts, goal: Goal) -> Finding | None:
    """P88: what one example is worth, and how well the rarest class is known, at the last evaluation."""
    last = a.reported_at[-1] if a.reported_at else None
    passes = [
        p
        for p in a.evals
        if p.reported and p.at_step == last and p.hits is not None and len(p.labels) == p.size
    ]
    hits = np.array([h for p in passes for h in p.hits or ()])
    labels = [label for p in passes for label in p.labels]
    counts = Counter(labels)
    if len(counts) < 2 or not all(float(label).is_integer() for label in counts):
        return None
    n, rarest = len(labels), min(counts, key=lambda label: counts[label])
    right = int(hits[np.array(labels) == rarest].sum())
    low, high = wilson(right, counts[rarest])
    words = f"one of {n} examples is {100 / n:.2g} % of accuracy; the rarest class ({rarest:g}) has {counts[rarest]}, "
    words += f"of which {right} are right (90 %: {low:.0%} to {high:.0%})"
    most = max(counts.values()) / n
    if most >= 0.9 and _SHARES.search(goal.name.lower()) and "balanced" not in goal.name.lower():
        words = (
            f"{most:.1%} of the examples are of one class, so a constant answer has that accuracy; {words}"
        )
        cure = "tune a metric that sees the rare class: balanced accuracy, average precision, or its recall"
        return Finding("P88", "classes", Verdict.UNSURE, words, next_action=cure)
    return Finding("P88", "classes", Verdict.OK, words)


def _few(steps: list[int]) -> str:
    shown = ", ".join(map(str, steps[:5]))
    return f"{shown}, ..." if len(steps) > 5 else shown
