"""All checks of one round: each applies what it can and says what it lacks."""

from __future__ import annotations

from tunewise.errors import SettingError
from tunewise.playbook.boundaries import boundaries
from tunewise.playbook.curves import curve_checks
from tunewise.playbook.density import density
from tunewise.playbook.evidence import gather
from tunewise.playbook.finding import Findings
from tunewise.playbook.infeasible import infeasible_share
from tunewise.space import Space
from tunewise.trials import Trials


def check(
    trials: Trials,
    space: Space | None = None,
    *,
    noise_sd: float | None = None,
    min_effect: float = 0.0,
    command: str = "",
) -> Findings:
    """Every applicable finding about a study, worst first.

    Args:
        trials: the study's table.
        space: the space that was searched; by default the declared one, else all parameters that were seen.
        noise_sd: SD over seeds of the first goal at a good configuration, where it was measured.
        min_effect: the smallest change of the first goal worth acting on.
        command: the Python expression for the round, with which the lines that the findings print begin.

    Raises:
        SettingError: several goals; the checks judge one.
    """
    if len(trials.goals) > 1:
        raise SettingError(f"The checks judge one goal; this study has {len(trials.goals)}.")
    if space is None:
        space = trials.space
    evidence = gather(trials, space, noise_sd, min_effect, command)
    return Findings(
        [infeasible_share(evidence), *boundaries(evidence), density(evidence), *curve_checks(evidence)]
    )
