"""What a project has run more than once: configurations on other seeds, arms on common seeds, whole searches.

Studies come by the part of their name after the project's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tunewise.playbook.noise import Replicates
from tunewise.records import FrozenTrial
from tunewise.study import Study
from tunewise.types import FloatArray


def value_of(record: FrozenTrial) -> float:
    """A run's value, NaN where it has none."""
    return record.values[0] if record.values is not None else np.nan


def replicates(studies: Mapping[str, Study]) -> list[FloatArray]:
    """The values of every configuration that was run on several fresh seeds."""
    tables = [study.trials for part, study in studies.items() if part.startswith(("noise", "adopt "))]
    return [np.array([value_of(record) for record in table]) for table in tables if len(table) > 1]


def pairs(studies: Mapping[str, Study], n_decisions: int, sign: float) -> list[tuple[FloatArray, FloatArray]]:
    """The losses of earlier decisions' arms on their common seeds."""
    found = []
    for k in range(1, n_decisions + 1):
        arms = [studies.get(f"adopt {k} {arm}") for arm in ("candidate", "baseline")]
        a, b = (
            {r.user_attrs.get("seed"): sign * value_of(r) for r in arm.trials} if arm is not None else {}
            for arm in arms
        )
        if a and b:
            common = [seed for seed in a if seed in b]
            found.append((np.array([a[seed] for seed in common]), np.array([b[seed] for seed in common])))
    return found


def repeated_searches(studies: Mapping[str, Study], sign: float) -> Replicates | None:
    """Fresh runs of the best of each repeated search; None with fewer than two searches."""
    values: list[float] = []
    study_of: list[int] = []
    for part, study in studies.items():
        if part.startswith("repeat ") and part.endswith(" best"):
            values += [sign * value_of(record) for record in study.trials]
            study_of += [int(part.split()[1])] * len(study.trials)
    known = np.isfinite(values)
    if not known.any() or len(set(study_of)) < 2:
        return None
    return Replicates(
        np.array(values)[known], np.zeros(int(known.sum()), dtype=np.int64), np.array(study_of)[known]
    )
