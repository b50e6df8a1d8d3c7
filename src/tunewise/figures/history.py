"""Every trial's value in order, and the best so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewise.figures.scale import MOST_DOTS, thinned, value_scale
from tunewise.figures.style import ACCENT, BAD, QUIET, altair, metric_axis, styled, tips, values
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
    improved = numbers[np.append(True, best[1:] < best[:-1])] if len(numbers) else numbers
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


def history_chart(rows: list[dict[str, Any]], metric: str, sign: float = 1.0) -> Any:
    """Dots for values, a step line for the best so far, crosses on a rail for diverged trials, ticks for pruned ones."""
    alt = altair()
    complete = [row for row in rows if row["value"] is not None]
    other = [row for row in rows if row["value"] is None]
    inner = value_scale([row["value"] for row in complete], sign)
    scale, rail = inner.with_rail(sign)
    y = metric_axis(scale, metric, "y:Q")
    x = alt.X("number:Q", title="trial", axis=alt.Axis(tickMinStep=1), scale=alt.Scale(nice=False, padding=6))
    size = 42 if len(rows) < 300 else 16
    dots = alt.Chart(values([{**row, "y": inner.clip(row["value"])} for row in complete])).mark_circle(
        size=size, color=QUIET, opacity=0.75
    )
    best = metric_axis(scale, metric, "best:Q")
    line = alt.Chart(values(complete)).mark_line(interpolate="step-after", color=ACCENT, strokeWidth=2.5)
    layers = [dots.encode(x, y, tooltip=tips("number:Q", "value:Q", "state:N")), line.encode(x, best)]
    if other:
        states = sorted({row["state"] for row in other})
        look = {"infeasible": (BAD, "cross"), "pruned": (QUIET, "triangle-down"), "failed": (QUIET, "square")}
        crosses = alt.Chart(values([{**row, "y": rail} for row in other])).mark_point(
            filled=True, size=40, opacity=0.8
        )
        layers.append(crosses.encode(
            x, y,
            color=alt.Color("state:N", title=None, scale=alt.Scale(domain=states, range=[look[s][0] for s in states])),
            shape=alt.Shape("state:N", title=None, scale=alt.Scale(domain=states, range=[look[s][1] for s in states])),
            tooltip=tips("number:Q", "state:N"),
        ))  # fmt: skip
    return styled(alt.layer(*layers), 240)
