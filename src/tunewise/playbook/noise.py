"""P50, P56: how much do results vary when nothing but the seed changes?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tunewise.playbook.finding import Component, VarianceBudget
from tunewise.stats.intervals import sd_interval
from tunewise.types import FloatArray


def pooled_sd(groups: Sequence[FloatArray]) -> tuple[float, float] | None:
    """(SD, degrees of freedom) over replicated configurations, values (n_i,) each; None without a replicate.

    NaN (a diverged run) is left out. Configurations are pooled as if their noise were equal, which holds near the optimum:
    give only good ones.
    """
    total, df = 0.0, 0
    for group in groups:
        finite = group[np.isfinite(group)]
        if len(finite) >= 2:
            total += float(((finite - finite.mean()) ** 2).sum())
            df += len(finite) - 1
    return (math.sqrt(total / df), float(df)) if df else None


def variance_budget(
    groups: Sequence[FloatArray], step_sd: float | None = None, n_steps: int = 0
) -> VarianceBudget:
    """The project's sources of variance; what was not measured says so."""
    pooled = pooled_sd(groups)
    n = sum(len(group) for group in groups)
    trial = Component("trial variance (seed)", None)
    if pooled is not None:
        sd, df = pooled
        words = f"{n} runs of {len(groups)} configuration{'s' if len(groups) > 1 else ''}"
        trial = Component("trial variance (seed)", sd, sd_interval(sd, df), n, df, words)
    step = Component("step variance", None)
    if step_sd is not None and n_steps > 3:
        df = n_steps - 3.0
        step = Component(
            "step variance", step_sd, sd_interval(step_sd, df), n_steps, df, "late evaluations of one run"
        )
    return VarianceBudget(
        (trial, Component("study variance (search)", None), Component("data variance (split)", None), step)
    )
