"""The tuning curve: how good the best of k trials may be expected to be, and what more trials would buy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewise.figures.scale import value_scale
from tunewise.figures.style import ACCENT, altair, log_ticks, metric_axis, styled, tips, values


def tuning_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (k, expected, low, high); an end of the band that the trials do not bound is None."""
    sign = float(arrays.get("sign", 1.0))
    expected = np.asarray(arrays["expected"], dtype=np.float64)
    low, high = (
        np.asarray(arrays.get(key, np.full(len(expected), np.nan)), dtype=np.float64)
        for key in ("low", "high")
    )
    low, high = (low, high) if sign > 0 else (-high, -low)
    return [
        {"k": int(k), "expected": float(sign * e), "low": _finite(a), "high": _finite(b)}
        for k, e, a, b in zip(np.asarray(arrays["k"]).tolist(), expected, low, high, strict=True)
    ]


def tuning_chart(rows: list[dict[str, Any]], metric: str, sign: float = 1.0) -> Any:
    """A line with its simultaneous 80 % band over the number of trials, on a log scale; where it still falls, more trials pay."""
    alt = altair()
    numbers = [row[key] for row in rows for key in ("expected", "low", "high") if row[key] is not None]
    scale = value_scale(numbers, sign)
    worst, best = (scale.high, scale.low) if sign > 0 else (scale.low, scale.high)
    ends = (best, worst) if sign > 0 else (worst, best)
    filled = [
        {
            **row,
            "low": ends[0] if row["low"] is None else row["low"],
            "high": ends[1] if row["high"] is None else row["high"],
        }
        for row in rows
    ]
    x = alt.X("k:Q", title="trials (log scale)", scale=alt.Scale(type="log", nice=False),
              axis=alt.Axis(**log_ticks(1, max(row["k"] for row in rows))))  # fmt: skip
    chart = alt.Chart(values(filled))
    words = f"best {metric} of k trials"
    band = chart.mark_area(color=ACCENT, opacity=0.16, clip=True).encode(
        x, metric_axis(scale, words, "low:Q"), y2="high"
    )
    line = chart.mark_line(color=ACCENT, strokeWidth=2.5, point={"size": 36, "color": ACCENT}, clip=True)
    return styled(
        alt.layer(
            band, line.encode(x, metric_axis(scale, words, "expected:Q"), tooltip=tips("k:Q", "expected:Q"))
        ),
        220,
    )


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
