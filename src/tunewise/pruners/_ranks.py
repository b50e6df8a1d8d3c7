"""Arrays in, arrays out: what pruners read from curves. Losses are minimise-oriented, and only ranks are compared.

A report that is not finite is the worst loss there is, +inf: a diverged curve stays in every comparison.
"""

from __future__ import annotations

import numpy as np

from tunewise.curves import Curves
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray


def loss_curves(trials: Trials) -> Curves:
    """All curves of the first goal as losses, NaN and inf as +inf. O(r) for r reports."""
    curves = trials.curves()
    return Curves(curves.trial, curves.step, as_loss(curves.value, trials.goals[0].sign))


def own_curve(trials: Trials, number: int) -> tuple[IntArray, FloatArray]:
    """One trial's steps, ascending, and losses, NaN and inf as +inf."""
    step, value = trials.curves().of(number)
    return step, as_loss(value, trials.goals[0].sign)


def as_loss(value: FloatArray, sign: float) -> FloatArray:
    """Values as losses; what is not finite becomes +inf."""
    return np.where(np.isfinite(value), value * sign, np.inf)


def select(curves: Curves, keep: BoolArray) -> Curves:
    """The curves of the trials for which ``keep`` (n,) is true."""
    mask = keep[curves.trial]
    return Curves(curves.trial[mask], curves.step[mask], curves.value[mask])


def carried_to(curves: Curves, step: int) -> FloatArray:
    """The value of each trial's last report at or before ``step``; trials without one are left out. O(r)."""
    mask = curves.step <= step
    trial, value = curves.trial[mask], curves.value[mask]
    return value[np.append(trial[1:] != trial[:-1], True)] if len(trial) else value


def on_reaching(curves: Curves, step: float) -> FloatArray:
    """The value of each trial's first report at or after ``step``; trials without one are left out. O(r)."""
    mask = curves.step >= step
    trial, value = curves.trial[mask], curves.value[mask]
    return value[np.append(True, trial[1:] != trial[:-1])] if len(trial) else value


def percentile_loss(losses: FloatArray, percentile: float) -> float:
    """The loss at the rank of a percentile; an actual member, the worse one between two, so that only ranks count."""
    rank = int(np.ceil(percentile / 100.0 * (len(losses) - 1) - 1e-9))
    return float(np.partition(losses, rank)[rank])


def is_due(step: IntArray, n_warmup_steps: int, interval_steps: int) -> bool:
    """Whether the last of these ascending steps is the first in its interval, counted from the end of the warm-up."""
    last = int(step[-1]) if len(step) else -1
    if last < n_warmup_steps or last < 0:
        return False
    start = last - (last - n_warmup_steps) % interval_steps
    return len(step) == 1 or int(step[-2]) < start
