"""From the arrays that a finding carries to its picture: a title, a chart, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tunewise.figures import (
    adoption,
    axis,
    curves,
    infeasible,
    isolation,
    lengths,
    sensitivity,
    tuning,
    variance,
)
from tunewise.space import Space
from tunewise.trials import Trials

_WORTH_DRAWING = 0.02  # the largest share of a pair, below which a matrix is white


class Picture(NamedTuple):
    """A chart, its title, and a sentence that says how to read it; ``wide`` where it needs the whole line."""

    title: str
    caption: str
    chart: Any
    wide: bool = False


class _Place(NamedTuple):
    """What pictures need besides the arrays."""

    trials: Trials
    space: Space

    @property
    def metric(self) -> str:
        return self.trials.goals[0].name

    @property
    def sign(self) -> float:
        return self.trials.goals[0].sign


def picture_of(arrays: Mapping[str, Any], trials: Trials, space: Space | None = None) -> Picture | None:
    """The picture of a finding's arrays; None where it has none, or nothing in it to draw.

    Args:
        arrays: ``finding.arrays``; the kinds are listed in `tunewise.playbook.finding`.
        trials: the study's table.
        space: the space that was searched; by default the table's.

    Raises:
        MissingExtra: Altair is not installed.
    """
    draw = _KINDS.get(str(arrays.get("kind")))
    return None if draw is None else draw(arrays, _Place(trials, trials.space if space is None else space))


def _axis(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    name = str(arrays["name"])
    if name not in place.space:
        return None
    rows = axis.axis_rows(place.trials, place.space, name)
    if not rows:
        return None
    chart = axis.axis_chart(rows, place.space[name], name, place.metric, place.sign, arrays)
    return Picture(name, axis_caption(arrays), chart)


def axis_caption(arrays: Mapping[str, Any]) -> str:
    """How to read an axis plot with what these arrays hold."""
    words = "Diamonds are the best five."
    if "grid" in arrays:
        words += (
            " The band is the best value that a model expects at each place: if it still improves in a shaded edge, the best may "
            "lie beyond."
        )
    else:
        words += " If they crowd in a shaded edge, better values may lie beyond it."
    return words + (" The bar at the left is the noise." if "unit" in arrays else "")


def _infeasible(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = infeasible.infeasible_rows(arrays)
    if not rows or not any(row["p"] for row in rows):
        return None
    caption = "Each mark is a trial; the line is the fitted probability, the shaded strip where it passes one half (90 %)."
    if np.isfinite(float(arrays.get("best", np.nan))):
        caption += " The dashed line is the best trial: close to the strip, stability limits the result."
    return Picture("Where trials diverge", caption, infeasible.infeasible_chart(rows, arrays))


def _tuning(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = tuning.tuning_rows(arrays)
    caption = "The best of k trials, as it may be expected, with a band (80 %). Still falling at its end: more trials pay."
    if place.sign < 0:
        caption = caption.replace("falling", "rising")
    return (
        Picture("What trials buy", caption, tuning.tuning_chart(rows, place.metric, place.sign))
        if rows
        else None
    )


def _curve(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = curves.curve_rows(arrays)
    if len(rows) < 2:
        return None
    caption = "The evaluations of one trial; the dashed line is the fit on which the verdict rests, if one was needed."
    return Picture(f"Trial {arrays['number']}", caption, curves.curve_chart(rows, arrays, place.metric))


def _labels(arrays: Mapping[str, Any], place: _Place) -> Picture:
    rows = curves.label_rows(arrays)
    caption = "How many curves have each shape. A shape that is commoner among the best is what this search selects for."
    return Picture("Shapes of the curves", caption, curves.label_chart(rows))


def _best_steps(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = curves.best_step_rows(arrays)
    caption = "Mostly early: train shorter. Mostly in the shaded last quarter: perhaps longer, unless the schedule decays."
    return Picture("Where runs were best", caption, curves.best_step_chart(rows)) if rows else None


def _isolation(arrays: Mapping[str, Any], place: _Place) -> Picture:
    rows = isolation.isolation_rows(arrays)
    caption = (
        f"Each value at the median best of {int(arrays['k'])} of its trials (dot, 90 %), so that values with more trials "
        "gain nothing; ticks are the best seen. Grey values are worse with 95 % certainty."
    )
    return Picture(
        f"{arrays['name']} in isolation", caption, isolation.isolation_chart(rows, arrays, place.metric)
    )


def _sensitivity(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = sensitivity.sensitivity_rows(arrays)
    unit = np.asarray(arrays.get("unit", np.nan), dtype=np.float64)
    scale = float(unit) if unit.ndim == 0 and np.isfinite(unit) else None
    caption = "What the worst place of each costs when all others are at their best, with 90 % intervals."
    caption += " Left of the dashed line it is noise." if scale else ""
    chart = sensitivity.sensitivity_chart(rows, place.metric, scale)
    return Picture("What a wrong value costs", caption, chart) if rows else None


def _interaction(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = sensitivity.interaction_rows(arrays)
    if max((row["share"] for row in rows), default=0.0) < _WORTH_DRAWING:
        return None
    caption = "Dark pairs act together: when one changes, tune the other again."
    return Picture("What acts together", caption, sensitivity.interaction_chart(rows)) if rows else None


def _shift(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = sensitivity.shift_rows(arrays)
    name, by = str(arrays["name"]), str(arrays["by"])
    caption = f"Where {name} is best at each {by}. Dots that do not line up: it needs tuning anew when {by} changes."
    return Picture(f"{name} by {by}", caption, sensitivity.shift_chart(rows, name, by)) if rows else None


def _steps(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = lengths.steps_rows(arrays)
    caption = (
        "Steps until the training set is fitted, at constant learning rates; triangles did not get there. Dashed: the fewest, "
        "with its 90 % interval."
    )
    return Picture("Steps to the target", caption, lengths.steps_chart(rows, arrays)) if rows else None


def _retune(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = lengths.retune_rows(arrays)
    caption = (
        "The loss over the range before and after the launch. Lowest places apart (dashed): tune it again."
    )
    return (
        Picture(f"{arrays['name']} after the launch", caption, lengths.retune_chart(rows, arrays))
        if rows
        else None
    )


def _transfer(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = lengths.pairs_rows(arrays)
    caption = "The same configurations at two lengths. A rising line: what wins short wins long."
    return (
        Picture("Short and long runs", caption, lengths.pairs_chart(rows, "loss, short", "loss, long"))
        if rows
        else None
    )


def _representative(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = lengths.pairs_rows(arrays)
    caption = "What was tuned against what counts. A rising line: the one stands for the other."
    return (
        Picture("Tuned and wanted", caption, lengths.pairs_chart(rows, "tuned metric", "wanted metric"))
        if rows
        else None
    )


def _batch(arrays: Mapping[str, Any], place: _Place) -> Picture | None:
    rows = lengths.batch_rows(arrays)
    return (
        Picture("Throughput", "Level: a larger batch gains nothing.", lengths.batch_chart(rows))
        if rows
        else None
    )


def _variance(arrays: Mapping[str, Any], place: _Place) -> Picture:
    sds = [float(sd) if np.isfinite(sd) else None for sd in arrays["sds"]]
    intervals = zip(arrays["lows"], arrays["highs"], strict=True)
    ends = [(float(a), float(b)) if np.isfinite(a) and np.isfinite(b) else None for a, b in intervals]
    rows = variance.variance_rows([str(name) for name in arrays["names"]], sds, ends)
    return Picture(
        "Where variance comes from", VARIANCE_CAPTION, variance.variance_chart(rows, place.metric), wide=True
    )


VARIANCE_CAPTION = "Standard deviations with their 90 % intervals. What was not measured is not zero."


def dossier(arrays: Mapping[str, Any], metric: str) -> list[Picture]:
    """The pictures of a decision: the runs, the posterior of the improvement, the looks."""
    arms = {arm: [float(v) for v in arrays[arm]] for arm in ("candidate", "baseline")}
    lost = {arm: sum(v != v for v in runs) for arm, runs in arms.items()}
    runs = adoption.adoption_rows(arms["candidate"], arms["baseline"])
    caption = (
        "Every dot is a run on a fresh seed, ticks are means. The run that won the search is not among them."
    )
    pictures = []
    if runs:
        pictures.append(
            Picture(
                "Fresh runs of both arms", caption, adoption.adoption_chart(runs, metric, lost), wide=True
            )
        )
    posterior = adoption.posterior_rows(arrays)
    if posterior:
        caption = "What the runs say about the improvement. Only the part beyond the smallest effect speaks for adopting."
        chart = adoption.posterior_chart(posterior, metric, float(arrays.get("min_effect", 0.0)))
        pictures.append(Picture("How large is it", caption, chart))
    looks = adoption.look_rows(arrays)
    if looks:
        caption = "Probabilities at the looks that were fixed beforehand; a dotted limit ends it."
        chart = adoption.look_chart(
            looks, float(arrays.get("threshold", 0.8)), float(arrays.get("keep", 0.2))
        )
        pictures.append(Picture("Look by look", caption, chart))
    return pictures


_KINDS: dict[str, Callable[[Mapping[str, Any], _Place], Picture | None]] = {
    "axis": _axis,
    "batch": _batch,
    "best_of_k": _tuning,
    "best_steps": _best_steps,
    "curve": _curve,
    "infeasible": _infeasible,
    "interaction": _interaction,
    "isolation": _isolation,
    "labels": _labels,
    "representative": _representative,
    "retune": _retune,
    "sensitivity": _sensitivity,
    "shift": _shift,
    "steps": _steps,
    "transfer": _transfer,
    "variance": _variance,
}
