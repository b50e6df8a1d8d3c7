"""A fixed corridor for the reported value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from tunewise.errors import SettingError
from tunewise.pruners._ranks import is_due
from tunewise.pruners.percentile import check_counts
from tunewise.trials import Trials


@dataclass(frozen=True, slots=True)
class Threshold:
    """Prunes a trial whose last report is below ``lower``, above ``upper``, or not finite.

    The bounds are in the units of the metric, whatever its direction. Cost: O(1).

    Args:
        lower, upper: the corridor; None leaves a side open. With both open only NaN and inf are pruned.
        n_warmup_steps: judge nothing before this step.
        interval_steps: judge once in so many steps.

    Raises:
        SettingError: a setting is out of its range.
    """

    name: ClassVar[str] = "threshold"

    lower: float | None = None
    upper: float | None = None
    n_warmup_steps: int = 0
    interval_steps: int = 1

    def __post_init__(self) -> None:
        low, high = self._corridor()
        if not low <= high:
            raise SettingError(
                f"The corridor is {low} to {high}; lower must be at most upper, and neither NaN."
            )
        check_counts(n_warmup_steps=(self.n_warmup_steps, 0), interval_steps=(self.interval_steps, 1))

    def __call__(self, trials: Trials, number: int) -> bool:
        """Whether the last report lies outside the corridor."""
        step, value = trials.curves().of(number)
        if not is_due(step, self.n_warmup_steps, self.interval_steps):
            return False
        last = float(value[-1])
        low, high = self._corridor()
        return not (math.isfinite(last) and low <= last <= high)

    def _corridor(self) -> tuple[float, float]:
        low = -math.inf if self.lower is None else self.lower
        return low, math.inf if self.upper is None else self.upper
