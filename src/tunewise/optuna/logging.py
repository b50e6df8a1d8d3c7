"""Optuna's logging functions, for the logger "tunewise"."""

from logging import CRITICAL, DEBUG, ERROR, FATAL, INFO, WARN, WARNING

from tunewise.run.log import get_verbosity, handler, logger, set_verbosity

__all__ = [
    "CRITICAL",
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "WARN",
    "WARNING",
    "disable_default_handler",
    "disable_propagation",
    "enable_default_handler",
    "enable_propagation",
    "get_verbosity",
    "set_verbosity",
]


def disable_default_handler() -> None:
    """Write no lines to stderr."""
    logger.removeHandler(handler)


def enable_default_handler() -> None:
    """Write lines to stderr, which is the default."""
    logger.addHandler(handler)


def disable_propagation() -> None:
    """Do not pass messages on to the root logger, which is the default."""
    logger.propagate = False


def enable_propagation() -> None:
    """Pass messages on to the root logger."""
    logger.propagate = True
