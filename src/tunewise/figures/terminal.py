"""Small pictures for a terminal: the records of the other figures, in braille dots (2 by 4 to a character).

A picture is a list of lines, a line a list of (text, style); styles are the words "quiet", "accent", "good", "bad",
"plain" and "title", to which whoever prints gives colours. Everything can be read without colours too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tunewise.figures.scale import Scale, value_scale
from tunewise.space import Categorical, Domain
from tunewise.types import FloatArray

Line = list[tuple[str, str]]
Picture = list[Line]

_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
_RANK = {"quiet": 0, "plain": 1, "good": 2, "bad": 3, "accent": 4}


class Canvas:
    """A grid of ``width`` by ``height`` characters with the origin at the bottom left, in [0, 1] both ways."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bits = np.zeros((height, width), dtype=np.int64)
        self._style = [["quiet"] * width for _ in range(height)]
        self._glyph: dict[tuple[int, int], str] = {}

    def dots(self, x: FloatArray, y: FloatArray, style: str = "quiet") -> None:
        """A dot at each point; points that are not finite are left out."""
        for column, row in zip(*self._pixels(x, y), strict=True):
            self._mark(column // 2, row // 4, style)
            self._bits[row // 4, column // 2] |= _DOTS[row % 4, column % 2]

    def line(self, x: FloatArray, y: FloatArray, style: str = "accent") -> None:
        """A line through points in the order of x, as many dots a column as it takes to be unbroken."""
        known = np.isfinite(x) & np.isfinite(y)
        if known.sum() < 2:
            self.dots(x, y, style)
            return
        fine = np.linspace(x[known][0], x[known][-1], 16 * self.width)
        self.dots(fine, np.interp(fine, x[known], y[known]), style)

    def steps(self, x: FloatArray, y: FloatArray, style: str = "accent") -> None:
        """The same with level pieces that end where the next begins."""
        known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        if not len(known):
            return
        fine = np.linspace(x[known[0]], 1.0, 4 * self.width)
        at = known[np.searchsorted(x[known], fine, side="right") - 1]
        self.dots(fine, y[at], style)

    def put(self, x: float, y: float, glyph: str, style: str) -> None:
        """One character at a point."""
        columns, rows = self._pixels(np.array([x]), np.array([y]))
        if len(columns):
            self._mark(columns[0] // 2, rows[0] // 4, style)
            self._glyph[rows[0] // 4, columns[0] // 2] = glyph

    def rows(self) -> Picture:
        """The lines, top to bottom."""
        return [self._row(i) for i in range(self.height)]

    def _row(self, i: int) -> Line:
        line: Line = []
        for j in range(self.width):
            text = self._glyph.get((i, j)) or (chr(0x2800 + self._bits[i, j]) if self._bits[i, j] else " ")
            style = self._style[i][j]
            if line and line[-1][1] == style:
                line[-1] = (line[-1][0] + text, style)
            else:
                line.append((text, style))
        return line

    def _pixels(self, x: FloatArray, y: FloatArray) -> tuple[list[int], list[int]]:
        known = np.isfinite(x) & np.isfinite(y)
        columns = np.clip(np.asarray(x)[known] * 2 * self.width, 0, 2 * self.width - 1).astype(int)
        rows = np.clip((1 - np.asarray(y)[known]) * 4 * self.height, 0, 4 * self.height - 1).astype(int)
        return columns.tolist(), rows.tolist()

    def _mark(self, column: int, row: int, style: str) -> None:
        if _RANK[style] >= _RANK[self._style[row][column]]:
            self._style[row][column] = style


def history_picture(
    rows: Sequence[Mapping[str, Any]], metric: str, sign: float, width: int, height: int = 6
) -> Picture:
    """Every trial as a dot, the best so far as a line, trials without a value as crosses below. Records as `history_rows`."""
    n = max((row["number"] for row in rows), default=0)
    x = np.array([(row["number"] + 0.5) / (n + 1) for row in rows])
    value = _floats(rows, "value")
    scale = value_scale(value.tolist(), sign)
    canvas, labels = _canvas(width, height, scale)
    canvas.dots(x, scale.place(value))
    canvas.steps(x, scale.place(_floats(rows, "best")))
    rail = _rail(x[[row["state"] == "infeasible" for row in rows]], canvas.width)
    title = f"{metric}: every trial, and the best so far"
    return _framed(title, canvas, labels, rail, "─" * canvas.width, ("0", f"trial {n}"))


def axis_picture(
    rows: Sequence[Mapping[str, Any]], name: str, domain: Domain, sign: float, width: int, height: int = 6,
    profile: Mapping[str, Any] | None = None, zone: float = 0.2,
) -> Picture:  # fmt: skip
    """One parameter against the metric; the edge zones are the thick ends of the axis. Records as `axis_rows`.

    ``profile`` holds grid (in [0, 1]) and mean (values) of the best that is to be had at each place.
    """
    value = _floats(rows, "value")
    x = np.array([row["u"] for row in rows], dtype=np.float64)
    scale = value_scale(value.tolist(), sign)
    canvas, labels = _canvas(width, height, scale)
    is_best = np.array([row["group"].startswith("best") for row in rows], dtype=bool)
    if isinstance(domain, Categorical):
        x = x + _spread(len(rows)) / (3 * len(domain.choices))
    y = scale.place(value)
    canvas.dots(x[~is_best], y[~is_best])  # those without a value have no place
    if profile is not None:
        canvas.line(np.asarray(profile["grid"]), scale.place(np.asarray(profile["mean"])), "good")
    for u, v in zip(x[is_best], y[is_best], strict=True):
        canvas.put(u, v, "◆", "accent")
    rail = _rail(x[[row["group"] == "diverged" for row in rows]], canvas.width)
    if isinstance(domain, Categorical):
        return _framed(name, canvas, labels, rail, "─" * canvas.width, _choices(domain, canvas.width))
    edge = max(1, round(zone * canvas.width))
    axis = "━" * edge + "─" * (canvas.width - 2 * edge) + "━" * edge
    ends = (short(domain.low), short(domain.high) + (" log" if domain.log else ""))
    return _framed(name, canvas, labels, rail, axis, ends)


def curves_picture(
    rows: Sequence[Mapping[str, Any]], metric: str, sign: float, width: int, height: int = 6
) -> Picture:
    """Training curves; the best trial's in the accent colour. Records as `curves_rows`."""
    value, step = _floats(rows, "value"), _floats(rows, "step")
    scale = value_scale(value.tolist(), sign)
    canvas, labels = _canvas(width, height, scale)
    low, high = (float(step.min()), float(step.max())) if len(step) else (0.0, 1.0)
    x = (step - low) / ((high - low) or 1.0)
    trials = list(dict.fromkeys(row["trial"] for row in rows))
    for trial in reversed(trials):
        mine = np.array([row["trial"] == trial for row in rows])
        canvas.line(x[mine], scale.place(value[mine]), "accent" if trial == trials[0] else "quiet")
    title = (
        f"{metric} in training: {trials[0]} and the next {len(trials) - 1}"
        if len(trials) > 1
        else f"{metric} in training"
    )
    return _framed(title, canvas, labels, None, "─" * canvas.width, (short(low), f"step {short(high)}"))


def beside(pictures: Sequence[Picture], gap: int = 3) -> Picture:
    """Pictures side by side; shorter ones are filled up."""
    width = [max((_length(line) for line in picture), default=0) for picture in pictures]
    lines = []
    for i in range(max((len(picture) for picture in pictures), default=0)):
        joined: Line = []
        for picture, wide in zip(pictures, width, strict=True):
            line = picture[i] if i < len(picture) else []
            joined += [*line, (" " * (wide - _length(line) + gap), "plain")]
        lines.append(joined)
    return lines


def short(number: float) -> str:
    """A number with three digits, without a needless exponent: 0.1, 1e-05, 2.5e+03 as 2500."""
    if number == 0 or not math.isfinite(number):
        return f"{number:g}"
    if 1e-3 <= abs(number) < 1e5:
        return f"{float(f'{number:.3g}'):g}"
    mantissa, _, exponent = f"{number:.2e}".partition("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def as_text(picture: Picture) -> str:
    """The lines without their styles."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in picture)


def _framed(
    title: str, canvas: Canvas, labels: tuple[str, str], rail: str | None, axis: str, ends: tuple[str, str]
) -> Picture:
    margin = max(len(label) for label in labels)
    heads = [labels[0], *[""] * (canvas.height - 2), labels[1]]
    lines: Picture = [[(" " * (margin + 2) + _cut(title, canvas.width), "title")]]
    for head, row in zip(heads, canvas.rows(), strict=True):
        lines.append([(f"{head:>{margin}} │", "quiet"), *row])
    if rail is not None:
        lines.append([(f"{'∞':>{margin}} │", "bad"), (rail, "bad")])
    lines.append([(" " * margin + " └" + axis, "quiet")])
    left, right = ends
    gap = max(1, canvas.width - len(left) - len(right))
    lines.append([(" " * (margin + 2) + left + " " * gap + right, "quiet")])
    return lines


def _canvas(width: int, height: int, scale: Scale) -> tuple[Canvas, tuple[str, str]]:
    labels = (short(scale.high), short(scale.low))
    return Canvas(max(8, width - max(map(len, labels)) - 2), height), labels


def _rail(x: FloatArray, width: int) -> str | None:
    """Crosses at the places of diverged trials; None where there are none."""
    if not len(x):
        return None
    columns = set(np.clip(x * width, 0, width - 1).astype(int).tolist())
    return "".join("×" if j in columns else " " for j in range(width))


def _choices(domain: Categorical, width: int) -> tuple[str, str]:
    """The choices under the middles of their columns, in one line."""
    room = max(1, width // len(domain.choices))
    return "".join(f"{_cut(str(c), room - 1):^{room}}" for c in domain.choices)[:width], ""


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"


def _spread(n: int) -> FloatArray:
    """n fixed numbers in [-1, 1] that look random: a golden-ratio sequence."""
    return np.asarray(2 * ((np.arange(n) * 0.6180339887) % 1.0) - 1, dtype=np.float64)


def _floats(rows: Iterable[Mapping[str, Any]], key: str) -> FloatArray:
    return np.array([math.nan if row[key] is None else row[key] for row in rows], dtype=np.float64)


def _length(line: Line) -> int:
    return sum(len(text) for text, _ in line)
