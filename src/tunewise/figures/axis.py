"""Value against one parameter: where the good trials lie, and whether they crowd at an edge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewise.figures.scale import MOST_DOTS, Scale, thinned, value_scale
from tunewise.figures.style import (
    ACCENT,
    BAD,
    QUIET,
    SECOND,
    altair,
    domain_axis,
    domain_ends,
    metric_axis,
    styled,
    tips,
    values,
)
from tunewise.records import TrialState
from tunewise.space import Categorical, Domain, Float, Int, Space
from tunewise.trials import Trials

_WITHOUT_VALUE: dict[int, str] = {
    TrialState.INFEASIBLE: "diverged",
    TrialState.PRUNED: "pruned",
    TrialState.FAILED: "failed",
}
_LOOK = {
    "other": (QUIET, "circle"),
    "diverged": (BAD, "cross"),
    "pruned": (QUIET, "triangle-down"),
    "failed": (QUIET, "square"),
}


def axis_rows(
    trials: Trials, space: Space, name: str, n_best: int = 5, most: int = MOST_DOTS
) -> list[dict[str, Any]]:
    """One record a trial that has the parameter: number, x (its value), u (its place in [0, 1]), value, group.

    The group is "best 5" or "other", or for a trial without a value how it ended: "diverged", "pruned", "failed". Of more
    than ``most`` trials the best and an even sample of the others are kept. O(n).
    """
    domain = space[name]
    raw = trials.raw(space.subset([name]))[:, 0]
    known = ~np.isnan(raw) & (trials.state >= TrialState.COMPLETE)
    loss = np.where(trials.state == TrialState.COMPLETE, trials.loss[:, 0], np.inf)
    numbers = np.flatnonzero(known)
    ranked = numbers[np.argsort(loss[numbers], kind="stable")]
    best = {n for n in ranked[:n_best].tolist() if np.isfinite(loss[n])}
    rows = []
    for number in thinned(numbers, ranked, most).tolist():
        ended = _WITHOUT_VALUE.get(int(trials.state[number]))
        group = ended or (f"best {n_best}" if number in best else "other")
        x: Any = domain.decode(raw[number])
        x = str(x) if isinstance(domain, Categorical) else x
        value = None if ended else float(trials.values[number, 0])
        u = float(domain.to_unit(raw[number]))
        rows.append({"x": x, "u": u, "value": value, "group": group, "number": number})
    return rows


def profile_rows(arrays: Mapping[str, Any], domain: Domain) -> list[dict[str, Any]]:
    """Records (x, value, low, high) of the surrogate's profile: the best value to be had at each x, and its 80 % band."""
    if "grid" not in arrays:
        return []
    sign = float(arrays.get("sign", 1.0))
    bands = np.sort(sign * np.stack([arrays["low"], arrays["high"]]), axis=0)
    places = zip(
        domain.from_unit(np.asarray(arrays["grid"])).tolist(),
        sign * np.asarray(arrays["mean"]),
        *bands,
        strict=True,
    )
    rows = []
    for raw, mean, low, high in places:
        x = str(domain.decode(raw)) if isinstance(domain, Categorical) else raw
        rows.append({"x": x, "value": float(mean), "low": float(low), "high": float(high)})
    return rows


def axis_chart(
    rows: list[dict[str, Any]], domain: Domain, name: str, metric: str, sign: float = 1.0,
    arrays: Mapping[str, Any] | None = None,
) -> Any:  # fmt: skip
    """Dots, the best as diamonds, diverged trials on a rail at the worse end, edge zones shaded, the profile as a band.

    ``arrays`` are those of a finding of kind "axis"; without them there is no profile.
    """
    alt = altair()
    arrays = arrays or {}
    profile = profile_rows(arrays, domain)
    known = [row["value"] for row in rows if row["value"] is not None]
    scale = inner = value_scale(known, sign)
    rail = 0.0
    if any(row["value"] is None for row in rows):
        scale, rail = scale.with_rail(sign)
    shown = [{**row, "y": rail if row["value"] is None else inner.clip(row["value"])} for row in rows]
    order = list(_LOOK)
    groups = sorted({row["group"] for row in rows}, key=lambda g: order.index(g) if g in order else -1)
    looks = [_LOOK.get(group, (ACCENT, "diamond")) for group in groups]
    x, y = domain_axis(domain, name), metric_axis(scale, metric)
    layers = [] if isinstance(domain, Categorical) else [_zones(domain, name, float(arrays.get("zone", 0.2)))]
    if profile:
        layers += _profile(profile, domain, x, y)
    kind = "x:N" if isinstance(domain, Categorical) else "x:Q"
    layers.append(
        alt.Chart(values(shown)).mark_point(filled=True, opacity=0.85).encode(
            x, metric_axis(scale, metric, "y:Q"),
            color=alt.Color("group:N", title=None, scale=alt.Scale(domain=groups, range=[c for c, _ in looks])),
            shape=alt.Shape("group:N", title=None, scale=alt.Scale(domain=groups, range=[s for _, s in looks])),
            size=alt.condition("datum.group === 'other'", alt.value(26), alt.value(64)),
            tooltip=tips("number:Q", kind, "value:Q", "group:N"),
        )
    )  # fmt: skip
    if "unit" in arrays:
        layers.append(_unit_bar(float(arrays["unit"]), scale, sign))
    return styled(alt.layer(*layers), 210)


def _profile(rows: list[dict[str, Any]], domain: Domain, x: Any, y: Any) -> list[Any]:
    alt = altair()
    chart = alt.Chart(values(rows))
    low, high = y.copy(), "high"
    low.shorthand = "low:Q"
    if isinstance(domain, Categorical):
        bars = chart.mark_rule(color=SECOND, strokeWidth=9, opacity=0.28).encode(x, low, y2=high)
        return [bars, chart.mark_tick(color=SECOND, thickness=2.5, size=30).encode(x, y)]
    band = chart.mark_area(color=SECOND, opacity=0.2, clip=True).encode(x, low, y2=high)
    return [band, chart.mark_line(color=SECOND, strokeWidth=2.2, clip=True).encode(x, y)]


def _zones(domain: Float | Int, name: str, zone: float) -> Any:
    alt = altair()
    low, high = domain_ends(domain)
    places = np.array([0.0, zone, 1.0 - zone, 1.0])
    edges = (low * (high / low) ** places if domain.log else low + (high - low) * places).tolist()
    zones = [{"from": edges[0], "to": edges[1]}, {"from": edges[2], "to": edges[3]}]
    x = domain_axis(domain, name, "from")
    return alt.Chart(values(zones)).mark_rect(color=QUIET, opacity=0.12).encode(x, x2="to")


def _unit_bar(unit: float, scale: Scale, sign: float) -> Any:
    """The size of the noise (or of the smallest effect), as a bar at the left: smaller differences are nothing."""
    alt = altair()
    best = scale.low if sign > 0 else scale.high
    ends = {"from": best, "to": scale.clip(best + sign * unit)}
    mark = alt.Chart(values([ends])).mark_rule(color=ACCENT, strokeWidth=5, opacity=0.75, clip=True)
    return mark.encode(y=alt.Y("from:Q"), y2="to", x=alt.value(4))
