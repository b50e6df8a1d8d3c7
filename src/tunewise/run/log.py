"""What a study says while it runs: one line for each finished trial, on its logger "tunewise.study.NAME".

The lines have the shape that Optuna's users (and their log parsers) know:
``[I 2023-03-28 08:27:02,336] Trial 99 finished with value: 0.52 and parameters: {...}. Best is trial 66 with value: 0.54.``
They go to stderr through one handler, that of "tunewise", which does not propagate, so that nothing is printed twice.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from logging import CRITICAL, DEBUG, ERROR, FATAL, INFO, WARN, WARNING
from typing import TextIO

from tunewise.loggers import logger_of
from tunewise.records import FrozenTrial, Goal, TrialState

__all__ = ["CRITICAL", "DEBUG", "ERROR", "FATAL", "INFO", "WARN", "WARNING", "get_verbosity", "set_verbosity"]

logger = logging.getLogger("tunewise")

_COLOURS = {
    DEBUG: "\x1b[37m",
    INFO: "\x1b[32m",
    WARNING: "\x1b[33m",
    ERROR: "\x1b[31m",
    CRITICAL: "\x1b[1;31m",
}


class LineFormatter(logging.Formatter):
    """``[I 2023-03-28 08:27:02,336] message``, the bracket coloured where ``colour`` is set."""

    def __init__(self, colour: bool = False) -> None:
        super().__init__("[%(levelname)1.1s %(asctime)s] %(message)s")
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """The line of one log record."""
        line = super().format(record)
        if not self.colour:
            return line
        head, bracket, message = line.partition("]")
        return f"{_COLOURS.get(record.levelno, '')}{head}{bracket}\x1b[0m{message}"


class StderrHandler(logging.Handler):
    """Writes to whatever ``sys.stderr`` is when a line is written, so that redirection always works."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; coloured on a terminal, unless the variable NO_COLOR is set."""
        stream = sys.stderr
        if stream is None:  # a program without a console
            return
        try:
            stream.write(LineFormatter(_wants_colour(stream)).format(record) + "\n")
            stream.flush()
        except (OSError, ValueError):
            self.handleError(record)


handler = StderrHandler()
logger.addHandler(handler)
logger.setLevel(INFO)
logger.propagate = False


def get_verbosity() -> int:
    """The level from which messages are shown, as in the standard library's ``logging`` (default: INFO).

    A study whose `Study.logger` was given a level has that one.
    """
    return logger.getEffectiveLevel()


def set_verbosity(level: int) -> None:
    """Show messages from ``level`` on, such as ``tunewise.logging.WARNING``. `Study.logger` has a level for one study."""
    logger.setLevel(level)


@contextmanager
def quiet(level: int = WARNING) -> Iterator[None]:
    """Show only messages from ``level`` on inside."""
    before = logger.level
    logger.setLevel(max(level, before))
    try:
        yield
    finally:
        logger.setLevel(before)


def log_created(name: str, where: str) -> None:
    """Say that a study was created; ``where`` is "in memory" or names the storage: "in sqlite:///x.db"."""
    logger_of(name).info("A new study created %s with name: %s", where, name)


def log_other_version(logger: logging.Logger, sampler: str, recorded: int, present: int) -> None:
    """Say on a study's logger that its first trials cannot be replayed here."""
    began = f"version {recorded}" if recorded else "an unknown version"
    logger.warning(
        "This study was begun by %s of the sampler %r; from here on it is version %d. What was suggested until now comes out "
        "bit for bit only with the tunewise that made it.",
        began,
        sampler,
        present,
    )


def log_finished(
    logger: logging.Logger, record: FrozenTrial, best: FrozenTrial | None, goals: Sequence[Goal]
) -> None:
    """Say on a study's logger how a trial ended. ``best`` is the best so far, None where none completed or goals are several."""
    if record.state in (TrialState.FAILED, TrialState.INFEASIBLE):
        if logger.isEnabledFor(WARNING):
            logger.warning(_not_completed(record))
    elif logger.isEnabledFor(INFO):
        logger.info(_pruned(record) if record.state == TrialState.PRUNED else _completed(record, best, goals))


def _completed(record: FrozenTrial, best: FrozenTrial | None, goals: Sequence[Goal]) -> str:
    values = record.values or ()
    if len(goals) > 1:
        return f"Trial {record.number} finished with values: {list(values)} and parameters: {record.params}."
    line = f"Trial {record.number} finished with value: {values[0]} and parameters: {record.params}."
    if best is not None and best.values is not None:
        line += f" Best is trial {best.number} with value: {best.values[0]}."
    return line


def _pruned(record: FrozenTrial) -> str:
    return f"Trial {record.number} pruned. {record.reason or ''}"


def _not_completed(record: FrozenTrial) -> str:
    how = "failed" if record.state == TrialState.FAILED else "diverged"
    line = f"Trial {record.number} {how} with parameters: {record.params}"
    return f"{line} because of the following error: {record.reason}." if record.reason else f"{line}."


def _wants_colour(stream: TextIO) -> bool:
    return not os.environ.get("NO_COLOR") and stream.isatty()
