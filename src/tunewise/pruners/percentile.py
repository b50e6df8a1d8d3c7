"""The percentile rule: compare a trial's best report so far with what complete trials had reached by that step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewise.curves import Curves
from tunewise.errors import SettingError
from tunewise.pruners._ranks import carried_to, is_due, loss_curves, own_curve, percentile_loss, select
from tunewise.records import TrialState
from tunewise.trials import Trials


@dataclass(frozen=True, slots=True)
class Percentile:
    """Prunes a trial whose best report so far is not among the best ``percentile`` % of complete trials.

    A complete trial counts with its last report at or before the step of the judgement, so trials that report
    at different steps are comparable. A trial whose reports were never finite is pruned. The rule is the median
    stopping rule of Golovin et al. 2017 (Vizier), section 3.2.2, for any percentile and with the latest report
    in the place of the running average. Cost: O(r) in the reports of complete trials.

    Args:
        percentile: the share of complete trials to be among, 0 to 100.
        n_startup_trials: judge nothing before so many trials are complete.
        n_warmup_steps: judge nothing before this step.
        interval_steps: judge once in so many steps.
        n_min_trials: judge only where so many complete trials have a report by that step.

    Raises:
        SettingError: a setting is out of its range.
    """

    name: ClassVar[str] = "percentile"

    percentile: float = 50.0
    n_startup_trials: int = 5
    n_warmup_steps: int = 0
    interval_steps: int = 1
    n_min_trials: int = 1

    def __post_init__(self) -> None:
        if not 0.0 <= self.percentile <= 100.0:
            raise SettingError(f"percentile is {self.percentile}; it must lie in 0 to 100.")
        check_counts(n_startup_trials=(self.n_startup_trials, 0), n_min_trials=(self.n_min_trials, 1))
        check_counts(n_warmup_steps=(self.n_warmup_steps, 0), interval_steps=(self.interval_steps, 1))

    def __call__(self, trials: Trials, number: int) -> bool:
        """Whether the trial's best report is worse than the percentile of complete trials at its last step."""
        step, loss = own_curve(trials, number)
        if not is_due(step, self.n_warmup_steps, self.interval_steps):
            return False
        complete = trials.memo("complete curves", _complete_curves)
        if trials.memo("n complete", _n_complete) < max(self.n_startup_trials, 1):
            return False
        best = loss.min()
        peers = carried_to(complete, int(step[-1]))
        if best == float("inf"):
            return True
        return len(peers) >= self.n_min_trials and bool(best > percentile_loss(peers, self.percentile))


def check_counts(**settings: tuple[int, int]) -> None:
    """Raise SettingError for a setting (value, least) below its least value."""
    for name, (value, least) in settings.items():
        if value < least:
            raise SettingError(f"{name} is {value}; it must be at least {least}.")


def _complete_curves(trials: Trials) -> Curves:
    return select(loss_curves(trials), trials.state == TrialState.COMPLETE)


def _n_complete(trials: Trials) -> int:
    return int((trials.state == TrialState.COMPLETE).sum())
