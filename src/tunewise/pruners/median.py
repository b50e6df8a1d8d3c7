"""The median rule: the percentile rule at 50 %."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewise.pruners.percentile import Percentile
from tunewise.trials import Trials


@dataclass(frozen=True, slots=True)
class Median:
    """Prunes a trial whose best report so far is worse than the median of complete trials by that step.

    See `Percentile` for the rule, the settings and the source. Between two middle values the worse one counts.

    Raises:
        SettingError: a setting is out of its range.
    """

    name: ClassVar[str] = "median"

    n_startup_trials: int = 5
    n_warmup_steps: int = 0
    interval_steps: int = 1
    n_min_trials: int = 1

    def __post_init__(self) -> None:
        self._rule()

    def __call__(self, trials: Trials, number: int) -> bool:
        """Whether the trial is in the worse half."""
        return self._rule()(trials, number)

    def _rule(self) -> Percentile:
        return Percentile(
            50.0, self.n_startup_trials, self.n_warmup_steps, self.interval_steps, self.n_min_trials
        )
