"""Each study speaks through a logger of its own, below "tunewise", so that one study can be silenced or redirected."""

from __future__ import annotations

import logging


def logger_of(study: str) -> logging.Logger:
    """The logger "tunewise.study.NAME". It passes on to "tunewise", whose level and handler it has unless it is given its own.

    A point in a name is written %2E, and a per cent sign %25: to `logging`, "a.b" would be a part of "a" and fall silent with it.
    """
    return logging.getLogger(f"tunewise.study.{study.replace('%', '%25').replace('.', '%2E')}")
