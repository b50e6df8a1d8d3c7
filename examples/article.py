"""Run an Optuna script on tunewise without touching it: one import line is replaced, and nothing else.

Give a Python file, or the text of an article that has the script in it::

    python examples/article.py my_optuna_script.py

The script must import Optuna by ``import optuna``. What it needs itself (torchvision, say) must be installed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path


def script_in(text: str) -> str:
    """The Python script in a text: from its first import to the end of its main block (or of the text)."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if re.match(r"(import|from) \w", line))
    main = next((i for i, line in enumerate(lines) if line.startswith("if __name__")), len(lines))
    end = next((i for i in range(main + 1, len(lines)) if re.match(r"\S", lines[i])), len(lines))
    return "\n".join(lines[start:end]) + "\n"


def on_tunewise(script: str) -> str:
    """The script with its import of Optuna replaced. Raises SystemExit when it has no such line."""
    adapted, n_replaced = re.subn(
        r"^import optuna$", "import tunewise.optuna as optuna", script, flags=re.MULTILINE
    )
    if n_replaced != 1:
        raise SystemExit(f"The script has {n_replaced} lines `import optuna`; it needs exactly one.")
    return adapted


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python article.py SCRIPT_OR_ARTICLE")
    source = on_tunewise(script_in(Path(sys.argv[1]).read_text(encoding="utf-8")))
    exec(compile(source, "<script>", "exec"), {"__name__": "__main__"})
