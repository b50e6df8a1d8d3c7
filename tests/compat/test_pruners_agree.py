"""Our pruners against Optuna's, report by report, where the rules are meant to be the same.

They differ on purpose where trials report at different steps (ours compare them), between two middle values (ours
takes a member, so that only ranks count), in what NaN means on a rung (ours counts it as the worst value there), in
who stands on a rung whose step is found later (ours: all whose curves passed it), and in the brackets of Hyperband.
"""

from __future__ import annotations

import numpy as np
import optuna
import pytest

from tunewise import pruners
from tunewise.events import Reported, StudyCreated, TrialFinished, TrialStarted
from tunewise.records import Goal, TrialState
from tunewise.trials import Trials

THEIRS = optuna.pruners
WITH_NAN = (pruners.Median, pruners.Percentile, pruners.Threshold)
PAIRS = {
    "median": (pruners.Median(5, 2, 3), lambda: THEIRS.MedianPruner(5, 2, 3), 5),
    "percentile 25": (pruners.Percentile(25.0), lambda: THEIRS.PercentilePruner(25.0), 5),
    "percentile 75": (pruners.Percentile(75.0, 1), lambda: THEIRS.PercentilePruner(75.0, 1), 9),
    "threshold": (pruners.Threshold(-1.0, 1.0, 1, 2), lambda: THEIRS.ThresholdPruner(-1.0, 1.0, 1, 2), 5),
    "patient": (
        pruners.Patient(pruners.Median(1), 2, 0.1),
        lambda: THEIRS.PatientPruner(THEIRS.MedianPruner(1), 2, 0.1),
        7,
    ),
    "halving": (pruners.SuccessiveHalving(1, 2), lambda: THEIRS.SuccessiveHalvingPruner(1, 2), 0),
    "halving, late": (
        pruners.SuccessiveHalving(2, 3, 1),
        lambda: THEIRS.SuccessiveHalvingPruner(2, 3, 1),
        0,
    ),
    "halving, thick rungs": (
        pruners.SuccessiveHalving(1, 2, 0, 3),
        lambda: THEIRS.SuccessiveHalvingPruner(1, 2, 0, 3),
        0,
    ),
}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning", "ignore:All-NaN")
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize(("ours", "theirs", "n_full"), PAIRS.values(), ids=PAIRS.keys())
def test_decisions_agree_on_random_curves(ours, theirs, n_full, direction):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rng = np.random.default_rng(1)
    n_decisions = n_pruned = 0
    for _ in range(6):
        study = optuna.create_study(direction=direction, pruner=theirs())
        trials = Trials()
        trials.apply(StudyCreated((Goal("value", direction),), 0, 0.0))
        curves = np.cumsum(rng.normal(0, 0.3, (n_full + 15, 12)), axis=1)
        if isinstance(ours, WITH_NAN):
            curves[n_full:][rng.random((15, 12)) < 0.05] = np.nan
        for number, curve in enumerate(curves):
            reference = study.ask()
            trials.apply(TrialStarted(number, "", "", 0.0))
            pruned = False
            for step, value in enumerate(curve.tolist()):
                reference.report(value, step)
                trials.apply(Reported(number, step, {"value": value}, 0.0))
                expected = reference.should_prune()
                if number < n_full:
                    continue
                assert ours(trials, number) == expected, (number, step)
                n_decisions += 1
                n_pruned += expected
                if expected:
                    pruned = True
                    break
            finish(study, reference, trials, number, pruned or number >= n_full, float(curve[-1]))
    assert 0.02 < n_pruned / n_decisions < 0.98


def finish(study, reference, trials, number, pruned, value):
    """The peers stay the ``n_full`` first trials, an odd number, so that quartiles are members."""
    if pruned:
        study.tell(reference, state=optuna.trial.TrialState.PRUNED)
        trials.apply(TrialFinished(number, TrialState.PRUNED, None, None, 1.0))
    else:
        study.tell(reference, value)
        trials.apply(TrialFinished(number, TrialState.COMPLETE, (value,), None, 1.0))
