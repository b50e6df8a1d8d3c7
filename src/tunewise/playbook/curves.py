"""P33 to P45: what the training curves say. Overfitting, training that is too short or too long, instability, periodicity.

Windows are fixed before the curve is seen, errors are corrected for autocorrelation, and a rise must be material. A curve under
a decaying learning rate improves to its very end whatever its length, so it says nothing about longer training.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tunewise.playbook.commands import SHUFFLE, regulariser, train_for, warm_up
from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.playbook.selection import FEWEST_EVALS, best_curve, step_noise
from tunewise.stats.intervals import wilson
from tunewise.stats.trend import forecast, local_line, periodicity, rise_of, settled, step_sd
from tunewise.types import FloatArray, IntArray

_LEVEL = 0.05
_HALF, _FIFTH = (
    0.045,
    0.01,
)  # of the last half and the last fifth: they overlap, so both together keep to 5 % (V8)
_DECAYING = ("cosine", "linear", "decay", "poly", "exponential", "onecycle", "step", "wsd")
_MOST_LABELLED = 200
_REGULARISERS = ("dropout", "weight_decay", "smoothing", "mixup", "augment", "noise", "regular", "drop")
_SUBJECTS = (
    ("P35", "overfitting"), ("P38", "step noise"), ("P39", "still improving"), ("P40", "saturation"),
    ("P41", "best step"), ("P42", "training loss"), ("P44", "periodicity"), ("P45", "comparability"),
)  # fmt: skip


def curve_checks(evidence: Evidence) -> list[Finding]:
    """All findings about curves of the goal; N/A with what to report where there are none. O(reports + 200 fits)."""
    number, step, y = best_curve(evidence)
    if number is None:
        metric = evidence.trials.goals[0].name
        words = f"No complete trial reported {FEWEST_EVALS} finite values of {metric!r} along training."
        action = "report the goal's metric at several steps: trial.report(value, step)"
        return [Finding(code, subject, Verdict.NA, words, needs=f"curves of {metric!r}", next_action=action)
                for code, subject in _SUBJECTS]  # fmt: skip
    return [
        *overfitting_checks(evidence, number, step, y),
        step_noise(evidence, number, y),
        still_improving(evidence, number, step, y),
        saturation(evidence),
        best_steps(evidence),
        training_loss(evidence),
        periodic(evidence, number, y),
        comparable(evidence),
        labels(evidence),
    ]


# --- overfitting: P35, P36 --------------------------------------------------------------------------------------------


def overfitting_checks(evidence: Evidence, number: int, step: FloatArray, y: FloatArray) -> list[Finding]:
    """One finding about the best trial; for a round with scientific values, one about the best trial of each (P36)."""
    scientific = [n for n, role in evidence.roles.items() if role == "scientific" and n in evidence.space]
    if len(scientific) != 1:
        return [overfitting(evidence, number, step, y)]
    name = scientific[0]
    column = evidence.column(name)
    found = []
    for u in np.unique(column[~np.isnan(column)]):
        arm = evidence.rows[(column == u) & evidence.feasible & ~evidence.pruned]
        order = np.argsort(evidence.trials.loss[arm, 0], kind="stable")
        best, steps, curve = best_curve(evidence, arm[order[:10]])
        if best is None:
            continue
        value = evidence.space[name].decode(float(evidence.space[name].from_unit(np.array(u))))
        found.append(overfitting(evidence, best, steps, curve, f"{name}={value}"))
    return found


def overfitting(evidence: Evidence, number: int, step: FloatArray, y: FloatArray, arm: str = "") -> Finding:
    """P35: ACT where the loss rises at 5 % over both windows, by more than the unit and twice the step noise."""
    chance, rise, m = rising(y, evidence.min_effect)
    flagged = chance < _LEVEL
    train = _train_rise(evidence, number)
    subject = "overfitting" if not arm else f"overfitting, {arm}"
    who = f"Trial {number}, the best with {arm or 'a curve'},"
    window, fit = y[-m:], np.polyfit(np.arange(m), y[-m:], 1)
    arrays: dict[str, Any] = {
        "kind": "curve", "number": number, "step": step, "loss": y, "sign": evidence.sign,
        "best": float(step[np.argmin(y)]), **_train_arrays(evidence, number),
    }  # fmt: skip
    if not flagged:
        words = f"{who} does not get worse towards its end."
        drift = _calibration_drift(evidence, number)
        return Finding(
            "P35",
            subject,
            Verdict.OK,
            words + drift,
            effect=rise,
            chance=chance,
            threshold=_LEVEL,
            threshold_source="5 % over two windows fixed beforehand",
            data_used=f"trial {number}, {len(y)} evaluations",
            arrays=arrays,
        )
    onset = float(step[int(np.argmin(local_line(y)))])
    arrays.update(fit_step=step[-m:], fit_loss=np.polyval(fit, np.arange(m)), onset=onset)
    if train is not None and train > 0:
        words = (
            f"{who} gets worse by {rise:.3g} over its last {len(window)} evaluations, and so does "
            f"its training loss: unstable."
        )
        action = "treat it as instability: warm-up, clipping, or a lower rate late in training"
        return Finding("P43", subject, Verdict.ACT, words, effect=rise, chance=chance, threshold=_LEVEL,
                       threshold_source="5 % over two windows fixed beforehand", data_used=f"trial {number}", next_action=action,
                       command=warm_up(evidence), arrays=arrays)  # fmt: skip
    words = f"{who} gets worse by {rise:.3g} over its last {m} evaluations, from step {onset:g} on (by chance: {chance:.2g})."
    exempt = any(role == "scientific" and _regularises(n) for n, role in evidence.roles.items())
    action = "add regularisation in the next round (dropout, weight decay, label smoothing), or train for fewer steps"
    if arm:
        action = (
            f"add regularisation in all arms and run them again: {arm} must not be judged while it overfits"
        )
    return Finding(
        "P36" if arm else "P35", subject, Verdict.UNSURE if exempt and arm else Verdict.ACT, words, effect=rise, chance=chance,
        threshold=_LEVEL, threshold_source="5 % over two windows fixed beforehand, and a rise above twice the step noise",
        data_used=f"trial {number}, {len(y)} evaluations",
        assumptions=("Errors follow a first-order autoregression.",), next_action=action, arrays=arrays,
        command=regulariser(evidence, round(onset)), scope="choice" if arm else "",
    )  # fmt: skip


def rising(y: FloatArray, min_effect: float = 0.0) -> tuple[float, float, int]:
    """(chance, rise, window): does y (m,) rise over its last half or last fifth? The chance is over both windows.

    1.0 where the rise is not above ``min_effect`` and twice the step noise.
    """
    least = max(min_effect, 2 * step_sd(y))
    found = [(1.0, 0.0, len(y))]
    for share, level in ((0.5, _HALF), (0.2, _FIFTH)):
        m = math.ceil(len(y) * share)
        if m < FEWEST_EVALS and share < 0.5:
            continue
        m = min(len(y), max(m, FEWEST_EVALS))
        rise = rise_of(y[-m:])
        if rise.centre > least:
            found.append((min(1.0, (1 - rise.above(0.0)) * _LEVEL / level), rise.centre, m))
    return min(found)


def _train_rise(evidence: Evidence, number: int) -> float | None:
    """The significant rise of the training loss over the last half, 0 where it does not rise; None where not reported."""
    if evidence.train_metric is None:
        return None
    _, train = evidence.curve(number, evidence.train_metric)
    if len(train) < FEWEST_EVALS or not np.isfinite(train).all():
        return None
    chance, rise, _ = rising(train)
    return rise if chance < _LEVEL else 0.0


def _calibration_drift(evidence: Evidence, number: int) -> str:
    """A sentence where a validation loss rises although the goal does not."""
    goal = evidence.trials.goals[0].name
    others = [
        m for m in evidence.trials.metrics if m != goal and "loss" in m.lower() and "train" not in m.lower()
    ]
    for metric in others:
        _, y = evidence.curve(number, metric)
        if len(y) >= FEWEST_EVALS and np.isfinite(y).all() and rising(y)[0] < _LEVEL:
            return f" (Its {metric} does: the predictions grow overconfident, which is no overfitting of {goal}.)"
    return ""


def _regularises(name: str) -> bool:
    return any(word in name.lower() for word in _REGULARISERS)


def _train_arrays(evidence: Evidence, number: int) -> dict[str, FloatArray]:
    if evidence.train_metric is None:
        return {}
    steps, train = evidence.curve(number, evidence.train_metric)
    goal_steps, _ = evidence.curve(number)
    return {"train": train} if len(steps) == len(goal_steps) and (steps == goal_steps).all() else {}


# --- the length of training: P39, P40, P41 ----------------------------------------------------------------------------


def schedule_of(evidence: Evidence, number: int) -> tuple[str, bool]:
    """(the schedule noted on a trial or among its parameters, whether it decays)."""
    noted = str(evidence.trials.attrs(number).get("schedule", ""))
    if not noted and "schedule" in evidence.trials.domains:
        noted = str(evidence.trials.row(number).params.get("schedule", ""))
    return noted, any(word in noted.lower() for word in _DECAYING)


def still_improving(evidence: Evidence, number: int, step: FloatArray, y: FloatArray) -> Finding:
    """P39: ACT where, at a constant rate, a quarter more training should gain more than the unit."""
    subject = "still improving"
    schedule, decays = schedule_of(evidence, number)
    extra = round(float(step[-1]) * 1.5)
    arrays = {"kind": "curve", "number": number, "step": step, "loss": y, "sign": evidence.sign}
    if decays:
        words = (
            f"The learning rate decays ({schedule}), so the curve improves to its end whatever its length."
        )
        return Finding("P39", subject, Verdict.NA, words, needs="paired runs of 1.5 times the steps, 2 seeds each",
                       next_action=f"compare with runs of {extra:g} steps on the same seeds, the schedule stretched",
                       arrays=arrays)  # fmt: skip
    if len(y) < 8:
        words = f"{len(y)} evaluations are too few to extrapolate; 8 are needed."
        return Finding("P39", subject, Verdict.NA, words, needs="8 evaluations a run", arrays=arrays)
    ahead = forecast(y)
    gain, low, high = ahead.quantile(0.5), ahead.quantile(0.05), ahead.quantile(0.95)
    least = max(evidence.unit or 0.0, step_sd(y))
    rising = low > least
    verdict = Verdict.OK if not rising else Verdict.ACT if schedule else Verdict.UNSURE
    words = f"A quarter more training of trial {number} should bring {gain:.3g} (90 % interval {low:.3g} to {high:.3g})."
    needs = "" if schedule or not rising else "the schedule: trial.set_user_attr('schedule', 'constant')"
    return Finding(
        "P39", subject, verdict, words, effect=gain, interval=(low, high), threshold=least,
        threshold_source=evidence.unit_source if evidence.unit else "the step noise",
        data_used=f"last two thirds of trial {number}", needs=needs,
        assumptions=("The curve goes on as a power law or an exponential.",)
        + (() if schedule else ("The learning rate is constant.",)),
        next_action=f"train for {extra:g} steps in the next study" if verdict == Verdict.ACT else needs and "note the schedule",
        command=train_for(extra) if verdict == Verdict.ACT else "", arrays=arrays,
    )  # fmt: skip


def _top_quarter(evidence: Evidence) -> IntArray:
    return evidence.best_rows(max(3, evidence.n_feasible // 4))[:_MOST_LABELLED]


def _usable(
    evidence: Evidence, numbers: IntArray, metric: str | None = None, fewest: int = FEWEST_EVALS
) -> list[Any]:
    """[(number, step, y)] of those with enough finite evaluations."""
    out = []
    for number in numbers.tolist():
        step, y = evidence.curve(number, metric)
        if len(y) >= fewest and np.isfinite(y).all():
            out.append((number, step.astype(np.float64), y))
    return out


def saturation(evidence: Evidence) -> Finding:
    """P40: ACT where three quarters of the good runs reach their final level, training loss too, before half of their steps."""
    subject = "saturation"
    curves = _usable(evidence, _top_quarter(evidence), fewest=10)
    if not curves:
        return Finding(
            "P40", subject, Verdict.NA, "No good trial has 10 evaluations.", needs="10 evaluations a run"
        )
    shares = []
    for number, step, y in curves:
        share = _settled_share(step, y, evidence.unit)
        if evidence.train_metric is not None:
            steps, train = evidence.curve(number, evidence.train_metric)
            if len(train) >= 10 and np.isfinite(train).all():
                share = max(share, _settled_share(steps.astype(np.float64), train, None))
        shares.append(share)
    upper = float(np.quantile(shares, 0.75))
    early = upper < 0.5 and len(shares) >= 3
    longest = max(float(step[-1]) for _, step, _ in curves)
    shorter = round(longest * min(1.0, 1.5 * upper))
    return Finding(
        "P40", subject, Verdict.ACT if early else Verdict.OK,
        f"Three quarters of the {len(shares)} best runs are at their final level after {upper:.0%} of their steps.",
        effect=upper, threshold=0.5, threshold_source="half of the run", data_used=f"{len(shares)} best runs",
        assumptions=() if evidence.train_metric else ("The training loss, which was not reported, is flat too.",),
        next_action=f"train for {shorter:g} steps instead of {longest:g} in the next study" if early else "",
        command=train_for(shorter) if early else "",
    )  # fmt: skip


def _settled_share(step: FloatArray, y: FloatArray, unit: float | None) -> float:
    """Share of the run after which the rest stays at the final level, within the unit or two standard errors of a mean."""
    tolerance = max(unit or 0.0, 2 * step_sd(y) / math.sqrt(max(3, len(y) // 10)), 0.001 * float(np.ptp(y)))
    i = settled(y, tolerance)
    return float(step[min(i, len(step) - 1)] / step[-1]) if step[-1] > 0 else 1.0


def best_steps(evidence: Evidence) -> Finding:
    """P41: where in a run the best step lies. TOO LONG where surely four in five lie in the first tenth, SHORT in the last
    quarter.
    """
    subject = "best step"
    curves = _usable(evidence, _top_quarter(evidence))
    if len(curves) < 3:
        return Finding(
            "P41",
            subject,
            Verdict.NA,
            "Fewer than 3 good trials have a curve.",
            needs="curves of the good trials",
        )
    numbers = np.array([number for number, _, _ in curves])
    place = np.array([(step[np.argmin(y)] / step[-1]) if step[-1] else 1.0 for _, step, y in curves])
    arrays = {"kind": "best_steps", "fraction": place, "rows": numbers}
    decayed = sum(schedule_of(evidence, int(n))[1] for n in numbers)
    words = f"The best step of the {len(place)} best runs lies at {np.median(place):.0%} of the run (median)."
    if 2 * decayed > len(numbers):
        return Finding(
            "P41",
            subject,
            Verdict.NA,
            f"{words} The learning rate decays, so it lies at the end whatever the length.",
            arrays=arrays,
        )
    n = len(place)
    first, last = int((place <= 0.1).sum()), int((place >= 0.75).sum())
    too_long, short = wilson(first, n)[0] > 0.8, wilson(last, n)[0] > 0.8
    longest = max(float(step[-1]) for _, step, _ in curves)
    known = all(schedule_of(evidence, int(k))[0] for k in numbers)
    short = short and _worth_going_on(evidence, [y for _, _, y in curves])
    factor = min(1.0, 2 * float(np.quantile(place, 0.9))) if too_long else 1.5
    action = f"train for {math.ceil(longest * factor):g} steps in the next study" if too_long or short else ""
    if short and not too_long:
        action += "" if known else ", unless the learning rate decays (then every curve is best at its end)"
    act = too_long or (short and known)
    return Finding(
        "P41", subject, Verdict.ACT if act else Verdict.UNSURE if short else Verdict.OK, words, effect=float(np.median(place)),
        threshold=0.8, threshold_source="four in five runs, 95 % certain, in the first tenth or the last quarter",
        data_used=f"{n} best runs", needs="the schedule: trial.set_user_attr('schedule', ...)" if short and not known else "",
        next_action=action, command=train_for(math.ceil(longest * factor)) if act else "", arrays=arrays,
    )  # fmt: skip


def _worth_going_on(evidence: Evidence, curves: list[FloatArray]) -> bool:
    """Whether a quarter more training would gain more than the unit (else the step noise), at the median of 9 runs."""
    gains = [forecast(y).quantile(0.5) - (evidence.unit or step_sd(y)) for y in curves[:9] if len(y) >= 8]
    return bool(gains) and float(np.median(gains)) > 0


# --- instability, periodicity, comparability: P42, P44, P45, P34 -------------------------------------------------------


def training_loss(evidence: Evidence) -> Finding:
    """P42: ACT where the training loss of the best trial rises harmfully and for long; UNSURE where many others' do."""
    subject = "training loss"
    metric = evidence.train_metric
    if metric is None:
        return Finding(
            "P42",
            subject,
            Verdict.NA,
            "No training loss was reported.",
            needs='trial.report({"train_loss": ...}, step)',
        )
    curves = _usable(evidence, _top_quarter(evidence), metric, fewest=10)
    if not curves:
        return Finding(
            "P42",
            subject,
            Verdict.NA,
            f"No good trial reported 10 values of {metric!r}.",
            needs=f"{metric} at 10 steps",
        )
    harmful = [(number, step, y) for number, step, y in curves if _rises(y)]
    share = len(harmful) / len(curves)
    best = curves[0][0]
    verdict = (
        Verdict.ACT if harmful and harmful[0][0] == best else Verdict.UNSURE if share > 0.25 else Verdict.OK
    )
    shown = harmful[0] if harmful else curves[0]
    above, progress = _above_lowest(shown[2])
    height = float((above / progress).max())
    words = f"The training loss of {len(harmful)} of the {len(curves)} best runs rises and stays up" + (
        f", in trial {shown[0]} by {height:.0%} of the progress made." if harmful else "."
    )
    action = "stabilise first (warm-up, clipping), and look for a bug in data order, schedule or resuming"
    return Finding(
        "P42", subject, verdict, words, effect=share, threshold=0.2,
        threshold_source="a lasting rise by a fifth of the progress", data_used=f"{metric} of {len(curves)} best runs",
        next_action=action if verdict != Verdict.OK else "", command=warm_up(evidence) if verdict == Verdict.ACT else "",
        arrays={"kind": "curve", "number": shown[0], "step": shown[1], "loss": shown[2], "sign": 1.0},
    )  # fmt: skip


def _rises(train: FloatArray) -> bool:
    """Whether a training loss is for a tenth of its evaluations a fifth of the progress above its lowest, beyond the noise."""
    above, progress = _above_lowest(train)
    return float(((above > 0.2 * progress) & (above > 4 * step_sd(train))).mean()) >= 0.1


def _above_lowest(train: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(m,) how far the smoothed loss is above its lowest so far, and the progress made until then (5 % of all at least)."""
    smooth = local_line(train, 5)
    lowest = np.minimum.accumulate(smooth)
    return smooth - lowest, np.maximum(train[0] - lowest, 0.05 * (train[0] - lowest[-1]) + 1e-300)


def periodic(evidence: Evidence, number: int, y: FloatArray) -> Finding:
    """P44: ACT where the validation metric goes up and down with a period (chance below 1 %)."""
    subject = "periodicity"
    step, _ = evidence.curve(number)
    gaps = np.diff(step)
    if len(y) < 16 or (gaps != gaps[0]).any():
        words = "A period shows in 16 or more evaluations at regular steps; there are not so many."
        return Finding("P44", subject, Verdict.NA, words, needs="16 evaluations at regular steps")
    found = periodicity(y[len(y) // 4 :])
    seen = found.chance < 0.01
    length = found.length * float(gaps[0])
    words = (
        f"Trial {number} goes up and down every {length:.3g} steps (by chance: {found.chance:.2g})."
        if seen
        else f"Trial {number} has no period (the strongest would come about by chance with probability {found.chance:.2g})."
    )
    return Finding(
        "P44", subject, Verdict.ACT if seen else Verdict.OK, words, effect=length, chance=found.chance, threshold=0.01,
        threshold_source="1 %", data_used=f"trial {number}, {len(y)} evaluations", assumptions=("Noise is autoregressive.",),
        next_action="see that data are shuffled anew in every epoch, and that validation data do not overlap with training data"
        if seen else "", command=SHUFFLE if seen else "",
    )  # fmt: skip


def comparable(evidence: Evidence) -> Finding:
    """P45: UNSURE where complete trials ran for different numbers of steps, or were evaluated at different ones."""
    subject = "comparability"
    curves = evidence.curves
    numbers, last, _ = curves.last()
    complete = np.isin(numbers, evidence.rows[evidence.feasible & ~evidence.pruned])
    ends = last[complete]
    counts = np.bincount(curves.trial)[numbers][complete] if len(numbers) else np.empty(0)
    if not len(ends):
        return Finding("P45", subject, Verdict.NA, "No complete trial has a curve.", needs="curves")
    lengths, evals = np.unique(ends), np.unique(counts)
    if len(lengths) == 1 and len(evals) == 1:
        words = f"All {len(ends)} complete trials ran to step {lengths[0]} with {evals[0]} evaluations."
        return Finding("P45", subject, Verdict.OK, words)
    words = (
        f"Complete trials ended at {len(lengths)} different steps ({lengths[0]} to {lengths[-1]}) "
        f"after {evals[0]} to {evals[-1]} "
        "evaluations: more evaluations mean more luck, more steps mean more training."
    )
    return Finding("P45", subject, Verdict.UNSURE, words, effect=float(len(lengths)), data_used=f"{len(ends)} trials",
                   next_action="give every trial the same steps and evaluations; compare at a common step")  # fmt: skip


def labels(evidence: Evidence) -> Finding:
    """P34: how many curves overfit, are unstable, still improve, are saturated; of all (at most 200) and of the best quarter."""
    rows = evidence.best_rows(len(evidence.rows))
    picked = (
        rows[np.linspace(0, len(rows) - 1, min(len(rows), _MOST_LABELLED)).astype(np.int64)]
        if len(rows)
        else rows
    )
    curves = _usable(evidence, picked)
    if len(curves) < 3:
        return Finding("P34", "shapes", Verdict.NA, "Fewer than 3 trials have a curve.", needs="curves")
    tests: dict[str, Callable[[int, FloatArray, FloatArray], bool]] = {
        "overfit": lambda _, __, y: rising(y, evidence.min_effect)[0] < _LEVEL,
        "improve to their end": lambda _, __, y: (
            rise_of(y[-max(FEWEST_EVALS, len(y) // 3) :]).above(0.0) < _LEVEL
        ),
        "are flat from half on": lambda _, step, y: (
            len(y) >= 10 and _settled_share(step, y, evidence.unit) < 0.5
        ),
    }
    seen = {name: np.array([test(*curve) for curve in curves]) for name, test in tests.items()}
    quarter = max(1, len(curves) // 4)
    names = tuple(seen)
    everywhere = np.array([seen[name].mean() for name in names])
    top = np.array([seen[name][:quarter].mean() for name in names])
    words = "; ".join(f"{a:.0%} of the curves ({t:.0%} of the best quarter) {name}" if i == 0 else f"{a:.0%} ({t:.0%}) {name}"
                      for i, (name, a, t) in enumerate(zip(names, everywhere, top, strict=True)))  # fmt: skip
    return Finding("P34", "shapes", Verdict.OK, f"{words}.", data_used=f"{len(curves)} curves",
                   arrays={"kind": "labels", "names": names, "all": everywhere, "top": top, "n": len(curves)})  # fmt: skip
