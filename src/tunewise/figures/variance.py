"""The variance budget: what was measured, with its interval, and what was not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunewise.figures.style import ACCENT, QUIET, altair, styled, values


def variance_rows(
    names: Sequence[str], sds: Sequence[float | None], intervals: Sequence[tuple[float, float] | None]
) -> list[dict[str, Any]]:
    """Records (name, sd, low, high, text); an unmeasured source has no numbers and says so."""
    rows = []
    for name, sd, interval in zip(names, sds, intervals, strict=True):
        low, high = interval if interval is not None else (None, None)
        text = "not measured" if sd is None else f"{sd:.3g}"
        rows.append({"name": name, "sd": sd, "low": low, "high": high, "text": text})
    return rows


def variance_chart(rows: list[dict[str, Any]], metric: str) -> Any:
    """A dot and its 90 % interval a source; words where nothing was measured."""
    alt = altair()
    order = [row["name"] for row in rows]
    measured = [row for row in rows if row["sd"] is not None]
    y = alt.Y("name:N", sort=order, title=None, scale=alt.Scale(domain=order))
    ceiling = max([row["high"] or row["sd"] for row in measured], default=1.0) * 1.15
    x = alt.Scale(domain=[0, ceiling], nice=False)
    axis = alt.Axis(tickCount=6, format="~g")
    bars = (
        alt.Chart(values(measured))
        .mark_rule(color=ACCENT, strokeWidth=4, opacity=0.45)
        .encode(alt.X("low:Q", title=f"standard deviation of {metric}", scale=x, axis=axis), y, x2="high")
    )
    dots = (
        alt.Chart(values(measured))
        .mark_circle(color=ACCENT, size=90, opacity=1)
        .encode(alt.X("sd:Q", scale=x), y, tooltip=[alt.Tooltip("name:N"), alt.Tooltip("sd:Q", format=".4g")])
    )
    missing = [{**row, "sd": 0.0} for row in rows if row["sd"] is None]
    words = (
        alt.Chart(values(missing))
        .mark_text(align="left", dx=6, color=QUIET, fontStyle="italic")
        .encode(alt.X("sd:Q", scale=x), y, text="text:N")
    )
    return styled(alt.layer(bars, dots, words), 150)
