"""The dossier of a decision: every fresh run as a dot, the posterior of the improvement, and what each look said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunewise.figures.style import ACCENT, BAD, QUIET, SECOND, altair, styled, tips, values

_ARMS = ["candidate", "baseline"]


def adoption_rows(candidate: Sequence[float], baseline: Sequence[float]) -> list[dict[str, Any]]:
    """Records (arm, value, run) of the runs that did not diverge."""
    arms = zip(_ARMS, (candidate, baseline), strict=True)
    return [
        {"arm": arm, "value": float(v), "run": i}
        for arm, runs in arms
        for i, v in enumerate(runs, 1)
        if not math.isnan(v)
    ]


def adoption_chart(
    rows: list[dict[str, Any]], metric: str, n_diverged: Mapping[str, int] | None = None
) -> Any:
    """Dots for runs, a tick at each mean; the number of diverged runs stands in the arm's name."""
    alt = altair()
    lost = {arm: (n_diverged or {}).get(arm, 0) for arm in _ARMS}
    names = {arm: f"{arm} ({n} diverged)" if n else arm for arm, n in lost.items()}
    named = [{**row, "arm": names[row["arm"]]} for row in rows]
    order = [names[arm] for arm in _ARMS]
    colour = alt.Color("arm:N", legend=None, scale=alt.Scale(domain=order, range=[ACCENT, QUIET]))
    x = alt.X(
        "value:Q",
        title=metric,
        scale=alt.Scale(zero=False, padding=12),
        axis=alt.Axis(tickCount=8, format="~g"),
    )
    y = alt.Y("arm:N", title=None, sort=order, scale=alt.Scale(domain=order), axis=alt.Axis(labelLimit=160))
    dots = alt.Chart(values(named)).mark_circle(size=110, opacity=0.65)
    means = alt.Chart(values(named)).mark_tick(thickness=3, size=34)
    return styled(
        alt.layer(
            dots.encode(x, y, color=colour, tooltip=tips("arm:N", "run:Q", "value:Q")),
            means.encode(alt.X("mean(value):Q", title=metric), y, color=colour),
        ),
        110,
    )


def posterior_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (improvement, density, part): "worth it" above the smallest effect, "better, not worth it", "worse"."""
    least = float(arrays.get("min_effect", 0.0))
    rows = []
    for x, y in zip(
        np.asarray(arrays.get("grid", ())).tolist(),
        np.asarray(arrays.get("density", ())).tolist(),
        strict=True,
    ):
        part = "worth it" if x > least else "better, not worth it" if x > 0 else "worse"
        rows.append({"improvement": x, "density": y, "part": part})
    return rows


def posterior_chart(rows: list[dict[str, Any]], metric: str, min_effect: float = 0.0) -> Any:
    """The density of the improvement; what lies above the smallest effect of interest is filled in the accent colour."""
    alt = altair()
    parts = ["worth it", "better, not worth it", "worse"]
    x = alt.X("improvement:Q", title=f"improvement of {metric} (positive: the candidate is better)",
              scale=alt.Scale(nice=False), axis=alt.Axis(format="~g", tickCount=7))  # fmt: skip
    y = alt.Y("density:Q", title=None, axis=None)
    bars = alt.Chart(values(rows)).mark_bar(opacity=0.75, width={"band": 1}, size=6).encode(
        x, y, color=alt.Color("part:N", title=None, scale=alt.Scale(domain=parts, range=[ACCENT, SECOND, BAD])),
        tooltip=tips("improvement:Q", "part:N"),
    )  # fmt: skip
    lines = sorted({0.0, min_effect})
    rules = alt.Chart(values([{"improvement": at} for at in lines])).mark_rule(color=QUIET, strokeDash=[4, 3])
    return styled(alt.layer(bars, rules.encode(x)), 120)


def look_rows(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records (n, p, what): P(better) and P(worth it) at each look, and the limits that end the trial."""
    rows = []
    for i, n in enumerate(np.asarray(arrays.get("looks", ())).tolist()):
        rows.append({"n": n, "p": float(arrays["p_better"][i]), "what": "P(better)"})
        rows.append({"n": n, "p": float(arrays["p_worth"][i]), "what": "P(worth it)"})
    return rows


def look_chart(rows: list[dict[str, Any]], adopt: float, keep: float) -> Any:
    """Probabilities look by look between the limit for adopting (above) and for keeping (below)."""
    alt = altair()
    what = ["P(worth it)", "P(better)"]
    x = alt.X("n:O", title="fresh runs an arm", axis=alt.Axis(labelAngle=0))
    y = alt.Y(
        "p:Q",
        title="probability",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(values=[0, 0.2, 0.5, 0.8, 1]),
    )
    lines = alt.Chart(values(rows)).mark_line(point={"size": 60}, strokeWidth=2).encode(
        x, y, color=alt.Color("what:N", title=None, sort=what, scale=alt.Scale(domain=what, range=[ACCENT, QUIET])),
        strokeDash=alt.StrokeDash("what:N", title=None, sort=what, scale=alt.Scale(domain=what, range=[[1, 0], [5, 3]])),
        tooltip=[*tips("n:Q", "what:N"), alt.Tooltip("p:Q", format=".3f")],
    )  # fmt: skip
    limits = [
        {"p": adopt, "what": f"adopt from {adopt:g} up"},
        {"p": keep, "what": f"keep from {keep:g} down"},
    ]
    rules = alt.Chart(values(limits)).mark_rule(color=SECOND, strokeDash=[2, 3], strokeWidth=1.5)
    return styled(alt.layer(lines, rules.encode(y, tooltip=tips("what:N"))), 150)
