"""P49 to P53, P56: how much do results vary, and from what? Seeds, the search itself, the data, the evaluation step.

What was not measured says so; it is never 0. The noise over seeds at good configurations is the unit of all other verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tunewise.playbook.finding import Component, Finding, VarianceBudget, Verdict
from tunewise.stats.examples import example_difference, guessed_sd, seed_variance
from tunewise.stats.intervals import jeffreys, sd_interval
from tunewise.stats.moderated import Prior, variance_prior
from tunewise.stats.variance import Source, nested
from tunewise.types import FloatArray, IntArray

TRIAL, STUDY, DATA, STEP = (
    "trial variance (seed)",
    "study variance (search)",
    "data variance (split)",
    "step variance",
)
_FAR = 10.0  # SDs of the best configuration by which a bad one is worse


def ledger(groups: Sequence[FloatArray], better_half: bool = True) -> Prior | None:
    """The project's noise over seeds from all replicated configurations, values (n_i,) each, losses; None without one.

    Bad configurations are noisier: of more than three only those count whose mean is in the better half, of fewer those within 10
    SDs of the best (of 3 runs or more).
    """
    known = [group[np.isfinite(group)] for group in groups]
    known = [group for group in known if len(group) >= 2]
    if better_half and len(known) > 3:
        means = np.array([group.mean() for group in known])
        known = [group for group, mean in zip(known, means, strict=True) if mean <= np.median(means)]
    elif better_half and (several := [group for group in known if len(group) >= 3]):
        best = min(several, key=lambda group: float(group.mean()))
        limit = best.mean() + _FAR * best.std(ddof=1)
        known = [group for group in known if group.mean() <= limit]
    return variance_prior(known)


def guessed_noise(value: float, n_validation: int) -> Prior | None:
    """A first guess before any retraining: sqrt(error / 2n) of a classifier, worth 2 degrees of freedom; None for no error rate.

    ``value`` is an error or an accuracy in (0, 1): the smaller of it and its complement is taken to be the error.
    """
    error = min(value, 1 - value)
    return Prior(guessed_sd(error, n_validation), 2.0) if 0 < error < 1 else None


class Replicates(NamedTuple):
    """Runs of several searches: values (n,) with the label of the split and of the study that each belongs to."""

    values: FloatArray
    split: IntArray
    study: IntArray


def variance_budget(
    groups: Sequence[FloatArray],
    step_sd: float | None = None,
    n_steps: int = 0,
    *,
    replicates: Replicates | None = None,
    data: tuple[float, float, int] | None = None,
) -> VarianceBudget:
    """The project's sources of variance; what was not measured says so.

    Args:
        groups: losses of each replicated configuration, fresh seeds.
        step_sd: SD from one evaluation to the next, from ``n_steps`` late evaluations.
        replicates: runs nested in studies nested in splits, where searches were repeated; they give the first three sources.
        data: (SD of the metric from the finite validation set, relative standard error, examples).
    """
    trial = _trial_component(groups)
    study = Component(STUDY, None)
    split = Component(DATA, None)
    if replicates is not None:
        split_source, study_source, seed_source = nested(
            replicates.values, [replicates.split, replicates.study]
        )
        n = len(replicates.values)
        trial = _component(TRIAL, seed_source, n, "repeated seeds") if trial.sd is None else trial
        study = _component(STUDY, study_source, n, "repeated studies")
        split = _component(DATA, split_source, n, "repeated splits")
    if split.sd is None and data is not None:
        sd, relative, n = data
        split = Component(DATA, sd, (sd * (1 - 1.645 * relative), sd * (1 + 1.645 * relative)), n, float(n - 1),
                          "finite validation set; re-splitting was not measured")  # fmt: skip
    step = Component(STEP, None)
    if step_sd is not None and n_steps > 3:
        df = n_steps - 3.0
        step = Component(STEP, step_sd, sd_interval(step_sd, df), n_steps, df, "late evaluations of one run")
    return VarianceBudget((trial, study, split, step))


def _trial_component(groups: Sequence[FloatArray]) -> Component:
    prior = ledger(groups)
    if prior is None:
        return Component(TRIAL, None)
    n = sum(int(np.isfinite(g).sum()) for g in groups)
    words = f"{n} runs of {len(groups)} configuration{'s' if len(groups) > 1 else ''}"
    return Component(TRIAL, prior.sd, sd_interval(prior.sd, prior.df), n, prior.df, words)


def _component(name: str, source: Source | None, n: int, words: str) -> Component:
    if source is None:
        return Component(name, None)
    return Component(name, source.sd, (source.low, source.high), n, float(source.df), words)


def noise_probe(values: FloatArray, sign: float = 1.0, previous: Prior | None = None) -> Finding:
    """P50: mean, spread and failures of one configuration on fresh seeds; values (n,) as losses, NaN where a run diverged.

    ACT where the runs fall into two groups (n >= 8, 5 %): then a mean describes neither, and the failure is what to mend.
    """
    finite = values[np.isfinite(values)]
    n, failed = len(values), int(len(values) - len(finite))
    low, high = jeffreys(failed, n, 0.95)
    failures = f"{failed} of {n} runs diverged (a rate up to {high:.0%} is possible)."
    if len(finite) < 2:
        return Finding("P50", "noise", Verdict.UNSURE, f"{len(finite)} of {n} runs gave a value; a spread needs 2. {failures}",
                       needs="more runs")  # fmt: skip
    sd, df = float(finite.std(ddof=1)), len(finite) - 1
    interval = sd_interval(sd, df)
    words = (
        f"Mean {sign * finite.mean():.5g}, SD over seeds {sd:.3g} (90 % interval "
        f"{interval[0]:.2g} to {interval[1]:.2g}). {failures}"
    )
    chance = bimodality(finite)
    twofold = chance < 0.05
    if twofold:
        words += f" The runs fall into two groups (by chance: {chance:.2g})."
    if previous is not None:
        words += f" Together with earlier runs: {previous.sd:.3g} ({previous.df:.0f} degrees of freedom)."
    return Finding(
        "P50", "noise", Verdict.ACT if twofold or low > 0.05 else Verdict.OK, words, effect=sd, interval=interval, chance=chance,
        threshold=0.05, threshold_source="5 %: two groups, or failures", data_used=f"{n} fresh seeds",
        assumptions=("Runs differ in their seeds only; the data split is the same, so its variance is not in here.",),
        next_action="find out what the bad seeds have in common before comparing means" if twofold or low > 0.05 else "",
        command="project.stability(warmup=True)" if twofold or low > 0.05 else "",
    )  # fmt: skip


def bimodality(y: FloatArray) -> float:
    """The chance that normal values (n,) split into two groups as clearly (share of variance between the groups); 1 for n < 8."""
    if len(y) < 8 or not float(np.ptp(y)) > 0:
        return 1.0
    null = _split_null(len(y))
    return float((1 + (null >= _split_share(np.sort(y)[None])[0]).sum()) / (len(null) + 1))


def _split_share(rows: FloatArray) -> FloatArray:
    n = rows.shape[1]
    total = rows.var(axis=1) * n
    sums = np.cumsum(rows, axis=1)[:, 1:-2]
    k = np.arange(2, n - 1)
    mean = rows.mean(axis=1, keepdims=True)
    between = k * (sums / k - mean) ** 2 * n / (n - k)
    return np.asarray(between.max(axis=1) / total)


@lru_cache(maxsize=32)
def _split_null(n: int) -> FloatArray:
    return _split_share(np.sort(np.random.default_rng(0).standard_normal((4000, n)), axis=1))


def stale(noted: dict[str, object], now: dict[str, object]) -> list[str]:
    """P51: what changed since the noise was measured (architecture, optimiser, batch size, data, steps); empty: still good."""
    return [key for key in now if key in noted and noted[key] != now[key]]


def seed_or_set(results: FloatArray) -> Finding:
    """P52: how much of the variance over seeds is the finite validation set? results (N, n): right or wrong, or losses, a
    run a row.

    UNSURE where most of it is: then more validation data help more than more seeds.

    Raises:
        ValueError: fewer than 2 runs or examples.
    """
    found = seed_variance(results)
    distribution = math.sqrt(max(found.distribution, 0.0))
    words = (
        f"{found.set_share:.0%} of the seed variance ({math.sqrt(found.total):.3g} SD) is the finite validation set of "
        f"{results.shape[1]} examples; on the whole distribution seeds differ by {distribution:.3g}."
    )
    mostly = found.set_share > 0.5
    return Finding(
        "P52",
        "seed or validation set",
        Verdict.UNSURE if mostly else Verdict.OK,
        words,
        effect=found.set_share,
        threshold=0.5,
        threshold_source="half of the variance",
        data_used=f"{results.shape[0]} runs on {results.shape[1]} examples",
        assumptions=("Examples are independent draws.",),
        next_action="more validation examples, rather than more seeds" if mostly else "",
    )


def on_these_examples(candidate: FloatArray, baseline: FloatArray, min_effect: float = 0.0) -> Finding:
    """P53: the difference of two configurations in what their runs (N, n) get right, with the error from the finite set.

    UNSURE where that error hides whether the smallest effect that matters is there. No evidence for adopting: two seeds of one
    configuration differ significantly as well.
    """
    found = example_difference(baseline.mean(axis=0), candidate.mean(axis=0))
    reach = 1.645 * found.error
    words = (
        f"On these {found.n} examples {len(candidate)} runs of the candidate get {found.delta:+.3g} more right than "
        f"{len(baseline)} of the baseline; on others it would be {found.delta - reach:+.3g} to "
        f"{found.delta + reach:+.3g} (90 %). "
        "Seeds are not in that interval: it says what the validation set can tell, not what to adopt."
    )
    hides = reach > min_effect > abs(found.delta) - reach and min_effect > 0
    wanted = math.ceil(found.n * (reach / min_effect) ** 2) if hides else 0
    return Finding(
        "P53",
        "data variance",
        Verdict.UNSURE if hides else Verdict.OK,
        words,
        effect=found.delta,
        interval=(found.delta - reach, found.delta + reach),
        threshold=min_effect or None,
        threshold_source="the smallest effect" if min_effect else "",
        data_used=f"{found.n} examples",
        assumptions=("Examples are independent draws.",),
        next_action=f"a validation set of {_round_up(wanted)} examples tells {min_effect:.3g} apart"
        if hides
        else "",
    )


def no_examples() -> Finding:
    """P52 where nobody kept which examples were right."""
    return Finding(
        "P52",
        "seed or validation set",
        Verdict.NA,
        "It is not known which validation examples each run got right.",
        needs="trial.log(model, **tunewise.evaluate(model, val_set)) in a training made by @tunewise.training",
    )


def _round_up(n: int) -> int:
    """Two digits are enough for a number of examples."""
    unit = int(10 ** max(0, len(str(n)) - 2))
    return -(-n // unit) * unit
