"""What must be made anew in the child of a fork: locks, connections, names of workers."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something that cannot simply be inherited by a forked process."""

    def renew(self) -> None:
        """Called in the child, before anything else runs there."""
        ...


_known: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Have ``thing.renew()`` called in every child process that is forked while it exists."""
    _known.add(thing)


def _renew_all() -> None:
    for thing in list(_known):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
