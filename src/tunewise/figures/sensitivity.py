"""What matters and what acts together: the range of each profile, shares of pairs, and how an optimum moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewise.figures.style import ACCENT, QUIET, altair, styled, tips, values

_MOST = 20


def sensitivity_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (name, effect, low, high), largest first: what a wrong value costs, in units of the metric. At most 20."""
    order = np.argsort(-np.asarray(arrays["effect"], dtype=np.float64), kind="stable")[:_MOST]
    keys = ("effect", "low", "high")
    return [
        {"name": str(arrays["names"][i]), **{k: float(arrays[k][i]) for k in keys}} for i in order.tolist()
    ]


def sensitivity_chart(rows: list[dict[str, Any]], metric: str, unit: float | None = None) -> Any:
    """A bar and its interval a parameter; the dashed line is the noise, or the smallest effect of interest."""
    alt = altair()
    order = [row["name"] for row in rows]
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=180))
    x = alt.X(
        "effect:Q", title=f"what a wrong value costs ({metric})", axis=alt.Axis(format="~g", tickCount=6)
    )
    chart = alt.Chart(values(rows))
    bars = chart.mark_bar(color=ACCENT, height=13, cornerRadiusEnd=3, opacity=0.8).encode(
        x, y, tooltip=tips("name:N", "effect:Q", "low:Q", "high:Q")
    )  # fmt: skip
    intervals = chart.mark_rule(strokeWidth=2, color=QUIET).encode(alt.X("low:Q"), y, x2="high")
    layers = [bars, intervals]
    if unit:
        layers.append(
            alt.Chart(values([{"effect": unit}])).mark_rule(color=QUIET, strokeDash=[4, 3]).encode(x)
        )
    return styled(alt.layer(*layers), 30 * max(2, len(rows)))


def interaction_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (x, y, share) of every ordered pair of different parameters."""
    names = [str(name) for name in arrays["names"]][:_MOST]
    share = np.asarray(arrays["share"], dtype=np.float64)
    n = len(names)
    full = np.maximum(share, share.T)[:n, :n]
    return [
        {"x": names[i], "y": names[j], "share": float(full[i, j])}
        for i in range(n)
        for j in range(n)
        if i != j
    ]


def interaction_chart(rows: list[dict[str, Any]]) -> Any:
    """A matrix; the darker, the more of the variance belongs to the pair beyond the two alone."""
    alt = altair()
    order = list(dict.fromkeys(row["x"] for row in rows))
    axis = alt.Axis(labelLimit=110, labelAngle=-35)
    x = alt.X("x:N", sort=order, title=None, axis=axis)
    y = alt.Y("y:N", sort=order, title=None, axis=alt.Axis(labelLimit=110))
    top = max([row["share"] for row in rows], default=0.0)
    strength = alt.Opacity("share:Q", title="share of variance", legend=None,
                           scale=alt.Scale(domain=[0, max(top, 0.05)], range=[0.04, 1]))  # fmt: skip
    boxes = alt.Chart(values(rows)).mark_rect(cornerRadius=3, color=ACCENT).encode(
        x, y, opacity=strength, tooltip=[*tips("x:N", "y:N"), alt.Tooltip("share:Q", format=".1%")]
    )  # fmt: skip
    return styled(boxes, max(140, 34 * len(order)))


def shift_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (by, argmin, low, high) in [0, 1]: the best place of one parameter at each value of another."""
    keys = ("argmin", "low", "high")
    return [
        {"by": str(value), **{k: float(arrays[k][i]) for k in keys}}
        for i, value in enumerate(arrays["values"])
    ]


def shift_chart(rows: list[dict[str, Any]], name: str, by: str) -> Any:
    """A dot and its interval a value; dots that do not line up mean: tune the one again when the other changes."""
    alt = altair()
    order = [row["by"] for row in rows]
    y = alt.Y("by:N", sort=order, title=by)
    x = alt.X(
        "argmin:Q",
        title=f"best place of {name} in its range",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%"),
    )
    chart = alt.Chart(values(rows))
    bars = chart.mark_rule(strokeWidth=4, opacity=0.45, color=ACCENT).encode(
        alt.X("low:Q", scale=alt.Scale(domain=[0, 1])), y, x2="high"
    )
    dots = chart.mark_circle(size=110, color=ACCENT, opacity=1)
    return styled(
        alt.layer(bars, dots.encode(x, y, tooltip=tips("by:N", "argmin:Q", "low:Q", "high:Q"))),
        40 * max(2, len(rows)),
    )
