"""P65 to P70: how long to train. The analysis half; running the sweeps is the training room's business.

The length of training is chosen between studies, never searched in one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tunewise.playbook.commands import train_for
from tunewise.playbook.finding import Finding, Findings, Verdict
from tunewise.stats.ranks import kendall, promotion_regret
from tunewise.stats.survival import Fastest, fastest
from tunewise.types import BoolArray, FloatArray


def regime(findings: Findings, fits: bool | None = None) -> Finding:
    """P65: is training bound by compute, from P39 (still improving), P40 (saturated) and P41 (best step)?

    ``fits``: whether the training data can be fitted perfectly within the patience (P66); None where not tried.
    """
    verdicts = {code: f.verdict for code in ("P39", "P40", "P41") for f in findings if f.code == code}
    improving = verdicts.get("P39") == Verdict.ACT
    saturated = verdicts.get("P40") == Verdict.ACT
    if improving and not saturated:
        words, action = (
            "Compute-bound: more steps would still help.",
            "train as long as patience allows; plan rounds of increasing length",
        )
    elif saturated and fits is not False:
        words, action = (
            "Not compute-bound: the runs are flat well before their end.",
            "use fewer steps, found by the steps sweep",
        )
    elif not verdicts or set(verdicts.values()) == {Verdict.NA}:
        return Finding("P65", "regime", Verdict.NA, "No trial has a curve, so nothing tells whether more steps would help.",
                       needs="curves of the goal: trial.report(value, step)")  # fmt: skip
    elif verdicts.get("P39") in (None, Verdict.NA):
        words, action = (
            "Not known: the curves cannot say whether more steps would help.",
            "compare with runs of 1.5 times the steps",
        )
        return Finding(
            "P65",
            "regime",
            Verdict.UNSURE,
            words,
            next_action=action,
            needs="curves at a constant rate, or longer runs",
        )
    else:
        words, action = "Mixed: the end of training is neither clearly flat nor clearly still improving.", ""
    return Finding("P65", "regime", Verdict.OK, words, next_action=action, data_used="P39, P40 and P41",
                   assumptions=("The regime changes with batch size, augmentation and dropout.",))  # fmt: skip


def steps_sweep(lr: FloatArray, steps: FloatArray, reached: BoolArray) -> tuple[Finding, Fastest]:
    """P66: the first guess of max_train_steps from a sweep of constant learning rates, n runs.

    ``steps`` (n,) to the target where ``reached``, else the length of the run. ACT where the answer cannot be trusted:
    nothing fitted the training data, or the fastest rate lies at the end of the grid.
    """
    found = fastest(lr, steps, reached)
    arrays = {"kind": "steps", "lr": lr, "steps": steps, "censored": ~reached, "grid": found.grid, "fit": found.fit,
              "best": found.steps, "low": found.low, "high": found.high}  # fmt: skip
    if math.isnan(found.lr):
        longest = float(steps.max())
        words = f"No learning rate fitted the training data in {longest:g} steps; the sweep's premise fails."
        return Finding("P66", "steps", Verdict.ACT, words, data_used=f"{len(lr)} runs",
                       next_action=f"run for {2 * longest:g} steps, or look for a bug: a constant rate without regularisation "
                       "should fit the training data", arrays=arrays, command=train_for(round(2 * longest))), found  # fmt: skip
    words = (
        f"The fastest constant rate, {found.lr:.3g}, fits the training data in {found.steps:.4g} steps (90 % interval "
        f"{found.low:.4g} to {found.high:.4g})"
    )
    words += f"; from {found.unstable:.3g} on runs fail." if not math.isnan(found.unstable) else "."
    if found.edge:
        factor = 10**0.5
        more = float(lr.min()) / factor if found.edge == "low" else float(lr.max()) * factor
        words += f" It is the {'lowest' if found.edge == 'low' else 'highest'} rate tried, so a faster one may lie outside."
        return Finding("P66", "steps", Verdict.ACT, words, effect=found.steps, interval=(found.low, found.high),
                       data_used=f"{len(lr)} runs", next_action=f"extend the grid to {more:.3g}", arrays=arrays,
                       command="project.find_steps(extensions=8)",
                       change={"lr": more}), found  # fmt: skip
    return Finding(
        "P66", "steps", Verdict.OK, words, effect=found.steps, interval=(found.low, found.high), data_used=f"{len(lr)} runs",
        assumptions=("No augmentation or regularisation, which would need 1.5 to 2 times the steps.",
                     "Steps against rate are a parabola on log scales near the minimum."),
        next_action=f"max_steps = {round(found.steps):d} for the next study, more when regularisation comes back", arrays=arrays,
    ), found  # fmt: skip


def transfer(short: FloatArray, long: FloatArray, rows: Sequence[int] = ()) -> Finding:
    """P69: does the order of configurations at one length hold at a longer one? Losses (n,), (n,) of the same n >= 5
    configurations.

    ACT where the order may be unrelated (lower end of Kendall's tau below 0.3 with 8 or more): promote many, not few.
    """
    tau = kendall(short, long)
    keep = max(1, tau.n // 2)
    arrays = {"kind": "transfer", "short": short, "long": long, "rows": np.array(rows)}
    if tau.n < 5 or math.isnan(tau.tau):
        words = f"{tau.n} configurations at both lengths are too few to compare orders; 5 to 8 are needed."
        return Finding(
            "P69",
            "transfer",
            Verdict.UNSURE,
            words,
            needs="5 to 8 configurations run at both lengths",
            arrays=arrays,
        )
    one, half = promotion_regret(short, long), promotion_regret(short, long, keep)
    words = (
        f"The order at the shorter length agrees with that at the longer by tau = {tau.tau:.2f} (90 % interval {tau.low:.2f} to "
        f"{tau.high:.2f}). Promoting only the best costs {one.regret:.3g} (mean), the better half {half.regret:.3g}."
    )
    weak = tau.low < 0.3
    verdict = Verdict.OK if not weak else Verdict.ACT if tau.n >= 8 else Verdict.UNSURE
    return Finding(
        "P69",
        "transfer",
        verdict,
        words,
        effect=tau.tau,
        interval=(tau.low, tau.high),
        threshold=0.3,
        threshold_source="proposal",
        data_used=f"{tau.n} configurations at both lengths",
        next_action=""
        if not weak
        else "promote at least half of the configurations, or lengthen the short runs",
        command="train.lengths(space, final_steps=max_steps, rounds=3)" if verdict == Verdict.ACT else "",
        cost_trials=None if tau.n >= 8 or not weak else 8 - tau.n,
        arrays=arrays,
    )


class Stage(NamedTuple):
    """A round of a plan of increasing lengths: steps a run, trials, and how many go on to the next."""

    steps: int
    trials: int
    promoted: int


def length_plan(final_steps: int, trials: int, rounds: int = 2) -> tuple[Stage, ...]:
    """P69: one to three rounds, at 10 %, 30 % and 100 % of the final length; gentle promotion (half at least, down to 3 at
    the end).

    Raises:
        ValueError: rounds outside 1..3, or fewer than 3 trials.
    """
    shares = {1: (1.0,), 2: (0.1, 1.0), 3: (0.1, 0.3, 1.0)}
    if rounds not in shares or trials < 3:
        raise ValueError(f"{rounds} rounds of {trials} trials; plan 1 to 3 rounds of at least 3.")
    plan, n = [], trials
    for i, share in enumerate(shares[rounds]):
        last = i == rounds - 1
        promoted = 1 if last else max(3, n // 2 if rounds == 3 else min(n // 2, 5))
        plan.append(Stage(max(1, round(share * final_steps)), n, promoted))
        n = promoted
    return tuple(plan)


_TRANSFERS = (
    (("warmup", "init"), "very likely"),
    (("layers", "depth", "width", "hidden", "units", "channels", "arch", "norm", "activation"), "likely"),
    (("schedule", "decay_steps", "end_factor", "max_steps", "steps", "epochs"), "unlikely"),
    (
        (
            "lr",
            "learning_rate",
            "momentum",
            "beta",
            "eps",
            "optimizer",
            "augment",
            "mixup",
            "dropout",
            "decay",
            "smoothing",
        ),
        "perhaps",
    ),
)


def transfers(name: str) -> str:
    """P70: how surely a hyperparameter's best value holds when training gets longer: very likely, likely, perhaps or unlikely."""
    last = name.lower().rpartition(".")[2]
    return next((how for words, how in _TRANSFERS if any(word in last for word in words)), "perhaps")


def schedule_trap(before: FloatArray, after: FloatArray) -> Finding:
    """P70: do longer runs spend their extra steps at a rate too low to learn? Rates (s,), (t,) of every step, t > s.

    ACT where the share of steps below a tenth of the peak rate grows.
    """
    shares = [float((rates < 0.1 * rates.max()).mean()) for rates in (before, after)]
    worse = shares[1] > shares[0] + 0.02
    words = (
        f"{shares[1]:.0%} of the longer run's steps lie below a tenth of the peak rate; "
        f"{shares[0]:.0%} of the shorter run's did."
    )
    return Finding("P70", "schedule", Verdict.ACT if worse else Verdict.OK, words, effect=shares[1] - shares[0], threshold=0.02,
                   threshold_source="no larger share than before",
                   next_action="lengthen the constant part and keep the length of the decay" if worse else "",
                   command=_keeping_decay(before, len(after)) if worse else "")  # fmt: skip


def _keeping_decay(rates: FloatArray, n: int) -> str:
    """A schedule of n steps that decays in as many as the last ones of ``rates`` below their peak."""
    decay = len(rates) - 1 - int(np.flatnonzero(rates >= 0.999 * rates.max())[-1])
    return f"train = train.replan(schedule='wsd', decay={decay / n:.3g})"


def gaps(steps: Sequence[int], max_steps: int) -> float:
    """P67: the largest gap between evaluations, as a share of the run; best-checkpoint selection wants 2 % or less."""
    edges = np.array([0, *sorted(steps), max_steps], dtype=np.float64)
    return float(np.diff(edges).max() / max(max_steps, 1))


def batch_trap(
    arms: Mapping[int, Sequence[float]], epochs: Mapping[int, float], tuned: Mapping[int, bool]
) -> Finding:
    """P9, P10: may these batch sizes be compared? Refused (ACT) where all ran equally many epochs, or a rate was not tuned
    for its size.

    Args:
        arms: {batch size: losses}; epochs: {batch size: epochs of its runs, or examples}; tuned: {batch size: was the
            learning rate tuned for it}.
    """
    same_epochs = len({round(epochs[b], 6) for b in arms}) == 1 and len(arms) > 1
    untuned = [b for b in arms if not tuned.get(b, False)]
    if not same_epochs and not untuned:
        return Finding("P10", "batch sizes", Verdict.OK, "Each batch size was tuned, and trained for its own number of steps.",
                       data_used=f"{len(arms)} batch sizes")  # fmt: skip
    reasons = (
        ["all ran the same number of epochs, so that large batches made fewer steps"] if same_epochs else []
    )
    reasons += [f"the learning rate was not tuned for {', '.join(map(str, untuned))}"] if untuned else []
    return Finding("P10", "batch sizes", Verdict.ACT, f"These batch sizes cannot be compared: {'; '.join(reasons)}.",
                   next_action="tune each batch size by itself, and train each for as many steps as it needs",
                   command="; ".join(f"project.round('batch size {b}', fixed={{'batch_size': {b}}})" for b in arms))  # fmt: skip
