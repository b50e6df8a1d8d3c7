"""P63: does the test set say what the validation set said?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunewise.playbook import Finding
from tunewise.playbook.measures import drop_to_test
from tunewise.playbook.selection import FEWEST_EVALS, lucky_bias
from tunewise.records import FrozenTrial


def drop(records: Sequence[FrozenTrial], test: Sequence[float], metric: str, sign: float) -> Finding | None:
    """From the fresh runs of the adopted configuration to its values on the test set; None with fewer than two runs."""
    runs = [r for r in records if r.values is not None]
    if len(runs) < 2 or not len(test):
        return None
    validation = np.array([sign * r.values[0] for r in runs if r.values is not None])
    luck = np.array([_luck(r, metric, sign) for r in runs])
    return drop_to_test(
        validation, sign * np.array(test), float(luck.mean()), float(luck.std(ddof=1)) / len(luck) ** 0.5
    )


def _luck(record: FrozenTrial, metric: str, sign: float) -> float:
    """What choosing the best evaluation of its run adds to a value; 0 where the value is not the best of its curve."""
    y = sign * np.array(list(record.curves.get(metric, {}).values()))
    if len(y) < FEWEST_EVALS or not np.isfinite(y).all() or record.values is None:
        return 0.0
    return lucky_bias(y)[2] if np.isclose(sign * record.values[0], y.min()) else 0.0
