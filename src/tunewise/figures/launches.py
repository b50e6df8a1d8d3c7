"""The launch log as a picture: the improvement of every decision with its interval, adopted or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from tunewise.figures.style import ACCENT, QUIET, SECOND, altair, styled, tips, values

_VERDICTS = ["ADOPT", "KEEP", "UNDECIDED"]


def launch_rows(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Records (label, verdict, improvement, low, high), oldest first; entries without an improvement are left out."""
    rows = []
    for i, entry in enumerate(log, 1):
        if entry.get("improvement") is None:
            continue
        day = datetime.fromtimestamp(entry["at"], timezone.utc).date().isoformat() if entry.get("at") else ""
        improvement = float(entry["improvement"])
        low, high = (float(entry[k]) if entry.get(k) is not None else improvement for k in ("low", "high"))
        what = str(entry.get("cost") or "no cost named")
        rows.append({"label": f"{i}  {day}", "what": what, "verdict": str(entry["verdict"]), "improvement": improvement,
                     "low": low, "high": high})  # fmt: skip
    return rows


def launch_chart(rows: list[dict[str, Any]], metric: str) -> Any:
    """One row a decision: a dot with its 90 % interval; the dashed line is "no difference"."""
    alt = altair()
    order = [row["label"] for row in rows]
    y = alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=160))
    x = alt.X("improvement:Q", title=f"improvement of {metric}", axis=alt.Axis(format="~g"))
    colour = alt.Color(
        "verdict:N", title=None, scale=alt.Scale(domain=_VERDICTS, range=[ACCENT, QUIET, SECOND])
    )
    chart = alt.Chart(values(rows))
    bars = chart.mark_rule(strokeWidth=4, opacity=0.45).encode(alt.X("low:Q"), y, x2="high", color=colour)
    dots = chart.mark_point(filled=True, size=100, opacity=1).encode(
        x, y, color=colour, tooltip=tips("label:N", "what:N", "verdict:N", "improvement:Q", "low:Q", "high:Q"),
        shape=alt.Shape("verdict:N", title=None, scale=alt.Scale(domain=_VERDICTS, range=["circle", "square", "diamond"])),
    )  # fmt: skip
    zero = alt.Chart(values([{"improvement": 0.0}])).mark_rule(color=QUIET, strokeDash=[4, 3]).encode(x)
    return styled(alt.layer(zero, bars, dots), 40 * max(2, len(rows)))
