"""P35, P38, P39: what the training curves of the best trials say.

Overfitting: does the loss rise over a window at the end that was fixed beforehand? Step noise: could the order of
the best be luck of the evaluation step? Still improving: would longer training help? All slopes have errors corrected for
autocorrelation. A curve under a decaying learning rate always improves to the end, which says nothing about longer training.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.stats.intervals import t_cdf, t_quantile
from tunewise.stats.trend import slope_of, step_sd
from tunewise.types import FloatArray

_WINDOWS, _FEWEST, _LEVEL = (0.5, 0.33, 0.2), 6, 0.05
_DECAYING = ("cosine", "linear", "decay", "poly", "exponential", "onecycle", "step")


def curve_checks(evidence: Evidence) -> list[Finding]:
    """The three findings about the best complete trial that has a curve. O(reports)."""
    number, y = _best_curve(evidence)
    if number is None:
        words = f"No complete trial reported {_FEWEST} finite values of {evidence.trials.goals[0].name!r} along training."
        needs = "report the goal's metric at several steps: trial.report(value, step)"
        return [Finding(code, subject, Verdict.NA, words, next_action=needs) for code, subject in _SUBJECTS]
    return [
        _overfitting(evidence, number, y),
        _step_noise(evidence, number, y),
        _improving(evidence, number, y),
    ]


_SUBJECTS = (("P35", "overfitting"), ("P38", "step noise"), ("P39", "still improving"))


def _best_curve(evidence: Evidence) -> tuple[int | None, FloatArray]:
    sign = evidence.trials.goals[0].sign
    curves = evidence.trials.curves()
    for number in evidence.best_rows(10):
        _, value = curves.of(int(number))
        if len(value) >= _FEWEST and np.isfinite(value).all():
            return int(number), sign * value
    return None, np.empty(0)


def _overfitting(evidence: Evidence, number: int, y: FloatArray) -> Finding:
    lengths = [m for m in (math.ceil(len(y) * w) for w in _WINDOWS) if m >= _FEWEST] or [_FEWEST]
    least = max(evidence.min_effect, 2 * step_sd(y))
    worst = (1.0, 0.0, len(y))
    for m in lengths:
        fit = slope_of(y[-m:])
        rise = fit.slope * (m - 1)
        chance = 1 - t_cdf(fit.slope / fit.error, fit.df) if fit.error > 0 else float(fit.slope <= 0)
        if rise > least:
            worst = min(worst, (chance, rise, m))
    chance, rise, m = worst
    flagged = chance * len(lengths) < _LEVEL
    words = (
        f"Trial {number} gets worse by {rise:.3g} over its last {m} evaluations (chance: {chance * len(lengths):.2g})."
        if flagged
        else f"Trial {number}, the best with a curve, does not get worse towards its end."
    )
    return Finding(
        "P35", "overfitting", Verdict.ACT if flagged else Verdict.OK, words, effect=rise,
        probability=min(1.0, chance * len(lengths)), threshold=_LEVEL,
        threshold_source=f"5 % over {len(lengths)} windows fixed beforehand, and a rise above twice the step noise",
        data_used=f"trial {number}, {len(y)} evaluations", assumptions=("Errors follow a first-order autoregression.",),
        next_action="add regularisation to the next round, or stop earlier" if flagged else "",
        arrays={"kind": "curve", "number": number, "loss": y},
    )  # fmt: skip


def _step_noise(evidence: Evidence, number: int, y: FloatArray) -> Finding:
    late = y[-max(_FEWEST, len(y) // 5) :]
    sd = step_sd(late)
    losses = np.sort(evidence.loss[~evidence.infeasible])
    gap = float(losses[1] - losses[0]) if len(losses) > 1 else math.inf
    flip = float(ndtr(-gap / (math.sqrt(2) * sd))) if sd > 0 else 0.0
    unit = evidence.unit
    lucky = sd * math.sqrt(2 * math.log(len(late)))
    high = unit is not None and lucky > unit
    verdict = Verdict.ACT if high else Verdict.UNSURE if unit is None and flip > 0.2 else Verdict.OK
    words = (
        f"From one evaluation to the next the metric moves by {sd:.3g} late in training; "
        f"the two best trials would swap places with probability {flip:.2f}."
    )
    return Finding(
        "P38", "step noise", verdict, words, effect=sd, probability=flip, threshold=unit,
        threshold_source="noise over seeds, or the smallest effect of interest" if unit else "not measured",
        data_used=f"last {len(late)} evaluations of trial {number}", assumptions=("The trend is smooth.",),
        next_action="decay the learning rate, average weights, or use a larger validation set" if high else "",
        arrays={"kind": "curve", "number": number, "loss": y},
    )  # fmt: skip


def _improving(evidence: Evidence, number: int, y: FloatArray) -> Finding:
    schedule = str(evidence.trials.attrs(number).get("schedule", "")).lower()
    subject = "still improving"
    if any(word in schedule for word in _DECAYING):
        words = (
            f"The learning rate decays ({schedule}), so the curve improves to its end whatever the length."
        )
        return Finding(
            "P39", subject, Verdict.NA, words, next_action="compare with a paired run of 1.5 times the steps"
        )
    tail = y[-max(_FEWEST, len(y) // 3) :]
    fit = slope_of(tail)
    ahead = len(y) / 4
    gain = -fit.slope * ahead
    reach = t_quantile(0.95, fit.df) * fit.error * ahead
    least = max(evidence.unit or 0.0, 2 * step_sd(y) if evidence.unit is None else 0.0)
    rising = gain - reach > least
    verdict = Verdict.OK if not rising else Verdict.ACT if schedule else Verdict.UNSURE
    between = f"{gain - reach:.3g} to {gain + reach:.3g}"
    words = f"A quarter more training of trial {number} should bring {gain:.3g} (90 % interval {between})."
    unknown = (
        "note the schedule: trial.set_user_attr('schedule', 'constant')" if rising and not schedule else ""
    )
    return Finding(
        "P39", subject, verdict, words, effect=gain, interval=(gain - reach, gain + reach), threshold=least,
        threshold_source="noise over seeds" if evidence.noise_sd else "twice the step noise",
        data_used=f"last {len(tail)} evaluations of trial {number}",
        assumptions=("The learning rate is constant.",) if not schedule else (),
        next_action="train longer" if verdict == Verdict.ACT else unknown,
        arrays={"kind": "curve", "number": number, "loss": y},
    )  # fmt: skip
