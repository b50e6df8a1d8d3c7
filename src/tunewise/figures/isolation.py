"""Each value of one parameter at its best: as many trials a value, intervals, and the set that cannot be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewise.figures.scale import value_scale
from tunewise.figures.style import ACCENT, QUIET, altair, metric_axis, styled, tips, values


def isolation_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (x, best, typical, low, high, n, in_set), one a value, in the order of the values."""
    sign = float(arrays.get("sign", 1.0))
    columns = [sign * np.asarray(arrays[key], dtype=np.float64) for key in ("best", "typical", "low", "high")]
    rows = []
    for i, value in enumerate(arrays["values"]):
        best, typical, low, high = (float(column[i]) for column in columns)
        rows.append(
            {
                "x": str(value), "best": best, "typical": typical, "low": min(low, high), "high": max(low, high),
                "n": int(arrays["n"][i]), "set": "may be the best" if arrays["in_set"][i] else "worse",
            }
        )  # fmt: skip
    return rows


def isolation_chart(rows: list[dict[str, Any]], arrays: Mapping[str, Any], metric: str) -> Any:
    """Median best of equally many trials with its 90 % interval, and the best that was seen as a small tick."""
    alt = altair()
    sign = float(arrays.get("sign", 1.0))
    numbers = [row[key] for row in rows for key in ("best", "low", "high") if np.isfinite(row[key])]
    scale = value_scale(numbers, sign, room=0.12)
    order = [row["x"] for row in rows]
    x = alt.X(
        "x:N", title=str(arrays["name"]), sort=order, axis=alt.Axis(labelAngle=0 if len(order) <= 8 else -40)
    )
    sets = ["may be the best", "worse"]
    colour = alt.Color("set:N", title=None, scale=alt.Scale(domain=sets, range=[ACCENT, QUIET]))
    tip = tips("x:N", "typical:Q", "low:Q", "high:Q", "best:Q", "n:Q", "set:N")
    chart = alt.Chart(values(rows))
    words = f"{metric}, median best of {int(arrays['k'])} trials"
    bars = chart.mark_rule(strokeWidth=4, opacity=0.45, clip=True).encode(
        x, metric_axis(scale, words, "low:Q"), y2="high", color=colour
    )  # fmt: skip
    dots = chart.mark_point(filled=True, size=110, opacity=1, clip=True).encode(
        x, metric_axis(scale, words, "typical:Q"), color=colour, tooltip=tip,
        shape=alt.Shape("set:N", title=None, scale=alt.Scale(domain=sets, range=["circle", "square"])),
    )  # fmt: skip
    seen = chart.mark_tick(thickness=2, size=16, clip=True).encode(
        x, metric_axis(scale, words, "best:Q"), color=colour
    )
    return styled(alt.layer(bars, dots, seen), 230)
