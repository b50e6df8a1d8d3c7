"""What a reader cannot know and a user should be told: how trials were chosen, and what looks wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from tunewise.integrations.readers.found import Reading, Reports
from tunewise.records import Goal, TrialState
from tunewise.space import Space
from tunewise.stats.adaptivity import covers_evenly, follows_results
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray

_LEVEL, _ENOUGH, _ENOUGH_UNKNOWN, _MOST_NAMES = 0.05, 50, 100, 40
_SMALLER = {"loss", "error", "err", "rmse", "mse", "mae", "nll", "perplexity", "ppl", "wer", "cer", "fid", "logloss",
            "regret", "latency", "crossentropy", "mape"}  # fmt: skip
_LARGER = {"acc", "accuracy", "auc", "auroc", "f1", "score", "reward", "return", "r2", "bleu", "rouge", "map", "miou",
           "iou", "dice", "precision", "recall", "psnr", "ssim", "ndcg", "mrr", "top1", "top5"}  # fmt: skip


def direction_of(metric: str) -> str | None:
    """The direction that a metric's name suggests; None where it suggests none or both."""
    words = set(re.findall(r"[a-z]+\d*", re.sub(r"([a-z])([A-Z])", r"\1_\2", metric).lower()))
    smaller, larger = bool(words & _SMALLER), bool(words & _LARGER)
    if smaller == larger:
        return None
    return "minimize" if smaller else "maximize"


def guess_sampler(trials: Trials, ranges_known: bool, notes: list[str]) -> str:
    """How the trials were chosen where nobody recorded it: "random" (independently of results), or "unknown".

    Independent until proven adaptive only where there are enough trials for the tests to see it: measured with 50 trials
    in recorded ranges they recognise 95 % of the searches by univariate TPE or more, and with 100 trials in seen ranges 80 %.
    """
    started = trials.state >= TrialState.RUNNING
    if any(trials.sampler_of(int(number)) for number in np.flatnonzero(started)):
        return ""
    space = trials.space
    X, rows = trials.unit(space)
    ended = np.isin(trials.state[rows], (TrialState.COMPLETE, TrialState.INFEASIBLE, TrialState.PRUNED))
    X, rows = X[ended], rows[ended]
    n = len(rows)
    hint = "If they were not, say --sampler random (or qmc, grid)."
    if n == 0:
        return "unknown"
    if _is_grid(X):
        notes.append(
            f"The {n} trials are a full grid, so they are read as chosen without looking at results."
        )
        return "grid"
    if n < (_ENOUGH if ranges_known else _ENOUGH_UNKNOWN):
        notes.append(
            f"The source does not say how trials were chosen, and {n} are too few to tell: they are read as if each was "
            f"chosen by earlier results, which rules some checks out. {hint}"
        )
        return "unknown"
    p = follows_results(X, trials.loss[rows, 0])
    level = _LEVEL
    if ranges_known:
        p = min(1.0, 2 * min(p, covers_evenly(X, [d.n_values for d in space.values()])))
    else:
        level = 0.2
    if p <= level:
        notes.append(
            f"The trials crowd where earlier ones were good (p = {p:.2g}): they are read as chosen by an adaptive search, "
            f"which rules some checks out. {hint}"
        )
        return "unknown"
    notes.append(
        f"Nothing shows that trials were chosen by earlier results (p = {p:.2g}, {n} trials): they are read as a random "
        "search. If a sampler such as TPE chose them, say --sampler tpe."
    )
    return "random"


def notes_about(trials: Trials, reports: Mapping[str, Reports], reading: Reading) -> list[str]:
    """Sentences about what looks wrong in a table, or must be known to read it right."""
    goal = trials.goals[0]
    notes = [
        *_failures(trials, reading),
        *_values(trials, reading),
        *_hidden(trials, reports),
        *_renamed(trials),
    ]
    if len(trials.goals) == 1:
        notes += _direction(trials, goal, reports.get(goal.name))
    return notes


def _failures(trials: Trials, reading: Reading) -> list[str]:
    failed = np.flatnonzero(trials.state == TrialState.FAILED)
    n = sum(trials.row(int(number)).reason is None for number in failed)
    if not n or reading.failed == "diverged":
        return []
    return [
        f"{n} of {len(trials)} trials failed and the source does not say why; they are left out as crashes. If their "
        "training diverged (NaN), say --failed diverged: then they count."
    ]


def _values(trials: Trials, reading: Reading) -> list[str]:
    loss = trials.loss[trials.state == TrialState.COMPLETE, 0]
    if len(loss) < 4:
        return []
    if loss.min() == loss.max():
        value = trials.goals[0].sign * loss[0]
        return [
            f"All {len(loss)} complete trials have the same value, {value:g}: is {trials.goals[0].name!r} the metric?"
        ]
    low, high = np.quantile(loss, [0.25, 0.75])
    far = loss > high + 1000 * max(high - low, 1e-12 * abs(high))
    if reading.diverged is not None or not far.any() or far.mean() > 0.5:
        return []
    limit = trials.goals[0].sign * loss[far].min()
    return [
        f"{far.sum()} complete trials have a value of {limit:.3g} or worse, a thousand times as far out as the others: if that "
        f"stands for a divergence, say --diverged {limit:.3g}."
    ]


def _hidden(trials: Trials, reports: Mapping[str, Reports]) -> list[str]:
    """Trials whose loss is not a number but whose goal is: a network of NaN scores chance, which is a legal accuracy."""
    goal = trials.goals[0]
    complete = np.flatnonzero(trials.state == TrialState.COMPLETE)
    broken: dict[int, str] = {}
    for metric, of in reports.items():
        if metric != goal.name and "loss" in metric.lower():
            ill = np.unique(of.trial[~np.isfinite(of.value)])
            broken.update(dict.fromkeys(np.intersect1d(ill, complete).tolist(), metric))
    for number in complete.tolist():
        for key, value in trials.attrs(number).items():
            if "loss" in key.lower() and value in ("nan", "inf", "-inf"):
                broken[number] = key
    if not broken:
        return []
    loss = trials.loss[:, 0]
    others = np.setdiff1d(complete, list(broken))
    best = float(loss[list(broken)].min())
    apart = len(others) > 0 and best > loss[others].max()
    cure = f"say --diverged {goal.sign * best:.5g}" if apart else "give them the status 'diverged'"
    return [
        f"In {len(broken)} complete trials {next(iter(broken.values()))} is no finite number although {goal.name} is: if their "
        f"training diverged, {cure}, or they count as bad results."
    ]


def _direction(trials: Trials, goal: Goal, reports: Reports | None) -> list[str]:
    """Training that makes the metric worse in nearly every trial is a sign of the wrong direction."""
    if reports is None or not len(reports.trial):
        return []
    worse, n = _end_worse(reports, trials.state == TrialState.COMPLETE, goal.sign)
    if n < 5 or worse < 0.9 * n:
        return []
    other = "maximize" if goal.direction == "minimize" else "minimize"
    return [
        f"In {worse} of {n} trials {goal.name} gets worse during training if it is to be {goal.direction}d: is the direction "
        f"right? Say --direction {other} if not."
    ]


def _end_worse(reports: Reports, complete: BoolArray, sign: float) -> tuple[int, int]:
    """(trials whose curve ends worse than it began, trials with at least 3 finite reports)."""
    use = complete[reports.trial] & np.isfinite(reports.value)
    trial, step, loss = reports.trial[use], reports.step[use], sign * reports.value[use]
    order = np.lexsort((step, trial))
    trial, loss = trial[order], loss[order]
    _, start, count = np.unique(trial, return_index=True, return_counts=True)
    long = count >= 3
    first, last = loss[start[long]], loss[start[long] + count[long] - 1]
    return int((last > first).sum()), int(long.sum())


def _renamed(trials: Trials) -> list[str]:
    """Names of which one stops for good before the other begins: a rename, most likely."""
    ended = trials.state >= TrialState.COMPLETE
    spans: dict[str, tuple[int, int]] = {}
    for name in trials.names:
        present = np.flatnonzero(~np.isnan(trials.raw(Space({name: trials.domains[name]}))[:, 0]) & ended)
        if len(present) >= 3 and len(present) == int(ended[present[0] : present[-1] + 1].sum()):
            spans[name] = int(present[0]), int(present[-1])
        if len(spans) > _MOST_NAMES:
            return []
    pairs = [
        (old, new)
        for old, (_, stop) in spans.items()
        for new, (start, _) in spans.items()
        if start == _next(ended, stop) and type(trials.domains[old]) is type(trials.domains[new])
    ]
    return [
        f"{old!r} ends with trial {spans[old][1]} and {new!r} begins after it: if one is the other's new name, say "
        f"--rename {old}={new}."
        for old, new in pairs[:3]
    ]


def _next(ended: BoolArray, number: int) -> int:
    later = np.flatnonzero(ended[number + 1 :])
    return number + 1 + int(later[0]) if len(later) else -1


def _is_grid(X: FloatArray) -> bool:
    """Whether the points are all combinations of some values of two coordinates or more, each equally often."""
    n, d = X.shape
    if d < 2 or n < 4 or np.isnan(X).any():
        return False
    sizes = [len(np.unique(u)) for u in X.T]
    total = math.prod(sizes)
    return n % total == 0 and max(sizes) < total == len(np.unique(X, axis=0))
