"""The evidence behind a decision: every fresh run as a dot, means and the two arms side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tunewise.figures.style import ACCENT, QUIET, altair, styled, values


def adoption_rows(candidate: Sequence[float], baseline: Sequence[float]) -> list[dict[str, Any]]:
    """Records (arm, value) of the runs that did not diverge."""
    arms = (("candidate", candidate), ("baseline", baseline))
    return [{"arm": arm, "value": float(v)} for arm, runs in arms for v in runs if not math.isnan(v)]


def adoption_chart(rows: list[dict[str, Any]], metric: str) -> Any:
    """Dots for runs, a tick at each mean."""
    alt = altair()
    colour = alt.Color(
        "arm:N", legend=None, scale=alt.Scale(domain=["candidate", "baseline"], range=[ACCENT, QUIET])
    )
    x = alt.X("value:Q", title=metric, scale=alt.Scale(zero=False, padding=12), axis=alt.Axis(tickCount=8))
    y = alt.Y("arm:N", title=None, sort=["candidate", "baseline"])
    data = values(rows)
    dots = (
        alt.Chart(data)
        .mark_circle(size=110, opacity=0.65)
        .encode(x, y, color=colour, tooltip=[alt.Tooltip("value:Q")])
    )
    means = (
        alt.Chart(data)
        .mark_tick(thickness=3, size=34)
        .encode(alt.X("mean(value):Q", title=metric), y, color=colour)
    )
    return styled(alt.layer(dots, means), 110)
