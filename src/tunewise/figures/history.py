"""Every trial's value in order, and the best so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewise.figures.style import ACCENT, BAD, QUIET, altair, span, styled, values
from tunewise.records import TrialState
from tunewise.trials import Trials


def history_rows(trials: Trials) -> list[dict[str, Any]]:
    """One record a finished trial: number, value, best so far, state; a diverged trial has no value. O(n)."""
    sign = trials.goals[0].sign
    rows, best = [], np.inf
    for number in np.flatnonzero(trials.state >= TrialState.COMPLETE).tolist():
        state = TrialState(int(trials.state[number]))
        loss = trials.loss[number, 0]
        best = min(best, loss) if state == TrialState.COMPLETE else best
        rows.append(
            {
                "number": number,
                "value": float(sign * loss) if state == TrialState.COMPLETE else None,
                "best": float(sign * best) if np.isfinite(best) else None,
                "state": state.name.lower(),
            }
        )
    return rows


def history_chart(rows: list[dict[str, Any]], metric: str) -> Any:
    """Dots for values, a step line for the best so far, crosses at the bottom for trials without a value."""
    alt = altair()
    known = [row["value"] for row in rows if row["value"] is not None] or [0.0]
    floor = span(known)[0]
    complete = [row for row in rows if row["value"] is not None]
    other = [{**row, "value": floor} for row in rows if row["value"] is None]
    y = alt.Y("value:Q", title=metric, scale=alt.Scale(domain=span(known), nice=False))
    x = alt.X("number:Q", title="trial", axis=alt.Axis(tickMinStep=1))
    tip = [alt.Tooltip(f) for f in ("number:Q", "value:Q", "state:N")]
    dots = (
        alt.Chart(values(complete)).mark_circle(size=42, color=QUIET, opacity=0.75).encode(x, y, tooltip=tip)
    )
    crosses = (
        alt.Chart(values(other))
        .mark_point(shape="cross", filled=True, size=50, color=BAD)
        .encode(x, y, tooltip=[alt.Tooltip("number:Q"), alt.Tooltip("state:N")])
    )
    line = (
        alt.Chart(values(complete))
        .mark_line(interpolate="step-after", color=ACCENT, strokeWidth=2.5)
        .encode(x, alt.Y("best:Q", title=metric))
    )
    return styled(alt.layer(dots, crosses, line), 240)
