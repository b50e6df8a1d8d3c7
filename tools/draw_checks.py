"""Draws the pictures of docs/checks: runs the Python blocks of each page, and writes what they call ``pictures``.

    python tools/draw_checks.py                # all pages
    python tools/draw_checks.py boundaries     # one of them

A page shows them as ``NAME-1.svg``, ``NAME-2.svg``, ... beside itself. They are kept with the pages, so that these
can be read where they lie.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import tunewise

PAGES = Path(__file__).resolve().parents[1] / "docs" / "checks"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WIDTH = 480


def drawn(page: Path) -> list[Any]:
    """The pictures that the blocks of a page leave behind."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for code in BLOCK.findall(page.read_text(encoding="utf-8")):
        exec(compile(code, str(page), "exec"), names)
    return list(names.get("pictures", []))


def main() -> None:
    """Draw the pages that are named, by default all."""
    tunewise.logging.set_verbosity(tunewise.logging.ERROR)
    for page in sorted(PAGES.glob("*.md")):
        if len(sys.argv) > 1 and page.stem not in sys.argv[1:]:
            continue
        for old in PAGES.glob(f"{page.stem}-*.svg"):
            old.unlink()
        for i, picture in enumerate(drawn(page), 1):
            path = PAGES / f"{page.stem}-{i}.svg"
            picture.chart.properties(width=WIDTH).save(path)
            print(f"{path.name}: {picture.title}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
