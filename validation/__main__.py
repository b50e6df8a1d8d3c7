"""The command: run rows, print the table."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pkgutil import iter_modules

import validation
from tunewise.run import log
from validation.core import ROWS, Figure, Size, run_row


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
        f"| {code if i == 0 else ''} | {f.what} | {f.wanted} | {'' if f.ok else '**missed:** '}{f.reached} | {f.runs} |"
        for i, f in enumerate(figures)
    ]


def main() -> int:
    """Run what was asked for; 1 if a figure missed its bound."""
    parser = argparse.ArgumentParser(prog="python -m validation", description=validation.__doc__)
    parser.add_argument("rows", nargs="*", help="such as V3 V4; by default all")
    parser.add_argument("--reduced", action="store_true", help="the size that the tests use")
    asked = parser.parse_args()
    load()
    log.set_verbosity(log.ERROR)
    missed = 0
    print("| row | figure | wanted | reached | runs |\n|---|---|---|---|---|")
    for code in asked.rows or sorted(ROWS, key=order):
        figures, seconds = run_row(code, Size(asked.reduced))
        print("\n".join(lines(code, figures)), flush=True)
        print(f"{code} {ROWS[code].title}: {seconds:.0f} s", file=sys.stderr, flush=True)
        missed += sum(not figure.ok for figure in figures)
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
