"""Value against one parameter: where the good trials lie, and whether they crowd at an edge."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewise.figures.scale import MOST_DOTS, thinned
from tunewise.figures.style import ACCENT, BAD, QUIET, altair, span, styled, values
from tunewise.records import TrialState
from tunewise.space import Categorical, Space
from tunewise.trials import Trials


def axis_rows(
    trials: Trials, space: Space, name: str, n_best: int = 5, most: int = MOST_DOTS
) -> list[dict[str, Any]]:
    """One record a trial that has the parameter: number, x (its value), u (its place in [0, 1]), value, group.

    The group is "best 5", "other" or "diverged", which has no value. Of more than ``most`` trials the best and an even
    sample of the others are kept. O(n).
    """
    domain = space[name]
    raw = trials.raw(space.subset([name]))[:, 0]
    known = ~np.isnan(raw) & ((trials.state == TrialState.COMPLETE) | (trials.state == TrialState.INFEASIBLE))
    loss = np.where(trials.state == TrialState.COMPLETE, trials.loss[:, 0], np.inf)
    numbers = np.flatnonzero(known)
    ranked = numbers[np.argsort(loss[numbers], kind="stable")]
    best = {n for n in ranked[:n_best].tolist() if np.isfinite(loss[n])}
    rows = []
    for number in thinned(numbers, ranked, most).tolist():
        diverged = trials.state[number] == TrialState.INFEASIBLE
        group = "diverged" if diverged else f"best {n_best}" if number in best else "other"
        x: Any = domain.decode(raw[number])
        x = str(x) if isinstance(domain, Categorical) else x
        value = None if diverged else float(trials.values[number, 0])
        u = float(domain.to_unit(raw[number]))
        rows.append({"x": x, "u": u, "value": value, "group": group, "number": number})
    return rows


def axis_chart(rows: list[dict[str, Any]], space: Space, name: str, metric: str) -> Any:
    """Dots, the best filled, diverged trials on a rail at the bottom, the outer fifths of a range shaded."""
    alt = altair()
    domain = space[name]
    known = [row["value"] for row in rows if row["value"] is not None] or [0.0]
    low, high = span(known, 0.12)
    shown = [{**row, "value": low if row["value"] is None else row["value"]} for row in rows]
    groups = sorted({row["group"] for row in rows})
    colour = {"other": QUIET, "diverged": BAD}
    kind = "x:N" if isinstance(domain, Categorical) else "x:Q"
    shape = {"other": "circle", "diverged": "cross"}
    if isinstance(domain, Categorical):
        x = alt.X("x:N", title=name, sort=[str(c) for c in domain.choices], axis=alt.Axis(labelAngle=0))
    else:
        scale = alt.Scale(
            type="log" if domain.log else "linear", domain=[domain.low, domain.high], nice=False
        )
        x = alt.X(
            "x:Q",
            title=name + (" (log scale)" if domain.log else ""),
            scale=scale,
            axis=alt.Axis(tickCount=6),
        )
    layers = [] if isinstance(domain, Categorical) else [_zones(space, name)]
    layers.append(
        alt.Chart(values(shown)).mark_point(filled=True, size=48, opacity=0.85).encode(
            x,
            alt.Y("value:Q", title=metric, scale=alt.Scale(domain=[low, high], nice=False)),
            color=alt.Color("group:N", title=None, scale=alt.Scale(
                domain=groups, range=[colour.get(g, ACCENT) for g in groups])),
            shape=alt.Shape("group:N", title=None, scale=alt.Scale(
                domain=groups, range=[shape.get(g, "diamond") for g in groups])),
            tooltip=[alt.Tooltip(f) for f in ("number:Q", kind, "value:Q", "group:N")],
        )
    )  # fmt: skip
    return styled(alt.layer(*layers), 210)


def _zones(space: Space, name: str) -> Any:
    alt = altair()
    domain = space[name]
    edges = [float(domain.from_unit(np.array(u))) for u in (0.0, 0.2, 0.8, 1.0)]
    zones = [{"from": edges[0], "to": edges[1]}, {"from": edges[2], "to": edges[3]}]
    return alt.Chart(values(zones)).mark_rect(color=QUIET, opacity=0.12).encode(x="from:Q", x2="to")
