"""Training curves: of the best few trials, and of one trial with the line on which a verdict rests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewise.figures.scale import value_scale
from tunewise.figures.style import ACCENT, BAD, QUIET, SECOND, altair, metric_axis, styled, tips, values
from tunewise.records import TrialState
from tunewise.trials import Trials

_MOST_POINTS = 250  # of one curve


def curves_rows(
    trials: Trials, metric: str | None = None, n_best: int = 5, sign: float | None = None
) -> list[dict[str, Any]]:
    """Records (trial, step, value, rank, best) of the best complete trials that reported the metric. O(reports).

    Of long curves every so-manyth evaluation is kept, and their best, which ``best`` marks, always. ``sign`` says which is
    the best of another metric than the goal: +1 the smallest, -1 the largest, None: nobody knows, and none is marked.
    """
    loss = np.where(trials.state == TrialState.COMPLETE, trials.loss[:, 0], np.inf)
    curves = trials.curves(metric)
    sign = trials.goals[0].sign if metric in (None, trials.goals[0].name) else sign
    rows: list[dict[str, Any]] = []
    rank = 0
    for number in np.argsort(loss, kind="stable").tolist():
        if rank == n_best or not np.isfinite(loss[number]):
            break
        step, value = curves.of(number)
        finite = np.isfinite(value)
        step, value = step[finite], value[finite]
        if len(step) < 2:
            continue
        rank += 1
        best = -1 if sign is None else int(np.argmin(sign * value))
        ends = [] if best < 0 else [best]
        kept = np.union1d(
            np.linspace(0, len(step) - 1, min(len(step), _MOST_POINTS)).astype(int), ends
        ).astype(int)
        rows += [
            {
                "trial": f"trial {number}",
                "step": int(step[i]),
                "value": float(value[i]),
                "rank": rank,
                "best": i == best,
            }
            for i in kept.tolist()
        ]
    return rows


def curves_chart(rows: list[dict[str, Any]], metric: str, sign: float = 1.0) -> Any:
    """One line a trial, the best first in the legend; a ring marks the best evaluation of each."""
    alt = altair()
    order = list(dict.fromkeys(row["trial"] for row in rows))
    scale = value_scale([row["value"] for row in rows], sign)
    x = alt.X("step:Q", title="step", scale=alt.Scale(nice=False, padding=4))
    y = metric_axis(scale, metric, clamp=False)
    colour = alt.Color("trial:N", sort=order, title=None, scale=alt.Scale(domain=order, scheme="tableau10"))
    dash = alt.StrokeDash("trial:N", sort=order, title=None, scale=alt.Scale(domain=order))
    tip = tips("trial:N", "step:Q", "value:Q")
    lines = alt.Chart(values(rows)).mark_line(strokeWidth=2, clip=True).encode(
        x, y, color=colour, strokeDash=dash, tooltip=tip
    )  # fmt: skip
    rings = alt.Chart(values([row for row in rows if row["best"]])).mark_point(
        size=70, strokeWidth=2, clip=True
    )
    return styled(alt.layer(lines, rings.encode(x, y, color=colour, tooltip=tip)), 250)


def curve_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (step, value, what) of a finding's curve: "validation", where known "training", and the "fit" to its end."""
    sign = float(arrays.get("sign", 1.0))
    loss = np.asarray(arrays["loss"], dtype=np.float64)
    step = np.asarray(arrays.get("step", np.arange(1, len(loss) + 1)))
    parts = [("validation", step, loss)]
    if "train" in arrays:
        parts.append(("training", step[-len(arrays["train"]) :], np.asarray(arrays["train"]) * sign))
    if "fit_step" in arrays:
        parts.append(("fit", np.asarray(arrays["fit_step"]), np.asarray(arrays["fit_loss"])))
    rows = []
    for what, at, y in parts:
        for s, v in zip(at.tolist(), (sign * y).tolist(), strict=True):
            if np.isfinite(v):
                rows.append({"step": s, "value": v, "what": what})
    return rows


def curve_chart(rows: list[dict[str, Any]], arrays: Mapping[str, Any], metric: str) -> Any:
    """One trial's curve, the fit to its end, and vertical lines where it turns and where it is best."""
    alt = altair()
    sign = float(arrays.get("sign", 1.0))
    kinds = [k for k in ("validation", "training", "fit") if any(row["what"] == k for row in rows)]
    colours = {"validation": ACCENT, "training": QUIET, "fit": BAD}
    scale = value_scale([row["value"] for row in rows if row["what"] != "training"], sign)
    x = alt.X("step:Q", title="step", scale=alt.Scale(nice=False, padding=4))
    lines = alt.Chart(values(rows)).mark_line(strokeWidth=2, clip=True).encode(
        x, metric_axis(scale, metric, clamp=False),
        color=alt.Color("what:N", title=None, scale=alt.Scale(domain=kinds, range=[colours[k] for k in kinds])),
        strokeDash=alt.StrokeDash("what:N", title=None, scale=alt.Scale(
            domain=kinds, range=[[1, 0] if k != "fit" else [6, 3] for k in kinds])),
        tooltip=tips("step:Q", "value:Q", "what:N"),
    )  # fmt: skip
    marks = [
        {"step": float(arrays[key]), "what": words}
        for key, words in (("onset", "turns here"), ("best", "best here"))
        if arrays.get(key) is not None and np.isfinite(arrays[key])
    ]
    if not marks:
        return styled(lines, 210)
    rules = alt.Chart(values(marks)).mark_rule(color=SECOND, strokeDash=[3, 3], strokeWidth=1.5).encode(
        x, tooltip=tips("what:N", "step:Q")
    )  # fmt: skip
    return styled(alt.layer(lines, rules), 210)


def label_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (name, of, share): the share of all curves, and of the best quarter's, with each label."""
    pairs = (("all trials", arrays["all"]), ("best quarter", arrays["top"]))
    return [
        {"name": str(name), "of": of, "share": float(share)}
        for of, shares in pairs
        for name, share in zip(arrays["names"], shares, strict=True)
    ]


def label_chart(rows: list[dict[str, Any]]) -> Any:
    """Two bars a label."""
    alt = altair()
    of = ["all trials", "best quarter"]
    chart = alt.Chart(values(rows)).mark_bar(cornerRadiusEnd=3).encode(
        alt.X("share:Q", title="share of the curves", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
        alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=200)),
        yOffset=alt.YOffset("of:N", sort=of),
        color=alt.Color("of:N", title=None, sort=of, scale=alt.Scale(domain=of, range=[QUIET, ACCENT])),
        tooltip=[*tips("name:N", "of:N"), alt.Tooltip("share:Q", format=".0%")],
    )  # fmt: skip
    return styled(chart, 34 * max(2, len(rows) // 2))


def best_step_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (number, fraction): where in its run each of the best trials was best."""
    pairs = zip(np.asarray(arrays["rows"]).tolist(), np.asarray(arrays["fraction"]).tolist(), strict=True)
    return [{"number": number, "fraction": fraction} for number, fraction in pairs if np.isfinite(fraction)]


def best_step_chart(rows: list[dict[str, Any]]) -> Any:
    """A histogram; the last quarter of the runs is shaded."""
    alt = altair()
    late = (
        alt.Chart(values([{"from": 0.75, "to": 1.0}]))
        .mark_rect(color=QUIET, opacity=0.14)
        .encode(x="from:Q", x2="to")
    )
    x = alt.X("fraction:Q", bin=alt.Bin(step=0.05, extent=[0, 1]), title="place of the best evaluation in its run",
              scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]))  # fmt: skip
    bars = alt.Chart(values(rows)).mark_bar(color=ACCENT, opacity=0.85)
    return styled(
        alt.layer(late, bars.encode(x, alt.Y("count():Q", title="trials", axis=alt.Axis(tickMinStep=1)))), 150
    )
