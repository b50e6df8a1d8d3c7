"""P99: after a launch, have the best values of the nuisance parameters moved?

A small matched probe: the same few values of one parameter around its old optimum, under the old and under the new baseline.
"""

from __future__ import annotations

import numpy as np

from tunewise.playbook.finding import Finding, Verdict
from tunewise.types import FloatArray


def probe_points(u: float, n: int = 7, width: float = 0.3) -> FloatArray:
    """n places in [0, 1] around an optimum u, evenly spread over ``width`` to both sides where the range allows."""
    low, high = max(0.0, u - width), min(1.0, u + width)
    return np.linspace(low, high, n)


def retune(
    name: str,
    u: FloatArray,
    before: FloatArray,
    after: FloatArray,
    noise_sd: float | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> Finding:
    """Compare where the minimum of a parabola through each probe lies: u (n,) places, losses (n,), (n,), n >= 5.

    Residual bootstrap: losses are redrawn around the fitted parabolas with the noise over seeds (or the residual SD, whichever is
    larger). ACT where the shift's 90 % interval excludes 0 and the old value costs more than the noise under the new baseline.
    NaN (a run that diverged) is left out.
    """
    known = ~(np.isnan(before) | np.isnan(after))
    u, before, after = u[known], before[known], after[known]
    n = len(u)
    if n < 5:
        return Finding(
            "P99",
            name,
            Verdict.UNSURE,
            f"{n} probes with a result are too few; 5 are needed.",
            needs="5 to 8 matched probes",
        )
    X = np.vander(u, 3)
    solve = np.linalg.pinv(X)
    fits = [X @ (solve @ y) for y in (before, after)]
    residual = [y - f for y, f in zip((before, after), fits, strict=True)]
    sd = max(
        noise_sd or 0.0,
        float(np.sqrt((residual[0] @ residual[0] + residual[1] @ residual[1]) / (2 * (n - 3)))),
    )
    rng = np.random.default_rng(seed)
    places, costs = [], []
    for fit in fits:
        c = (fit + sd * rng.standard_normal((draws, n))) @ solve.T
        places.append(_lowest(c, float(u.min()), float(u.max())))
        costs.append(c)
    shift = places[1] - places[0]
    low, middle, high = (float(q) for q in np.quantile(shift, (0.05, 0.5, 0.95)))
    old_cost = _value(costs[1], places[0]) - _value(costs[1], places[1])
    cost = float(np.median(old_cost))
    moved = low > 0 or high < 0
    dear = cost > (noise_sd or 0.0) and cost > sd / np.sqrt(n)
    words = (
        f"Under the new baseline the best {name} moved by {middle:+.0%} of its range (90 % interval "
        f"{low:+.0%} to {high:+.0%}); the "
        f"old value costs {cost:.3g}"
        + (f" = {cost / noise_sd:.1f} x the noise over seeds." if noise_sd else ".")
    )
    grid = np.linspace(float(u.min()), float(u.max()), 41)
    curves = [np.vander(grid, 3) @ (solve @ y) for y in (before, after)]
    return Finding(
        "P99",
        name,
        Verdict.ACT if moved and dear else Verdict.OK,
        words,
        effect=middle,
        interval=(low, high),
        threshold=noise_sd,
        threshold_source="noise over seeds" if noise_sd else "not measured",
        data_used=f"{n} matched probes",
        assumptions=("The loss is a parabola near its minimum.",),
        next_action=f"make {name} a nuisance parameter of the next round" if moved and dear else "",
        command=f"project.round({f'{name} anew'!r}, nuisance=[{name!r}])" if moved and dear else "",
        arrays={
            "kind": "retune",
            "name": name,
            "grid": grid,
            "before": curves[0],
            "after": curves[1],
            "argmin_before": float(np.median(places[0])),
            "argmin_after": float(np.median(places[1])),
            "low": low,
            "high": high,
        },
    )


def _lowest(c: FloatArray, low: float, high: float) -> FloatArray:
    """Where parabolas c (r, 3) are lowest in [low, high]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        vertex = np.clip(-c[:, 1] / (2 * c[:, 0]), low, high)
    ends = np.stack([_value(c, np.full(len(c), low)), _value(c, np.full(len(c), high))])
    end = np.where(ends[0] <= ends[1], low, high)
    return np.where(c[:, 0] > 0, vertex, end)


def _value(c: FloatArray, u: FloatArray) -> FloatArray:
    return np.asarray(c[:, 0] * u**2 + c[:, 1] * u + c[:, 2])
