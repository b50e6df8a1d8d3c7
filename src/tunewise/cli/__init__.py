"""The ``tunewise`` command; ``tunewise.cli.app`` says how it is built."""

from tunewise.cli.app import main

__all__ = ["main"]
