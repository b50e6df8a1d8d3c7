"""Bars of parameter importances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewise.figures.style import ACCENT, altair, styled, values


def importance_rows(shares: Mapping[str, float]) -> list[dict[str, Any]]:
    """Records (name, share), largest first."""
    return [{"name": name, "share": share} for name, share in sorted(shares.items(), key=lambda kv: -kv[1])]


def importance_chart(rows: list[dict[str, Any]]) -> Any:
    """Horizontal bars."""
    alt = altair()
    chart = alt.Chart(values(rows)).mark_bar(color=ACCENT, height=14, cornerRadiusEnd=3).encode(
        alt.X("share:Q", title="share of the difference between the best quarter and all", axis=alt.Axis(format="%")),
        alt.Y("name:N", sort=[row["name"] for row in rows], title=None),
        tooltip=[alt.Tooltip("name:N"), alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    return styled(chart, 36 * max(2, len(rows)))
