"""The command: run rows, print the table, keep the results of full runs for the documentation."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import validation
from tunewise.run import log
from validation.core import ROWS, Figure, Size, run_row

ROOT = Path(__file__).resolve().parents[1]
RESULTS, PAGE = Path(__file__).with_name("results.json"), ROOT / "docs" / "validation.md"
MARK = "<!-- written by python -m validation; what follows is not edited by hand -->"


def load() -> None:
    """Import every module of the folder, so that all rows are entered."""
    for module in iter_modules(validation.__path__):
        if not module.name.startswith("_"):
            import_module(f"validation.{module.name}")


def order(code: str) -> int:
    """Rows by their number."""
    return int(code[1:])


def lines(code: str, figures: list[Figure]) -> list[str]:
    """Rows of a Markdown table."""
    return [
        f"| {code if i == 0 else ''} | {f.what} | {f.wanted} | {_reached(f)} | {f.runs} |"
        for i, f in enumerate(figures)
    ]


def _reached(figure: Figure) -> str:
    if not figure.ok:
        return f"**missed:** {figure.reached}"
    return f"{figure.reached} (by error)" if figure.by_error else figure.reached


def page(results: dict[str, list[Figure]]) -> str:
    """One table a row of the plan, with the command that makes it."""
    out = [MARK, ""]
    for code in sorted(results, key=order):
        out += [f"## {code}: {ROWS[code].title}", "", (ROWS[code].run.__doc__ or "").strip(), ""]
        out += [
            f"`python -m validation {code}`",
            "",
            "| row | figure | wanted | reached | runs |",
            "|---|---|---|---|---|",
        ]
        out += [*lines(code, results[code]), ""]
    return "\n".join(out)


def keep(results: dict[str, list[Figure]]) -> None:
    """Put new full results in place of the old ones, and write the page anew below its mark."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    known.update({code: [asdict(f) for f in figures] for code, figures in results.items()})
    ordered = {code: known[code] for code in sorted(known, key=order) if code in ROWS}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    table = page({code: [Figure(**f) for f in figures] for code, figures in ordered.items()})
    PAGE.write_text(text + table, encoding="utf-8")


def main() -> int:
    """Run what was asked for; 1 if a figure missed its bound."""
    parser = argparse.ArgumentParser(prog="python -m validation", description=validation.__doc__)
    parser.add_argument("rows", nargs="*", help="such as V3 V4; by default all")
    parser.add_argument("--reduced", action="store_true", help="the size that the tests use; nothing is kept")
    asked = parser.parse_args()
    load()
    log.set_verbosity(log.ERROR)
    missed = 0
    print("| row | figure | wanted | reached | runs |\n|---|---|---|---|---|")
    for code in asked.rows or sorted(ROWS, key=order):
        figures, seconds = run_row(code, Size(asked.reduced))
        print("\n".join(lines(code, figures)), flush=True)
        print(f"{code} {ROWS[code].title}: {seconds:.0f} s of CPU time", file=sys.stderr, flush=True)
        missed += sum(not figure.ok for figure in figures)
        if not asked.reduced:
            keep({code: figures})
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
