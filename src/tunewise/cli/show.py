"""How commands print: tables for people (rich, in colour on a terminal only), JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

import click

from tunewise.records import FrozenTrial, TrialState
from tunewise.types import Json

_LOOK = {
    TrialState.QUEUED: ("…", "dim"),
    TrialState.RUNNING: ("●", "cyan"),
    TrialState.COMPLETE: ("✓", "green"),
    TrialState.PRUNED: ("✂", "yellow"),
    TrialState.FAILED: ("✗", "red"),
    TrialState.INFEASIBLE: ("∞", "magenta"),
}
_WIDE = 100_000


def console() -> Any:
    """A rich console on stdout: as wide as the terminal, unlimited in a pipe, so that nothing is cut for programs."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under column heads; numbers are right-aligned."""
    from rich.table import Table
    from rich.text import Text

    rows = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for j, column in enumerate(columns):
        is_number = all(isinstance(row[j], int | float) or row[j] is None for row in rows)
        table.add_column(column, justify="right" if is_number else "left", no_wrap=not sys.stdout.isatty())
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(as_text(cell)) for cell in row))
    out = console()
    with out.capture() as captured:
        out.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_paragraph(words: str, label: str = "") -> None:
    """Print a sentence, folded to the terminal's width with a hanging indent; in a pipe one line."""
    import textwrap

    width = terminal_width() if sys.stdout.isatty() else _WIDE
    folded = textwrap.wrap(words, width, initial_indent=label, subsequent_indent=" " * len(label))
    click.secho("\n".join(folded), dim=True)


def terminal_width() -> int:
    """Characters in a line of the terminal; 100 in a pipe."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def counts_text(trials: Any) -> str:
    """How many trials there are, and in which states."""
    counts = {state: int((trials.state == state).sum()) for state in TrialState}
    words = {**{state: state.name.lower() for state in TrialState}, TrialState.INFEASIBLE: "diverged"}
    parts = [f"{n} {words[state]}" for state, n in counts.items() if n]
    return f"{len(trials)} trials: {', '.join(parts)}" if parts else "no trials yet"


def print_json(data: Json) -> None:
    """Print valid JSON; NaN and infinities become null."""
    click.echo(json.dumps(finite(data), indent=2, ensure_ascii=False))


def as_text(value: object) -> str:
    """A cell: floats with 5 digits, None as nothing."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.5g}"
    return str(value)


def state_text(state: TrialState) -> Any:
    """A state with its glyph and colour, readable without colour too."""
    from rich.text import Text

    glyph, style = _LOOK[state]
    return Text(f"{glyph} {state.name.lower()}", style=style)


def params_text(record: FrozenTrial, most: int | None = None) -> str:
    """The parameters in one line, the first ``most`` of them."""
    each = [f"{name}={as_text(value)}" for name, value in record.params.items()]
    more = len(each) - (most or len(each))
    return " ".join([*each[:most], *([f"and {more} others"] if more > 0 else [])])


def as_json(record: FrozenTrial) -> dict[str, Json]:
    """A trial as plain values; times as ISO 8601 in UTC."""
    return {
        "number": record.number,
        "state": record.state.name.lower(),
        "values": None if record.values is None else list(record.values),
        "params": record.params,
        "user_attrs": dict(record.user_attrs),
        "constraints": dict(record.constraints),
        "curves": {metric: [[s, v] for s, v in curve.items()] for metric, curve in record.curves.items()},
        "reason": record.reason,
        "started_at": iso(record.started_at),
        "finished_at": iso(record.finished_at),
        "duration": record.duration,
    }


def iso(at: float) -> str | None:
    """POSIX seconds as ISO 8601 in UTC; None for NaN."""
    return (
        None
        if math.isnan(at)
        else datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds")
    )


def finite(value: Json) -> Json:
    """A plain value with None for NaN and infinities, which JSON does not know."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
