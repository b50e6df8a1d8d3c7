"""P32, P38, P55: what choosing the best evaluation of a run, and the best run of a study, adds by luck.

The best of K noisy evaluations is better than the network is, by about the step noise times the expected maximum of as many
normal variables as there are independent evaluations on the plateau.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from tunewise.playbook.commands import DECAY
from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.stats.surrogate import left_out_error, mean_at
from tunewise.stats.trend import lag_one, local_line, settled, step_sd
from tunewise.types import FloatArray

FEWEST_EVALS = 6


def best_curve(
    evidence: Evidence, rows: FloatArray | None = None
) -> tuple[int | None, FloatArray, FloatArray]:
    """(number, steps, losses) of the best trial with at least 6 finite evaluations; (None, [], []) where there is none."""
    for number in evidence.best_rows(10) if rows is None else rows:
        step, y = evidence.curve(int(number))
        if len(y) >= FEWEST_EVALS and np.isfinite(y).all():
            return int(number), step.astype(np.float64), y
    return None, np.empty(0), np.empty(0)


def lucky_bias(y: FloatArray) -> tuple[float, float, float]:
    """(step SD, effective evaluations on the plateau, expected luck of their best) of one curve of losses (m,), m >= 6."""
    late = y[-max(FEWEST_EVALS, len(y) // 5) :]
    sd = step_sd(late)
    plateau = y[settled(y, max(2 * sd, 1e-12)) :]
    if len(plateau) < 4:
        return sd, 1.0, 0.0
    rho = lag_one(plateau - local_line(plateau)) if len(plateau) >= 8 else 0.0
    n = max(1.0, len(plateau) * (1 - rho) / (1 + rho))
    return sd, n, sd * expected_maximum(n)


def expected_maximum(n: float) -> float:
    """E[max of n standard normal variables], within 2 % for n >= 2 (Blom 1958); 0 for n = 1."""
    return 0.0 if n <= 1 else float(ndtri((n - 0.375) / (n + 0.25)))


def step_noise(evidence: Evidence, number: int, y: FloatArray) -> Finding:
    """P38 with P32's three readings. ACT where the luck of the step is worth more than the unit."""
    sd, n_eff, lucky = lucky_bias(y)
    losses = np.sort(evidence.loss[evidence.feasible])
    gap = float(losses[1] - losses[0]) if len(losses) > 1 else math.inf
    flip = float(ndtr(-gap / (math.sqrt(2) * sd))) if sd > 0 else 0.0
    unit = evidence.unit
    chosen_best = _chose_best(evidence)
    high = unit is not None and chosen_best and lucky > unit
    sign = evidence.sign
    words = (
        f"Late in training the metric moves by {sd:.2g} from one evaluation to the next. Trial {number}: best "
        f"{sign * y.min():.5g}, last {sign * y[-1]:.5g}, best without the luck of the step {sign * (y.min() + lucky):.5g}; "
        f"read one evaluation off, the two best trials would swap with probability {flip:.2f}."
    )
    return Finding(
        "P38", "step noise", Verdict.ACT if high else Verdict.OK, words, effect=lucky, probability=flip, threshold=unit,
        threshold_source=evidence.unit_source,
        data_used=f"the last evaluations of trial {number}; about {n_eff:.0f} independent ones on its plateau",
        assumptions=("The trend is smooth.",) if chosen_best else ("Values are not the best of their curves.",),
        next_action="decay the learning rate, average weights, or use a larger validation set" if high else "",
        command=DECAY if high else "",
        arrays={"kind": "curve", "number": number, "step": evidence.curve(number)[0], "loss": y, "sign": sign},
    )  # fmt: skip


def winner(evidence: Evidence) -> Finding:
    """P55: how much of the best value is luck, by what a surrogate of all trials expects of its setting. Never ACT.

    The interval adds half of the error at left-out trials to the surrogate's own: it is too sure of itself where trials crowd.
    """
    subject, best = "best trial", evidence.best_rows(1)
    s = evidence.trusted
    if s is None or not len(best):
        words = "The best of many values is better than its setting; no surrogate says by how much."
        return Finding("P55", subject, Verdict.NA, words, needs="fresh seeds of the best trials")
    number = int(best[0])
    i = int(np.flatnonzero(evidence.rows == number)[0])
    mean, sd = (float(part[0]) for part in mean_at(s, evidence.X[[i]]))
    reach = 1.645 * math.hypot(sd, left_out_error(s) / 2)
    low, expected, high = (float(s.loss(np.array(mean + k))) for k in (-reach, 0.0, reach))
    observed, sign = float(evidence.loss[i]), evidence.sign
    lucky = expected - observed
    words = (
        f"Trial {number} reached {sign * observed:.5g}; of its setting a surrogate of all trials expects {sign * expected:.5g} "
        f"(90 % interval {min(sign * low, sign * high):.5g} to {max(sign * low, sign * high):.5g})"
    )
    words += f": about {lucky:.2g} is luck." if lucky > 0 else "."
    measured = evidence.noise_sd is not None
    return Finding(
        "P55", subject, Verdict.OK, words if measured else f"{words} The noise over seeds is not measured.", effect=lucky,
        interval=(low - observed, high - observed), threshold=evidence.unit, threshold_source=evidence.unit_source,
        data_used=f"surrogate of {len(s.z)} trials (rank correlation with left-out trials {s.agreement:.2f})",
        assumptions=("The loss is a smooth function of the parameters.",),
        next_action="" if measured else "retrain it on 5 fresh seeds before quoting a value; that measures the noise too",
        command="project.measure_noise(seeds=5)" if evidence.command and not measured else "",
        cost_trials=None if measured else 5,
    )  # fmt: skip


def _chose_best(evidence: Evidence) -> bool:
    """Whether the values of the best trials are the best of their curves, rather than the last."""
    votes = []
    for number in evidence.best_rows(5):
        _, y = evidence.curve(int(number))
        y = y[np.isfinite(y)]
        if len(y) < FEWEST_EVALS or np.argmin(y) == len(y) - 1:
            continue
        value = float(evidence.trials.loss[int(number), 0])
        votes.append(abs(value - y.min()) <= 1e-9 * max(1.0, abs(value)))
    return bool(votes) and sum(votes) * 2 >= len(votes)
