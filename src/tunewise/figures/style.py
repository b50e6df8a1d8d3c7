"""One look for all charts: quiet axes, transparent ground (so that light and dark pages both work), one accent."""

from __future__ import annotations

from typing import Any

from tunewise.errors import MissingExtra

ACCENT, QUIET, BAD, SECOND = "#3b7dd8", "#8a94a3", "#d1495b", "#2a9d8f"
_INK = "#7c8796"


def altair() -> Any:
    """The altair module. Raises MissingExtra where it is not installed."""
    try:
        import altair
    except ImportError:
        raise MissingExtra("altair", "report", "Drawing a figure") from None
    return altair


def styled(chart: Any, height: int = 220) -> Any:
    """A chart as wide as its place, in the house's look."""
    quiet = {"domainColor": _INK, "tickColor": _INK, "gridColor": _INK, "gridOpacity": 0.18,
             "labelColor": _INK, "titleColor": _INK, "titleFontWeight": "normal"}  # fmt: skip
    config = {
        "background": "transparent",
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": quiet,
        "legend": {"labelColor": _INK, "titleColor": _INK, "orient": "bottom"},
        "title": {"color": _INK, "anchor": "start", "fontWeight": 600},
    }
    return chart.properties(width="container", height=height).configure(**config)


def values(rows: list[dict[str, Any]]) -> Any:
    """Records as inline data."""
    return altair().Data(values=rows)


def span(numbers: list[float], room: float = 0.08) -> list[float]:
    """A range around some numbers with a little room; never empty."""
    low, high = min(numbers), max(numbers)
    pad = room * (high - low) or abs(high) * room or 1.0
    return [low - pad, high + pad]
