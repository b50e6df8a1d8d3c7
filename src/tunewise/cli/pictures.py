"""The small plots under the findings: history, curves, and one axis plot for each parameter that matters."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from tunewise.playbook.finding import Findings, Verdict

_MOST_AXES, _NARROWEST, _WIDEST = 6, 36, 56
_GLYPHS = {Verdict.ACT: "▲", Verdict.UNSURE: "?"}
_COLOURS = {
    "quiet": "dim",
    "accent": "bold cyan",
    "good": "green",
    "bad": "magenta",
    "plain": "",
    "title": "bold",
}


def print_pictures(trials: Any, space: Any, findings: Findings, width: int) -> None:
    """Draw what fits into ``width`` characters: two or three plots side by side."""
    from tunewise.figures.terminal import beside

    n_columns = max(1, min(3, (width + 3) // (_NARROWEST + 10)))
    each = min(_WIDEST, (width - 3 * (n_columns - 1)) // n_columns)
    if each < 20:
        return
    pictures = [*_overview(trials, each), *_axes(trials, space, findings, each)]
    for start in range(0, len(pictures), n_columns):
        _print(beside(pictures[start : start + n_columns]))


def _overview(trials: Any, width: int) -> list[Any]:
    from tunewise.figures import curves_rows, history_rows
    from tunewise.figures.terminal import curves_picture, history_picture

    goal = trials.goals[0]
    rows = history_rows(trials)
    pictures = (
        [history_picture(rows, goal.name, goal.sign, width)]
        if any(r["value"] is not None for r in rows)
        else []
    )
    curves = curves_rows(trials)
    return [*pictures, curves_picture(curves, goal.name, goal.sign, width)] if curves else pictures


def _axes(trials: Any, space: Any, findings: Findings, width: int) -> list[Any]:
    from tunewise.figures import axis_rows
    from tunewise.figures.terminal import axis_picture

    goal = trials.goals[0]
    arrays = {f.subject: (f.verdict, f.arrays) for f in findings if f.arrays.get("kind") == "axis"}
    pictures = []
    for name in _most_important(trials, space, arrays):
        rows = axis_rows(trials, space, name)
        if not any(row["value"] is not None for row in rows):
            continue
        verdict, data = arrays.get(name, (None, {}))
        profile = None
        if "grid" in data:
            profile = {"grid": data["grid"], "mean": goal.sign * np.asarray(data["mean"])}
        title = f"{_GLYPHS[verdict]} {name}" if verdict in _GLYPHS else name
        zone = float(data.get("zone", 0.2))
        pictures.append(axis_picture(rows, title, space[name], goal.sign, width, profile=profile, zone=zone))
    return pictures


def _most_important(trials: Any, space: Any, arrays: dict[str, Any]) -> list[str]:
    """Parameters that ask for something first, then by importance."""
    from tunewise.importance import ped_anova

    shares = ped_anova(trials, space)
    asks = {name: list(_GLYPHS).index(verdict) for name, (verdict, _) in arrays.items() if verdict in _GLYPHS}
    return sorted(shares, key=lambda name: (asks.get(name, len(_GLYPHS)), -shares[name]))[:_MOST_AXES]


def _print(picture: Any) -> None:
    from rich.text import Text

    from tunewise.cli.show import console

    out = console()
    for line in picture:
        text = Text(no_wrap=True)
        for piece, style in line:
            text.append(piece, _COLOURS[style])
        text.rstrip()
        with out.capture() as captured:
            out.print(text, no_wrap=True, crop=False, soft_wrap=True)
        click.echo(captured.get(), nl=False)
    click.echo()
