"""Where trials diverge: along the quantity that predicts it best, and on the map of the two parameters that matter most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewise.figures.scale import MOST_DOTS, thinned, value_scale
from tunewise.figures.style import ACCENT, BAD, QUIET, altair, domain_axis, log_ticks, styled, tips, values
from tunewise.records import TrialState
from tunewise.space import Categorical, Space
from tunewise.trials import Trials


def infeasible_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (number, x, p, what) of at most 1,000 trials, a third of them of the rarer kind; p = 1 where it diverged. None
    where no predictor was found.
    """
    if "x" not in arrays:
        return []
    x, bad = np.asarray(arrays["x"], dtype=np.float64), np.asarray(arrays["infeasible"], dtype=bool)
    known = np.flatnonzero(np.isfinite(x))
    rare = bad if 2 * bad[known].sum() <= len(known) else ~bad
    kept = thinned(known, known[np.argsort(~rare[known], kind="stable")])
    return [
        {
            "number": int(arrays["rows"][i]),
            "x": float(x[i]),
            "p": float(bad[i]),
            "what": "diverged" if bad[i] else "finished",
        }
        for i in kept
    ]


def infeasible_chart(rows: list[dict[str, Any]], arrays: Mapping[str, Any]) -> Any:
    """Trials below (finished) and above (diverged), the fitted probability between, the threshold and its interval shaded."""
    alt = altair()
    xs = [row["x"] for row in rows]
    log = min(xs) > 0 and max(xs) > 50 * min(xs)
    scale = alt.Scale(type="log" if log else "linear", nice=False, domain=[min(xs), max(xs)])
    x = alt.X(
        "x:Q",
        title=f"{arrays['name']}{' (log scale)' if log else ''}",
        scale=scale,
        axis=alt.Axis(**log_ticks(min(xs), max(xs))) if log else alt.Axis(format="~g", tickCount=6),
    )
    y = alt.Y("p:Q", title="probability of divergence", scale=alt.Scale(domain=[-0.08, 1.08], nice=False),
              axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]))  # fmt: skip
    kinds = ["finished", "diverged"]
    colour = alt.Color("what:N", title=None, scale=alt.Scale(domain=kinds, range=[QUIET, BAD]))
    dots = alt.Chart(values(rows)).mark_point(size=60, opacity=0.8, strokeWidth=1.6).encode(
        x, y, color=colour, tooltip=tips("number:Q", "x:Q", "what:N"),
        shape=alt.Shape("what:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "cross"])),
    )  # fmt: skip
    layers = []
    low, high = float(arrays.get("low", np.nan)), float(arrays.get("high", np.nan))
    if np.isfinite(low) and np.isfinite(high):
        ends = {"from": max(low, min(xs)), "to": min(high, max(xs))}
        layers.append(
            alt.Chart(values([ends]))
            .mark_rect(color=BAD, opacity=0.12)
            .encode(alt.X("from:Q", scale=scale), x2="to")
        )
    if "grid" in arrays:
        fit = [{"x": float(a), "p": float(b)} for a, b in zip(arrays["grid"], arrays["p"], strict=True)]
        layers.append(alt.Chart(values(fit)).mark_line(color=BAD, strokeWidth=2, clip=True).encode(x, y))
    if np.isfinite(float(arrays.get("best", np.nan))):
        best = alt.Chart(values([{"x": float(arrays["best"]), "what": "best trial"}]))
        layers.append(
            best.mark_rule(color=ACCENT, strokeWidth=2, strokeDash=[5, 3]).encode(
                x, tooltip=tips("what:N", "x:Q")
            )
        )
    return styled(alt.layer(*layers, dots), 210)


def map_rows(
    trials: Trials, space: Space, names: tuple[str, str], most: int = MOST_DOTS
) -> list[dict[str, Any]]:
    """Records (number, x, y, value, what) of the trials that have both parameters; diverged ones have no value. O(n)."""
    pair = space.subset(names)
    raw = trials.raw(pair)
    ended = (trials.state == TrialState.COMPLETE) | (trials.state == TrialState.INFEASIBLE)
    numbers = np.flatnonzero(~np.isnan(raw).any(axis=1) & ended)
    loss = np.where(trials.state == TrialState.COMPLETE, trials.loss[:, 0], np.inf)
    kept = thinned(numbers, numbers[np.argsort(loss[numbers], kind="stable")], most)
    rows = []
    for number in kept.tolist():
        x, y = (
            str(v) if isinstance(d, Categorical) else v
            for d, v in ((d, d.decode(r)) for d, r in zip(pair.values(), raw[number], strict=True))
        )
        diverged = trials.state[number] == TrialState.INFEASIBLE
        value = None if diverged else float(trials.values[number, 0])
        rows.append(
            {"number": number, "x": x, "y": y, "value": value, "what": "diverged" if diverged else "finished"}
        )
    return rows


def map_chart(
    rows: list[dict[str, Any]], space: Space, names: tuple[str, str], metric: str, sign: float = 1.0
) -> Any:
    """Trials on the plane of two parameters, coloured by the metric; diverged ones as crosses."""
    alt = altair()
    x = domain_axis(space[names[0]], names[0])
    y = domain_axis(space[names[1]], names[1], "y", "Y")
    finished = [row for row in rows if row["value"] is not None]
    scale = value_scale([row["value"] for row in finished], sign)
    colour = alt.Color("value:Q", title=metric, scale=alt.Scale(
        scheme="viridis", reverse=sign > 0, type="log" if scale.log else "linear", domain=[scale.low, scale.high], clamp=True),
        legend=alt.Legend(orient="right", format="~g", gradientLength=150))  # fmt: skip
    shown = [
        f"{axis}:{'N' if isinstance(space[name], Categorical) else 'Q'}"
        for axis, name in zip("xy", names, strict=True)
    ]
    dots = alt.Chart(values(finished)).mark_circle(size=52, opacity=0.9).encode(
        x, y, color=colour, tooltip=tips("number:Q", *shown, "value:Q")
    )  # fmt: skip
    crosses = alt.Chart(values([row for row in rows if row["value"] is None])).mark_point(
        shape="cross", filled=True, size=60, color=BAD
    )  # fmt: skip
    layers = [dots, crosses.encode(x, y, tooltip=tips("number:Q", *shown, "what:N"))]
    return styled(alt.layer(*layers), 300)
