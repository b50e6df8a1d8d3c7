"""Every trial's value in order, and the best so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewise.figures.scale import MOST_DOTS, thinned
from tunewise.figures.style import ACCENT, BAD, QUIET, altair, span, styled, values
from tunewise.records import TrialState
from tunewise.trials import Trials


def history_rows(trials: Trials, most: int = MOST_DOTS) -> list[dict[str, Any]]:
    """One record a finished trial: number, value, best so far, state; a trial that did not complete has no value. O(n).

    Of more than ``most`` trials the best, those that improved on all before, and an even sample of the others are kept.
    """
    sign = trials.goals[0].sign
    numbers = np.flatnonzero(trials.state >= TrialState.COMPLETE)
    complete = trials.state[numbers] == TrialState.COMPLETE
    loss = np.where(complete, trials.loss[numbers, 0], np.inf)
    best = np.minimum.accumulate(loss) if len(loss) else loss
    improved = numbers[np.append(True, np.diff(best) < 0)] if len(numbers) else numbers
    kept = np.union1d(thinned(numbers, numbers[np.argsort(loss, kind="stable")], most), improved)
    return [
        {
            "number": int(number),
            "value": float(sign * loss[i]) if complete[i] else None,
            "best": float(sign * best[i]) if np.isfinite(best[i]) else None,
            "state": TrialState(int(trials.state[number])).name.lower(),
        }
        for number, i in zip(kept.tolist(), np.searchsorted(numbers, kept).tolist(), strict=True)
    ]


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
