"""Training curves of the best few trials."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewise.figures.style import altair, styled, values
from tunewise.records import TrialState
from tunewise.trials import Trials


def curves_rows(trials: Trials, metric: str | None = None, n_best: int = 4) -> list[dict[str, Any]]:
    """Records (trial, step, value, rank) of the best complete trials that reported the metric. O(reports)."""
    loss = np.where(trials.state == TrialState.COMPLETE, trials.loss[:, 0], np.inf)
    curves = trials.curves(metric)
    rows: list[dict[str, Any]] = []
    rank = 0
    for number in np.argsort(loss, kind="stable").tolist():
        if rank == n_best or not np.isfinite(loss[number]):
            break
        step, value = curves.of(number)
        if len(step) < 2:
            continue
        rank += 1
        rows += [
            {"trial": f"trial {number}", "step": s, "value": v, "rank": rank}
            for s, v in zip(step.tolist(), value.tolist(), strict=True)
            if np.isfinite(v)
        ]
    return rows


def curves_chart(rows: list[dict[str, Any]], metric: str) -> Any:
    """One line a trial, labelled by number, the best first in the legend."""
    alt = altair()
    order = list(dict.fromkeys(row["trial"] for row in rows))
    chart = alt.Chart(values(rows)).mark_line(point=alt.OverlayMarkDef(size=18), strokeWidth=2).encode(
        alt.X("step:Q", title="step"),
        alt.Y("value:Q", title=metric, scale=alt.Scale(zero=False)),
        color=alt.Color("trial:N", sort=order, title=None, scale=alt.Scale(scheme="tableau10")),
        strokeDash=alt.StrokeDash("trial:N", sort=order, title=None),
        tooltip=[alt.Tooltip(f) for f in ("trial:N", "step:Q", "value:Q")],
    )  # fmt: skip
    return styled(chart, 240)
