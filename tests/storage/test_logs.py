"""Every log passes one contract; a log that breaks it is found."""

import pytest

from tunewise.errors import Conflict
from tunewise.storage import MemoryLog
from tunewise.testing import LOG_CHECKS, check_log

KINDS = ("memory", "sqlite", "directory", "postgresql", "mariadb", "redis", "http")


@pytest.mark.parametrize("check", LOG_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_log_keeps_the_contract(kind, check, opener):
    check(opener(kind))


class Wrong:
    """A memory log with one method that is wrong."""

    def __init__(self, **methods):
        self._log = MemoryLog()
        for name, method in methods.items():
            setattr(self, name, lambda *args, _method=method, **extra: _method(self._log, *args, **extra))

    def __getattr__(self, name):
        return getattr(self._log, name)


def overwriting(log, study, events, at=None, **extra):
    try:
        return log.append(study, events, at, **extra)
    except Conflict:
        return log.append(study, events, **extra)


BREACHES = {
    "forgets operations": {"append": lambda log, *args, op=None, **extra: log.append(*args, **extra)},
    "ignores conflicts": {"append": overwriting},
    "reads from the beginning": {"read": lambda log, study, start, *most: log.read(study, 0, *most)},
    "reads backwards": {"read": lambda log, study, start, *most: log.read(study, start, *most)[::-1]},
    "reads more than is asked for": {"read": lambda log, study, start, *most: log.read(study, start)},
    "loses the last event": {"append": lambda log, study, events, *args, **extra: log.append(study, events[:-1], *args, **extra)},
    "folds names": {"append": lambda log, study, *args, **extra: log.append(study.lower().strip(), *args, **extra),
                    "read": lambda log, study, *places: log.read(study.lower().strip(), *places)},
    "one map of stamps": {"beat": lambda log, study, *args: log.beat("s", *args)},
    "forgets to delete": {"delete": lambda log, study: None},
}  # fmt: skip


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_found(breach):
    def new_store():
        log = Wrong(**BREACHES[breach])
        return lambda: log

    with pytest.raises(AssertionError):
        check_log(new_store)
