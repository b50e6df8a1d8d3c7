"""P89: what a production run without a validation set to choose by will get: the variance of the chosen checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tunewise.playbook.finding import Finding, Verdict
from tunewise.types import FloatArray


def checkpoint_variance(
    curves: Sequence[tuple[FloatArray, FloatArray]], unit: float | None = None, sign: float = 1.0
) -> Finding:
    """From the retrained seeds of one configuration, (steps, losses) each: how the best step varies and what a fixed step costs.

    The fixed step is the one nearest the median of the best steps that all runs have. ACT where it costs more than the unit.
    """
    usable = [(s, y) for s, y in curves if len(y) >= 2 and np.isfinite(y).all()]
    if len(usable) < 3:
        words = f"{len(usable)} runs with a curve are too few; 3 fresh seeds are needed."
        return Finding("P89", "checkpoints", Verdict.NA, words, needs="curves of 3 retrained seeds")
    best = np.array([float(s[np.argmin(y)]) for s, y in usable])
    common = set.intersection(*(set(s.tolist()) for s, _ in usable))
    if not common:
        words = "The runs were evaluated at different steps, so no step is common to all."
        return Finding("P89", "checkpoints", Verdict.NA, words, needs="evaluations at the same steps")
    fixed = min(common, key=lambda step: (abs(step - float(np.median(best))), step))
    lowest = np.array([y.min() for _, y in usable])
    there = np.array([float(y[np.flatnonzero(s == fixed)[0]]) for s, y in usable])
    cost = there - lowest
    error = float(cost.std(ddof=1)) / math.sqrt(len(cost))
    reach = 1.645 * error
    dear = unit is not None and float(cost.mean()) - reach > unit
    words = (
        f"Over {len(usable)} seeds the best step varies by {best.std(ddof=1):.3g} (SD, median {np.median(best):g}). The best is "
        f"{sign * lowest.mean():.5g} (SD {lowest.std(ddof=1):.2g}), at step {fixed:g} always "
        f"{sign * there.mean():.5g} (SD {there.std(ddof=1):.2g}): "
        f"without choosing, {cost.mean():.2g} are lost."
    )
    return Finding(
        "P89", "checkpoints", Verdict.ACT if dear else Verdict.OK, words, effect=float(cost.mean()),
        interval=(float(cost.mean()) - reach, float(cost.mean()) + reach), threshold=unit,
        threshold_source="noise over seeds, or the smallest effect of interest" if unit else "not measured",
        data_used=f"{len(usable)} fresh seeds",
        next_action="keep validation data for choosing, or average weights over the last steps" if dear else "",
        command="torch.optim.swa_utils.AveragedModel(model)" if dear else "",
    )  # fmt: skip
