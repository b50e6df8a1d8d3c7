"""Patience around another pruner: a trial that still improves is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewise.errors import SettingError
from tunewise.pruners._ranks import own_curve
from tunewise.pruners.base import Pruner
from tunewise.pruners.percentile import check_counts
from tunewise.trials import Trials


@dataclass(frozen=True, slots=True)
class Patient:
    """Prunes where ``wrapped`` would, but only a trial that has stopped improving.

    It has stopped improving where its last ``patience + 1`` reports are all worse, by more than ``min_delta``,
    than its best report before those. Cost: O(the trial's own reports) and the wrapped pruner's.

    Args:
        wrapped: the pruner to restrain; None prunes on lost patience alone.
        patience: how many further reports without improvement are forgiven.
        min_delta: how much worse counts, in units of the metric.

    Raises:
        SettingError: a setting is out of its range.
    """

    name: ClassVar[str] = "patient"

    wrapped: Pruner | None = None
    patience: int = 5
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        check_counts(patience=(self.patience, 0))
        if not self.min_delta >= 0.0:
            raise SettingError(f"min_delta is {self.min_delta}; it must be at least 0.")

    def __call__(self, trials: Trials, number: int) -> bool:
        """Whether patience is lost and the wrapped pruner agrees."""
        _, loss = own_curve(trials, number)
        n_recent = self.patience + 1
        if len(loss) <= n_recent or not loss[:-n_recent].min() + self.min_delta < loss[-n_recent:].min():
            return False
        return self.wrapped is None or self.wrapped(trials, number)
