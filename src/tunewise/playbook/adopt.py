"""P55, P57 to P59: adopt the candidate or keep the baseline?

Both arms are retrained on fresh seeds; the run that won the search is no evidence about itself. After each look the
posterior of the difference (flat prior, Student's t, variance moderated by the project's noise ledger: Smyth 2004)
says ADOPT, KEEP, or go on. Divergence is a hurdle of its own: an arm that fails more often is not adopted.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.special import betainc

from tunewise.errors import SettingError
from tunewise.playbook.finding import Adoption, Decision, Look
from tunewise.records import FrozenTrial
from tunewise.stats.intervals import jeffreys
from tunewise.stats.moderated import Difference, Prior, difference, pairing_pays, variance_prior
from tunewise.stats.sequential import nominal_levels, operating
from tunewise.types import FloatArray, Params

_KEEP, _FAILURE_MARGIN = 0.2, 0.05
FRESH = "replicate"  # the role that a run on a fresh seed notes
RIGHT = "right"  # the attribute of such a run that says which validation examples it got right


class Comparison(NamedTuple):
    """What two arms of fresh losses say about baseline - candidate (positive: candidate better).

    ``difference`` is None where fewer than two runs of an arm gave a value.
    """

    difference: Difference | None
    p_better: float
    p_worth: float
    p_fails_more: float


def compare(
    candidate: FloatArray,
    baseline: FloatArray,
    min_effect: float = 0.0,
    prior: tuple[float, float] | None = None,
    correlation: float | None = None,
) -> Comparison:
    """Compare losses (n,), (m,) of two arms; NaN is a run that diverged.

    ``prior`` is (SD, degrees of freedom) of the noise ledger; with ``correlation`` the runs are paired by their seeds.

    Raises:
        SettingError: an arm has fewer than two runs.
    """
    if min(len(candidate), len(baseline)) < 2:
        raise SettingError("A comparison needs at least 2 fresh runs of each arm.")
    p_fails = fails_more(candidate, baseline)
    a, b = candidate[~np.isnan(candidate)], baseline[~np.isnan(baseline)]
    if correlation is not None:
        both = ~(np.isnan(candidate) | np.isnan(baseline))
        a, b = candidate[both], baseline[both]
    if min(len(a), len(b)) < 2:
        return Comparison(None, 0.0, 0.0, p_fails)
    found = difference(a, b, Prior(*prior) if prior is not None else None, correlation)
    return Comparison(found, found.above(0.0), found.above(min_effect), p_fails)


def decide(
    candidate: Sequence[float],
    baseline: Sequence[float],
    *,
    sign: float = 1.0,
    min_effect: float = 0.0,
    p: float = 0.8,
    error: float | None = None,
    prior: tuple[float, float] | None = None,
    correlation: float | None = None,
    looks: Sequence[int] = (3, 5, 8),
    params: tuple[Params, Params] = ({}, {}),
    cost: str = "",
    metric: str = "value",
) -> Decision:
    """The decision after as many of the ``looks`` (runs an arm) as the values allow.

    ADOPT as soon as P(better by more than ``min_effect``) reaches ``p`` at a look, KEEP as soon as it is at most 0.2 or the
    candidate diverges more often (by 5 points, with probability above 1/2). The decision says how often such a design
    adopts a change that is worth nothing.

    Args:
        candidate, baseline: values on fresh seeds, in the order in which they were run; NaN where a run diverged.
        sign: +1 where smaller values are better, -1 where larger ones are.
        min_effect: what the change has to be worth (see `price`).
        p: posterior probability that is enough.
        error: instead of ``p``: adopt a change worth no more than min_effect at most this often, over all looks (a group-
            sequential t-test with the same level at each look).
        prior: (SD, degrees of freedom) of the noise ledger.
        correlation: of paired runs, from earlier ones; None for independent arms. See `choose_pairing`.
        looks: numbers of runs an arm at which to look, fixed beforehand.

    Raises:
        SettingError: fewer than two runs in an arm, or looks that do not increase.
    """
    losses = sign * np.array(candidate, dtype=np.float64), sign * np.array(baseline, dtype=np.float64)
    n_runs = min(len(losses[0]), len(losses[1]))
    thresholds = enough(looks, p, error)
    planned = [look for look in looks if look <= n_runs] or [n_runs]
    done: list[Look] = []
    verdict, last = Adoption.UNDECIDED, None
    for i, n in enumerate(planned):
        last = compare(losses[0][:n], losses[1][:n], min_effect, prior, correlation)
        done.append(Look(n, last.p_better, last.p_worth, thresholds[min(i, len(thresholds) - 1)]))
        verdict = verdict_of(last, done[-1].threshold)
        if verdict != Adoption.UNDECIDED:
            break
    assert last is not None
    n = done[-1].n
    found = last.difference
    interval = found.interval() if found else (math.nan, math.nan)
    false = _false_adoption(looks, thresholds, min_effect, found, prior)
    decision = Decision(
        verdict, params[0], params[1], tuple(candidate[:n]), tuple(baseline[:n]), tuple(done),
        found.delta if found else math.nan, interval, last.p_better, last.p_worth, min_effect,
        found.sd if found else math.nan, _sd_source(found, prior), cost,
        _headline(verdict, last, metric, min_effect, n, losses[0][:n]), _assumptions(prior, found, correlation),
        _arrays(candidate[:n], baseline[:n], done, found, min_effect), false,
        found.regret() if found else math.nan, last.p_fails_more,
    )  # fmt: skip
    more = more_runs(decision) if verdict == Adoption.UNDECIDED else None
    if more is None:
        return decision
    return replace(
        decision, headline=f"{decision.headline} About {more} runs an arm would, if the difference stays."
    )


def enough(looks: Sequence[int], p: float = 0.8, error: float | None = None) -> tuple[float, ...]:
    """The posterior probability that is enough at each look: ``p``, or what keeps the total ``error``.

    Raises:
        SettingError: looks that do not increase or begin below 2, or a p or error outside (0, 1).
    """
    known = tuple(looks)
    if not known or known[0] < 2 or any(b <= a for a, b in itertools.pairwise(known)):
        raise SettingError(
            f"looks is {looks!r}; give increasing numbers of runs at which to look, such as (3, 5, 8)."
        )
    if not 0 < (p if error is None else error) < 1:
        raise SettingError(
            f"{'p' if error is None else 'error'} is {p if error is None else error!r}; it must be between 0 and 1."
        )
    return (p,) * len(known) if error is None else tuple(1 - level for level in nominal_levels(known, error))


def verdict_of(comparison: Comparison, p: float) -> Adoption:
    """What a comparison says at one look."""
    if comparison.p_fails_more > 0.5 or comparison.p_worth <= _KEEP:
        return Adoption.KEEP
    return Adoption.ADOPT if comparison.p_worth >= p else Adoption.UNDECIDED


def fails_more(candidate: FloatArray, baseline: FloatArray) -> float:
    """P(failure rate of the candidate > that of the baseline + 5 points), Jeffreys posteriors; 0 where none failed."""
    a, b = int(np.isnan(candidate).sum()), int(np.isnan(baseline).sum())
    if a * len(baseline) <= b * len(candidate):
        return 0.0
    grid = (np.arange(2000) + 0.5) / 2000
    below = betainc(b + 0.5, len(baseline) - b + 0.5, np.clip(grid - _FAILURE_MARGIN, 0, 1))
    edges = betainc(a + 0.5, len(candidate) - a + 0.5, np.linspace(0, 1, 2001))
    return float((np.diff(edges) * below).sum())


def price(cost: str | Mapping[str, float] | None, noise_sd: float | None) -> tuple[float, str]:
    """P59: (what a change has to be worth, why), in the metric's units. 0 where nothing is added, or the noise is not measured.

    In words: each hyperparameter that is added costs half the noise, each component (layer, module, dependency, loss term)
    the noise; "none" costs nothing; other words half the noise. As a mapping: {"hyperparameters": 1, "components": 2,
    "compute": x}, where x is what the baseline would gain from the extra compute (P39), in the metric's units.
    """
    if not cost:
        return 0.0, "nothing is added"
    if isinstance(cost, Mapping):
        unknown = set(cost) - {"hyperparameters", "components", "compute"}
        if unknown:
            raise SettingError(
                f"cost names {sorted(unknown)}; it knows hyperparameters, components and compute."
            )
        units = 0.5 * cost.get("hyperparameters", 0) + cost.get("components", 0)
        extra = float(cost.get("compute", 0.0))
    else:
        extra = 0.0
        if cost.strip().lower() in ("none", "no", "nothing", "0"):
            return 0.0, "nothing is added"
        units = 0.5 * _count(cost, "hyperparameter", "parameter", "setting") + _count(
            cost, "component", "layer", "module", "dependency", "term", "stage", "branch"
        )
        units = units or 0.5
    if noise_sd is None:
        return extra, f"{units:g} x the noise over seeds, which is not measured"
    return units * noise_sd + extra, f"{units:g} x the noise over seeds" + (
        f" + {extra:.3g} for compute" if extra else ""
    )


def choose_pairing(
    history: Sequence[tuple[FloatArray, FloatArray]], n: int, prior_df: float = 0.0
) -> tuple[float | None, str]:
    """P57: (correlation, why) if pairing runs by their seeds pays for n runs an arm, (None, why) otherwise.

    From earlier pairs of arms (n_i,), (n_i,) on common seeds, before the runs to be judged are seen.
    """
    centred = [(a - a.mean(), b - b.mean()) for a, b in (_both(*pair) for pair in history) if len(a) >= 3]
    if not centred:
        return None, "unpaired: no earlier runs on common seeds say how much seeds share"
    a, b = (np.concatenate([pair[i] for pair in centred]) for i in (0, 1))
    scale = math.sqrt(float(a @ a) * float(b @ b))
    df = len(a) - len(centred)
    if scale == 0 or df < 6:
        return None, f"unpaired: {df} degrees of freedom are too few to trust a correlation; 6 are needed"
    r = float(a @ b) / scale
    pays = pairing_pays(r, n, prior_df)
    return (
        r if pays else None
    ), f"{'paired' if pays else 'unpaired'}: earlier runs on common seeds correlate by {r:.2f}"


def refuse_selection(records: Sequence[FrozenTrial]) -> None:
    """Raise SettingError if a run is not one on a fresh seed made for judging: the run that won a search must not count.

    At 50 trials and a nominal 5 %, counting it adopts a change worth nothing in 53 % of cases; letting it be one of five, 9 %.
    """
    used = [record.number for record in records if record.user_attrs.get("role") != FRESH]
    if used:
        raise SettingError(
            f"Trial{'s' * (len(used) > 1)} {used} took part in a search; a run that was used for selection is no evidence. "
            "Retrain the configuration on fresh seeds (Project.adopt does)."
        )


class Leader(NamedTuple):
    """A retrained configuration: its place in the list, mean of its fresh runs, that mean shrunken, and its error."""

    place: int
    mean: float
    shrunken: float
    error: float


def shrunken_leaders(groups: Sequence[FloatArray], prior: Prior | None = None) -> list[Leader]:
    """P55: the leaders of a search ranked by their fresh runs, losses (n_i,) each, means shrunken towards their common mean.

    Retraining five leaders with three seeds each halves the regret of the choice. Empirical Bayes: the spread of true means
    is what the spread of observed means has beyond the noise. Those without a finite run come last.
    """
    finite = [g[np.isfinite(g)] for g in groups]
    pooled = variance_prior([g for g in finite if len(g) >= 2]) or prior
    sd = pooled.sd if pooled else 0.0
    means = np.array([g.mean() if len(g) else math.inf for g in finite])
    counts = np.array([max(len(g), 1) for g in finite])
    known = np.isfinite(means)
    if not known.any():
        return [Leader(i, math.inf, math.inf, math.inf) for i in range(len(groups))]
    centre = float(means[known].mean())
    spread = (
        max(0.0, float(means[known].var(ddof=1)) - float((sd**2 / counts[known]).mean()))
        if known.sum() > 1
        else 0.0
    )
    noise = sd**2 / counts
    weight = np.where(noise + spread > 0, spread / np.maximum(noise + spread, 1e-300), 1.0)
    best = np.where(known, centre + weight * (np.where(known, means, centre) - centre), math.inf)
    leaders = [
        Leader(i, float(means[i]), float(best[i]), math.sqrt(float(weight[i] * noise[i])))
        for i in range(len(groups))
    ]
    return sorted(leaders, key=lambda leader: (leader.shrunken, leader.mean))


def more_runs(decision: Decision) -> int | None:
    """About how many runs an arm in all an undecided comparison would need, if the difference stays; None where none would do."""
    gap = abs(decision.delta - decision.min_effect)
    if not gap > 0 or not math.isfinite(decision.sigma):
        return None
    return max(decision.looks[-1].n + 1, math.ceil(2 * (0.84 * decision.sigma / gap) ** 2))


def _both(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    n = min(len(a), len(b))
    known = np.isfinite(a[:n]) & np.isfinite(b[:n])
    return a[:n][known], b[:n][known]


def _count(words: str, *kinds: str) -> int:
    """How many of some kinds of thing the words name: "two hyperparameters and a layer"."""
    numbers = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
    total = 0
    for kind in kinds:
        for found in re.finditer(
            rf"(?:(\w+)\s+)?(?:(?:more|extra|new|additional)\s+)?\b{kind}(?:s|ies)?\b", words.lower()
        ):
            before = found.group(1) or ""
            total += int(before) if before.isdigit() else numbers.get(before, 1)
    return total


def _false_adoption(
    looks: Sequence[int],
    thresholds: tuple[float, ...],
    least: float,
    found: Difference | None,
    prior: tuple[float, float] | None,
) -> float:
    sd = prior[0] if prior is not None and prior[0] > 0 else found.sd if found else 0.0
    worth = round(4 * least / sd) / 4 if sd > 0 else 0.0
    known = prior[1] if prior is not None and prior[0] > 0 else 0.0
    df = min((0.0, 2.0, 5.0, 10.0, 20.0, 50.0, 200.0), key=lambda d: abs(d - known))
    return operating(looks, thresholds, _KEEP, 0.0, min(worth, 5.0), df).adopt


def _sd_source(found: Difference | None, prior: tuple[float, float] | None) -> str:
    if found is None:
        return "not measured"
    if found.used_prior:
        return "own runs and noise ledger"
    return (
        "own runs" if prior is None else "own runs; the noise ledger was refused, as these runs contradict it"
    )


def _assumptions(
    prior: tuple[float, float] | None, found: Difference | None, correlation: float | None
) -> tuple[str, ...]:
    said = [
        "Runs differ only in their seeds, fresh in both arms.",
        "Good runs are about normal around their mean.",
        "A statement about these two configurations; whether a choice is better when tuned again is for isolation (P47).",
    ]
    if prior is not None and found is not None and found.used_prior:
        said.append("The noise of these configurations is like that of the earlier ones.")
    if correlation is not None:
        said.append(f"Runs are paired by their seeds (correlation {correlation:.2f} in earlier runs).")
    return tuple(said)


def _headline(
    verdict: Adoption, c: Comparison, metric: str, least: float, n: int, candidate: FloatArray
) -> str:
    if c.p_fails_more > 0.5:
        failed = int(np.isnan(candidate).sum())
        return (
            f"the candidate diverges more often ({failed} of {n} fresh runs; probability "
            f"{c.p_fails_more:.2f} that its rate is higher "
            "by 5 points)."
        )
    if c.difference is None:
        return f"fewer than two of {n} fresh runs of an arm gave a value; nothing can be compared."
    words = {
        Adoption.ADOPT: "the candidate is better",
        Adoption.KEEP: "the candidate is not worth adopting",
        Adoption.UNDECIDED: "the runs do not decide; more seeds are needed",
    }[verdict]
    low, high = c.difference.interval()
    worth = f", by more than {least:.3g} with probability {c.p_worth:.2f}" if least else ""
    bound = jeffreys(0, n, 0.95)[1]
    clean = (
        f"; none diverged, so its failure rate is below {bound:.0%}" if not np.isnan(candidate).any() else ""
    )
    return (
        f"{words}: {metric} improves by {c.difference.delta:.4g} (90 % interval {low:.4g} to {high:.4g}), "
        f"P(better) = {c.p_better:.2f}{worth}; {n} fresh seeds an arm{clean}."
    )


def _arrays(
    candidate: Sequence[float],
    baseline: Sequence[float],
    looks: list[Look],
    found: Difference | None,
    least: float,
) -> dict[str, Any]:
    from scipy.special import stdtr

    grid = np.empty(0)
    density = np.empty(0)
    if found is not None and found.error > 0:
        grid = np.linspace(found.delta - 4 * found.error, found.delta + 4 * found.error, 81)
        edges = np.append(grid - (grid[1] - grid[0]) / 2, grid[-1] + (grid[1] - grid[0]) / 2)
        density = np.diff(stdtr(found.df, (edges - found.delta) / found.error)) / (grid[1] - grid[0])
    return {
        "kind": "adoption", "candidate": tuple(candidate), "baseline": tuple(baseline),
        "looks": np.array([look.n for look in looks]), "p_better": np.array([look.p_better for look in looks]),
        "p_worth": np.array([look.p_worth for look in looks]), "threshold": looks[-1].threshold, "keep": _KEEP,
        "grid": grid, "density": density, "min_effect": least,
    }  # fmt: skip
