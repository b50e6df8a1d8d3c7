"""How long to train: steps by learning rate, profiles before and after a launch, ranks at two lengths, throughput."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewise.figures.scale import value_scale
from tunewise.figures.style import (
    ACCENT,
    BAD,
    QUIET,
    SECOND,
    altair,
    log_ticks,
    metric_axis,
    styled,
    tips,
    values,
)


def steps_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (lr, steps, what): "reached" after so many steps, or "not reached" within them."""
    steps = np.asarray(arrays["steps"], dtype=np.float64)
    censored = np.asarray(arrays.get("censored", ~np.isfinite(steps)), dtype=bool)
    limit = float(arrays.get("limit", np.nanmax(np.where(np.isfinite(steps), steps, np.nan), initial=1.0)))
    return [
        {
            "lr": float(lr),
            "steps": float(s) if np.isfinite(s) else limit,
            "what": "not reached" if c else "reached",
        }
        for lr, s, c in zip(np.asarray(arrays["lr"]).tolist(), steps, censored, strict=True)
    ]


def steps_chart(rows: list[dict[str, Any]], arrays: Mapping[str, Any]) -> Any:
    """Steps to the target by constant learning rate, both on log scales, with the fitted curve and the fewest steps (90 %)."""
    alt = altair()
    kinds = ["reached", "not reached"]
    x = alt.X(
        "lr:Q",
        title="learning rate (log scale)",
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(**log_ticks(*_ends([row["lr"] for row in rows]))),
    )
    y = alt.Y(
        "steps:Q",
        title="steps to the target (log scale)",
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(**log_ticks(*_ends([row["steps"] for row in rows]))),
    )
    layers = []
    if "grid" in arrays and len(arrays["grid"]):
        fit = [
            {"lr": float(a), "steps": float(b)}
            for a, b in zip(arrays["grid"], arrays["fit"], strict=True)
            if np.isfinite(b)
        ]
        layers.append(alt.Chart(values(fit)).mark_line(color=SECOND, strokeWidth=2, clip=True).encode(x, y))
    best, low, high = (float(arrays.get(key, np.nan)) for key in ("best", "low", "high"))
    if np.isfinite(best):
        ends = alt.Chart(values([{"steps": best, "from": low, "to": high}]))
        layers.append(ends.mark_rule(color=ACCENT, strokeDash=[5, 3]).encode(y))
        if np.isfinite(low) and np.isfinite(high):
            layers.append(ends.mark_rect(color=ACCENT, opacity=0.14).encode(alt.Y("from:Q"), y2="to"))
    dots = alt.Chart(values(rows)).mark_point(filled=True, size=80, opacity=0.9).encode(
        x, y, color=alt.Color("what:N", title=None, scale=alt.Scale(domain=kinds, range=[ACCENT, BAD])),
        shape=alt.Shape("what:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "triangle-up"])),
        tooltip=tips("lr:Q", "steps:Q", "what:N"),
    )  # fmt: skip
    return styled(alt.layer(*layers, dots), 220)


def _ends(numbers: list[float]) -> tuple[float, float]:
    return min(numbers), max(numbers)


def retune_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (u, value, what) of the two mean profiles, "before" and "after" the change."""
    return [
        {"u": float(u), "value": float(v), "what": what}
        for what in ("before", "after")
        for u, v in zip(arrays["grid"], arrays[what], strict=True)
        if np.isfinite(v)
    ]


def retune_chart(rows: list[dict[str, Any]], arrays: Mapping[str, Any]) -> Any:
    """Both profiles over the range of the parameter, with their lowest places."""
    alt = altair()
    kinds = ["before", "after"]
    colour = alt.Color("what:N", title=None, scale=alt.Scale(domain=kinds, range=[QUIET, ACCENT]))
    x = alt.X("u:Q", title=f"place of {arrays['name']} in its range", axis=alt.Axis(format="%"))
    y = alt.Y("value:Q", title="loss", scale=alt.Scale(zero=False), axis=alt.Axis(format="~g"))
    lines = alt.Chart(values(rows)).mark_line(strokeWidth=2.2).encode(x, y, color=colour)
    places = [{"u": float(arrays[f"argmin_{what}"]), "what": what} for what in kinds]
    rules = alt.Chart(values(places)).mark_rule(strokeDash=[5, 3], strokeWidth=1.6).encode(x, color=colour)
    return styled(alt.layer(lines, rules), 200)


def pairs_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (number, x, y) of the same configurations under two measures: short and long runs, or proxy and target."""
    first, second = ("short", "long") if "short" in arrays else ("proxy", "target")
    x, y = (np.asarray(arrays[key], dtype=np.float64) for key in (first, second))
    numbers = np.asarray(arrays.get("rows", np.arange(len(x))))
    numbers = numbers if len(numbers) == len(x) else np.arange(len(x))
    ends = zip(numbers.tolist(), x.tolist(), y.tolist(), strict=True)
    return [{"number": n, "x": a, "y": b} for n, a, b in ends if np.isfinite(a) and np.isfinite(b)]


def pairs_chart(rows: list[dict[str, Any]], across: str, up: str) -> Any:
    """One dot a configuration; the more they lie on a rising line, the better the one stands for the other."""
    alt = altair()
    x = metric_axis(value_scale([row["x"] for row in rows]), across, "x:Q", "X")
    y = metric_axis(value_scale([row["y"] for row in rows]), up, "y:Q")
    dots = alt.Chart(values(rows)).mark_circle(size=60, color=ACCENT, opacity=0.8)
    return styled(dots.encode(x, y, tooltip=tips("number:Q", "x:Q", "y:Q")), 240)


def batch_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (size, per_second): examples a second at each batch size."""
    pairs = zip(arrays["size"], arrays["seconds"], strict=True)
    return [
        {"size": int(size), "per_second": float(size) / float(s)} for size, s in pairs if s and np.isfinite(s)
    ]


def batch_chart(rows: list[dict[str, Any]]) -> Any:
    """Throughput by batch size, both on log scales; where the line turns level a larger batch gains nothing."""
    alt = altair()
    x = alt.X(
        "size:Q", title="batch size (log scale)", scale=alt.Scale(type="log", base=2, nice=False, padding=14)
    )
    y = alt.Y("per_second:Q", title="examples a second (log scale)", scale=alt.Scale(type="log", nice=False, padding=14),
              axis=alt.Axis(format="~s"))  # fmt: skip
    chart = alt.Chart(values(rows)).mark_line(
        color=ACCENT, strokeWidth=2, point={"size": 60, "color": ACCENT}
    )
    return styled(chart.encode(x, y, tooltip=tips("size:Q", "per_second:Q")), 200)
