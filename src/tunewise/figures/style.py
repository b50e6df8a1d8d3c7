"""One look for all charts: quiet axes, transparent ground (so that light and dark pages both work), one accent."""

from __future__ import annotations

import json
import math
from typing import Any

from tunewise.errors import MissingExtra
from tunewise.figures.scale import Scale
from tunewise.space import Categorical, Domain, Float, Int

_WHOLE = ("number", "step", "trial", "rank", "n:", "k:")
ACCENT, QUIET, BAD, SECOND = "#3b7dd8", "#8a94a3", "#d1495b", "#2a9d8f"
_INK = "#7c8796"
NUMBER = (  # how a number stands at an axis: 0.1, 2000, 1e-5
    "datum.value != 0 && (abs(datum.value) < 1e-3 || abs(datum.value) >= 1e5) ? format(datum.value, '~e') "
    ": format(datum.value, '~g')"
)


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
        "legend": {"labelColor": _INK, "titleColor": _INK, "orient": "bottom", "symbolOpacity": 1},
        "title": {"color": _INK, "anchor": "start", "fontWeight": 600},
    }
    return chart.properties(width="container", height=height).configure(**config)


def values(rows: list[dict[str, Any]]) -> Any:
    """Records as inline data, NaN and infinities as null. As text: Altair copies and checks each number of a list many times."""
    try:
        text = json.dumps(rows, allow_nan=False)
    except ValueError:
        text = json.dumps([{k: None if is_open(v) else v for k, v in row.items()} for row in rows])
    return altair().InlineData(values=text, format={"type": "json"})


def is_open(value: Any) -> bool:
    """Whether it is a number that JSON does not have."""
    return isinstance(value, float) and not math.isfinite(value)


def tips(*fields: str, digits: int = 4) -> list[Any]:
    """What the pointer shows: fields as "name:Q" or "name:N"; numbers with some digits."""
    alt = altair()
    return [
        alt.Tooltip(f, format=f".{digits}g")
        if f.endswith(":Q") and not f.startswith(_WHOLE)
        else alt.Tooltip(f)
        for f in fields
    ]


def metric_axis(
    scale: Scale, title: str, field: str = "value:Q", channel: str = "Y", clamp: bool = True
) -> Any:
    """The axis of a metric; what lies beyond its ends is drawn at them, or with ``clamp=False`` beyond them."""
    alt = altair()
    kind = "log" if scale.log else "linear"
    made = alt.Scale(type=kind, domain=[scale.low, scale.high], clamp=clamp, nice=False)
    words = f"{title} (log scale)" if scale.log else title
    return getattr(alt, channel)(field, title=words, scale=made, axis=alt.Axis(tickCount=5, labelExpr=NUMBER))


def domain_axis(domain: Domain, title: str, field: str = "x", channel: str = "X") -> Any:
    """The axis of a parameter over the whole range that was searched; choices in their order."""
    alt = altair()
    made = getattr(alt, channel)
    if isinstance(domain, Categorical):
        choices = [str(choice) for choice in domain.choices]
        axis = alt.Axis(labelAngle=0 if len(choices) <= 8 or channel == "Y" else -40, labelLimit=90)
        return made(f"{field}:N", title=title, sort=choices, scale=alt.Scale(domain=choices), axis=axis)
    words = f"{title} (log scale)" if domain.log else title
    return made(
        f"{field}:Q",
        title=words,
        scale=domain_scale(domain),
        axis=alt.Axis(**_ticks(domain), labelFlush=channel == "X"),
    )


def domain_scale(domain: Float | Int) -> Any:
    """The scale of a numeric parameter: its range, and for whole numbers half a step more."""
    low, high = domain_ends(domain)
    if domain.log:
        return altair().Scale(type="log", domain=[low, high], nice=False)
    return altair().Scale(domain=[low, high], nice=False, zero=False)


def domain_ends(domain: Float | Int) -> tuple[float, float]:
    """Where the axis of a numeric parameter begins and ends."""
    half = 0.5 * domain.step if isinstance(domain, Int) else 0.0
    low, high = domain.low - half, domain.high + half
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _ticks(domain: Float | Int) -> dict[str, Any]:
    """Few ticks: on a log scale the powers of ten, where there are enough of them."""
    if domain.log:
        return log_ticks(domain.low, domain.high)
    if isinstance(domain, Int) and domain.n_values <= 10:
        return {"values": domain.values().tolist(), "format": "d"}
    return {"tickCount": 6, "labelExpr": NUMBER}


def log_ticks(low: float, high: float) -> dict[str, Any]:
    """Few ticks of a log scale: the powers of ten, or 1, 2 and 5 times them where there are fewer than two."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    powers = [10.0**k for k in range(first, last + 1, max(1, (last - first) // 6))]
    if len(powers) < 3:
        steps = [m * 10.0**k for k in range(first - 1, last + 1) for m in (1, 2, 5)]
        powers = [step for step in steps if low * (1 - 1e-9) <= step <= high * (1 + 1e-9)]
    return (
        {"values": powers, "labelExpr": NUMBER} if len(powers) >= 2 else {"tickCount": 6, "labelExpr": NUMBER}
    )


def span(numbers: list[float], room: float = 0.08) -> list[float]:
    """A range around some numbers with a little room; never empty."""
    low, high = min(numbers), max(numbers)
    pad = room * (high - low) or abs(high) * room or 1.0
    return [low - pad, high + pad]
