"""No pruning: every trial runs to its end, as the exploration phase wants it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewise.trials import Trials


@dataclass(frozen=True, slots=True)
class Never:
    """Never prunes."""

    name: ClassVar[str] = "never"

    def __call__(self, trials: Trials, number: int) -> bool:
        """False."""
        return False
