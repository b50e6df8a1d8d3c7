"""P23: how many trials for how many questions? What a design can be expected to find, from an earlier study or a typical
surface.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tunewise.stats.order import best_of
from tunewise.types import FloatArray


class Design(NamedTuple):
    """What a round of so many trials for so many arms can be expected to do.

    Attributes:
        arms: scientific values; trials: for each of them.
        regret: expected distance of an arm's best from what endless search would find.
        right_order: P(the truly better of two arms has the better best), where they differ by the smallest effect.
        detectable: difference of two arms that the test of whole studies (5 %) would find with 80 %.
    """

    arms: int
    trials: int
    regret: float
    right_order: float
    detectable: float


def designs(
    budget: int,
    n_arms: int,
    n_dims: float = 2.0,
    spread: float = 1.0,
    noise_sd: float = 0.0,
    min_effect: float | None = None,
    earlier: FloatArray | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> list[Design]:
    """The design as asked, and with fewer arms (down to 2), most arms first. O(arms draws n log n).

    Losses are drawn from an ``earlier`` study's (n,), or else from a quadratic bowl of ``n_dims`` effective dimensions (1
    to 2 are usual) with this ``spread`` (SD over the space), plus the noise. ``min_effect`` is by default a tenth of the
    spread.

    Raises:
        ValueError: fewer than 4 trials an arm.
    """
    if n_arms < 1 or budget // n_arms < 4:
        raise ValueError(
            f"{budget} trials for {n_arms} arms are fewer than 4 an arm; ask for fewer arms or more trials."
        )
    rng = np.random.default_rng(seed)
    effect = 0.1 * spread if min_effect is None else min_effect
    return [_design(budget // arms, arms, n_dims, spread, noise_sd, effect, earlier, rng, draws)
            for arms in range(n_arms, min(n_arms, 2) - 1, -1)]  # fmt: skip


def _design(
    n: int, arms: int, n_dims: float, spread: float, noise_sd: float, effect: float, earlier: FloatArray | None,
    rng: np.random.Generator, draws: int,
) -> Design:  # fmt: skip
    if earlier is not None and len(earlier) >= 8:
        pool = np.sort(earlier[np.isfinite(earlier)])
        sample = pool[rng.integers(0, len(pool), (2, draws, n))]
        floor = float(pool[0])
    else:
        shape = n_dims / 2
        scale = spread / math.sqrt(
            shape / ((shape + 1) ** 2 * (shape + 2))
        )  # SD of a Beta(shape, 1) variable
        sample = scale * rng.random((2, draws, n)) ** (1 / shape)
        floor = 0.0
    seen = sample + noise_sd * rng.standard_normal(sample.shape)
    true_best = np.take_along_axis(sample, seen.argmin(axis=2)[:, :, None], axis=2)[:, :, 0]
    bests = seen.min(axis=2)
    k = max(1, n // 2)
    typical = np.array([best_of(row, k) for row in seen[0][:400]])
    sd = float(typical.std())
    return Design(
        arms,
        n,
        float(true_best.mean()) - floor,
        float((bests[0] - effect < bests[1]).mean()),
        (1.645 + 0.842) * math.sqrt(2) * sd,
    )
