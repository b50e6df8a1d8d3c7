"""The foot of every command's ``--help``: examples, and what the exit codes mean."""

from __future__ import annotations


def epilog(*examples: str, codes: str) -> str:
    """Text for click's ``epilog``: the examples as they are typed, then the exit codes."""
    lines = "\n".join(f"  {example}" for example in examples)
    return f"\b\nExample{'s' if len(examples) > 1 else ''}:\n{lines}\n\nExit codes: {codes}"
