"""P58: adopt the candidate or keep the baseline?

Both arms are retrained on fresh seeds; the run that won the search is no evidence about itself. After each look the
posterior of the difference (flat prior, Student's t, variance moderated by the project's noise ledger: Smyth 2004)
says ADOPT, KEEP, or go on. Divergence is a hurdle of its own: an arm that fails more often is not adopted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tunewise.errors import SettingError
from tunewise.playbook.finding import Adoption, Decision, Look
from tunewise.stats.intervals import t_cdf, t_quantile
from tunewise.types import FloatArray, Params

_KEEP, _FAILURE_MARGIN = 0.2, 0.05


class Comparison(NamedTuple):
    """What two arms of fresh losses say about delta = baseline - candidate (positive: candidate better)."""

    delta: float
    error: float
    df: float
    sigma: float
    p_better: float
    p_worth: float
    p_fails_more: float


def compare(
    candidate: FloatArray,
    baseline: FloatArray,
    min_effect: float = 0.0,
    prior: tuple[float, float] | None = None,
) -> Comparison:
    """Compare losses (n,), (m,) of two arms; NaN is a run that diverged.

    ``prior`` is (SD, degrees of freedom) of the noise ledger; it is left out where the arms' own variance contradicts it
    (chi-squared, 1 %).

    Raises:
        SettingError: an arm has fewer than two runs, or all of an arm's runs diverged on both sides.
    """
    if min(len(candidate), len(baseline)) < 2:
        raise SettingError("A comparison needs at least 2 fresh runs of each arm.")
    p_fails = _fails_more(candidate, baseline)
    a, b = candidate[~np.isnan(candidate)], baseline[~np.isnan(baseline)]
    if min(len(a), len(b)) < 2:
        return Comparison(math.nan, math.nan, 1.0, math.nan, 0.0, 0.0, p_fails)
    own_df = len(a) + len(b) - 2
    own = float(((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum())
    variance, df = own / own_df, float(own_df)
    if prior is not None and _agrees(own, own_df, prior):
        sd, prior_df = prior
        variance, df = (own + prior_df * sd**2) / (own_df + prior_df), own_df + prior_df
    delta = float(b.mean() - a.mean())
    error = math.sqrt(variance * (1 / len(a) + 1 / len(b)))
    return Comparison(
        delta,
        error,
        df,
        math.sqrt(variance),
        _above(delta, 0.0, error, df),
        _above(delta, min_effect, error, df),
        p_fails,
    )


def decide(
    candidate: Sequence[float],
    baseline: Sequence[float],
    *,
    sign: float = 1.0,
    min_effect: float = 0.0,
    p: float = 0.8,
    prior: tuple[float, float] | None = None,
    looks: Sequence[int] = (3, 5, 8),
    params: tuple[Params, Params] = ({}, {}),
    cost: str = "",
    metric: str = "value",
) -> Decision:
    """The decision after as many of the ``looks`` (runs an arm) as the values allow.

    ``sign`` is +1 where smaller values are better, -1 where larger ones are. It is ADOPT as soon as
    P(better by more than ``min_effect``) reaches ``p`` at a look, KEEP as soon as it is at most 0.2 or the
    candidate diverges more often (by 5 points, with probability above 1/2).
    """
    losses = sign * np.array(candidate, dtype=np.float64), sign * np.array(baseline, dtype=np.float64)
    n_runs = min(len(losses[0]), len(losses[1]))
    done: list[Look] = []
    verdict = Adoption.UNDECIDED
    last = None
    for n in [look for look in looks if look <= n_runs] or [n_runs]:
        last = compare(losses[0][:n], losses[1][:n], min_effect, prior)
        done.append(Look(n, last.p_better, last.p_worth, p))
        verdict = verdict_of(last, p)
        if verdict != Adoption.UNDECIDED:
            break
    assert last is not None
    reach = t_quantile(0.95, last.df) * last.error
    n = done[-1].n
    return Decision(
        verdict, params[0], params[1], tuple(candidate[:n]), tuple(baseline[:n]), tuple(done), last.delta,
        (last.delta - reach, last.delta + reach), last.p_better, last.p_worth, min_effect, last.sigma,
        "own runs and noise ledger" if prior else "own runs", cost, _headline(verdict, last, metric, min_effect, n, reach),
        ("Runs differ only in their seeds, fresh in both arms.", "Good runs are about normal around their mean."),
        {"kind": "adoption", "candidate": tuple(candidate[:n]), "baseline": tuple(baseline[:n])},
    )  # fmt: skip


def verdict_of(comparison: Comparison, p: float) -> Adoption:
    """What a comparison says at one look."""
    if comparison.p_fails_more > 0.5 or comparison.p_worth <= _KEEP:
        return Adoption.KEEP
    return Adoption.ADOPT if comparison.p_worth >= p else Adoption.UNDECIDED


def _headline(verdict: Adoption, c: Comparison, metric: str, least: float, n: int, reach: float) -> str:
    if c.p_fails_more > 0.5:
        return (
            f"the candidate diverges more often (probability {c.p_fails_more:.2f}) in {n} fresh runs an arm."
        )
    words = {
        Adoption.ADOPT: "the candidate is better",
        Adoption.KEEP: "the candidate is not worth adopting",
        Adoption.UNDECIDED: "the runs do not decide; more seeds are needed",
    }[verdict]
    worth = f", by more than {least:.3g} with probability {c.p_worth:.2f}" if least else ""
    return (
        f"{words}: {metric} improves by {c.delta:.4g} (90 % interval {c.delta - reach:.4g} to {c.delta + reach:.4g}), "
        f"P(better) = {c.p_better:.2f}{worth}; {n} fresh seeds an arm."
    )


def _above(delta: float, least: float, error: float, df: float) -> float:
    if error <= 0:
        return float(delta > least)
    return t_cdf((delta - least) / error, df)


def _agrees(own: float, own_df: int, prior: tuple[float, float]) -> bool:
    from scipy.special import chdtr

    sd, _ = prior
    if sd <= 0:
        return False
    tail = float(chdtr(own_df, own / sd**2))
    return 0.005 < tail < 0.995


def _fails_more(candidate: FloatArray, baseline: FloatArray) -> float:
    """P(failure rate of the candidate > that of the baseline + 5 points), Jeffreys posteriors; 0 where none failed."""
    a, b = int(np.isnan(candidate).sum()), int(np.isnan(baseline).sum())
    if a <= b:
        return 0.0
    from scipy.special import betainc

    grid = (np.arange(2000) + 0.5) / 2000
    below = betainc(b + 0.5, len(baseline) - b + 0.5, np.clip(grid - _FAILURE_MARGIN, 0, 1))
    edges = betainc(a + 0.5, len(candidate) - a + 0.5, np.linspace(0, 1, 2001))
    return float((np.diff(edges) * below).sum())
