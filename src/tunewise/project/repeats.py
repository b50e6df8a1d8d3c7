"""What a project has run more than once: configurations on other seeds, arms on common seeds, whole searches.

Studies come by the part of their name after the project's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tunewise.playbook import Finding
from tunewise.playbook.adopt import RIGHT
from tunewise.playbook.noise import Replicates, no_examples, on_these_examples, seed_or_set
from tunewise.records import FrozenTrial
from tunewise.stats.examples import unpacked
from tunewise.study import Study
from tunewise.types import BoolArray, FloatArray


def value_of(record: FrozenTrial) -> float:
    """A run's value, NaN where it has none."""
    return record.values[0] if record.values is not None else np.nan


def replicates(studies: Mapping[str, Study]) -> list[FloatArray]:
    """The values of every configuration that was run on several fresh seeds."""
    tables = [study.trials for part, study in studies.items() if part.startswith(("noise", "adopt "))]
    return [np.array([value_of(record) for record in table]) for table in tables if len(table) > 1]


def right_examples(study: Study) -> BoolArray | None:
    """Which examples the runs of a configuration got right: (N, n); None where fewer than two runs of one set say so."""
    kept = [record.user_attrs.get(RIGHT) for record in study.trials]
    rows = [unpacked(text) for text in kept if isinstance(text, str)]
    same = [row for row in rows if len(row) == len(rows[0])]
    return np.array(same) if len(same) > 1 else None


def data_variance(studies: Mapping[str, Study], n_decisions: int, min_effect: float) -> list[Finding]:
    """P52 on the configuration with most runs, P53 on the arms of the last decision.

    The smallest effect is in units of the metric, so it counts where that is the share of right or of wrong examples.
    """
    repeated = [study for part, study in studies.items() if part.startswith(("noise", "adopt "))]
    known = [(study, right) for study in repeated if (right := right_examples(study)) is not None]
    if not known:
        return [no_examples()]
    findings = [seed_or_set(max((right for _, right in known), key=len).astype(float))]
    of = {study.name.rpartition("/")[2]: (study, right) for study, right in known}
    arms = [of.get(f"adopt {n_decisions} {arm}") for arm in ("candidate", "baseline")]
    if arms[0] is not None and arms[1] is not None and arms[0][1].shape[1] == arms[1][1].shape[1]:
        (study, a), (_, b) = arms[0], arms[1]
        least = min_effect if _is_share(study) else 0.0
        findings.append(on_these_examples(a.astype(float), b.astype(float), least))
    return findings


def _is_share(study: Study) -> bool:
    """Whether the metric is the share of right, or of wrong examples."""
    record = study.trials[0]
    share = float(unpacked(record.user_attrs[RIGHT]).mean()) if RIGHT in record.user_attrs else math.nan
    return min(abs(value_of(record) - share), abs(value_of(record) - 1 + share)) < 1e-6


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
