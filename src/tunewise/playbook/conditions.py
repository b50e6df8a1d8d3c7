"""P20: the same name is not the same parameter.

A learning rate of SGD and one of Adam have ranges and best values of their own. Under one name their trials are pooled, and what
is said of the name is about neither.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tunewise.playbook.commands import suggest
from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.playbook.roles import is_of_optimiser, is_optimiser
from tunewise.types import Choice


def shared(evidence: Evidence, name: str) -> tuple[str, list[Choice]] | None:
    """(the choice of optimiser, its values) under two or more values of which a setting of optimisers was given; None else."""
    if name not in evidence.space or not is_of_optimiser(name):
        return None
    given = ~np.isnan(evidence.column(name))
    for choice, domain in evidence.space.items():
        if not is_optimiser(choice):
            continue
        u = np.unique(evidence.column(choice)[given])
        values = [domain.decode(float(raw)) for raw in domain.from_unit(u[~np.isnan(u)])]
        if len(values) > 1:
            return choice, values
    return None


def one_name(evidence: Evidence) -> list[Finding]:
    """UNSURE for each setting that several optimisers share; nothing where each has its own. O(n d)."""
    return [_said(evidence, name, *found) for name in evidence.space if (found := shared(evidence, name))]


def pooled(evidence: Evidence, name: str, finding: Finding) -> Finding:
    """The finding about a parameter, which holds only if it means the same under every optimiser that shares its name."""
    found = shared(evidence, name)
    if found is None:
        return finding
    said = f"{name} is the same parameter under every {found[0]} (P20)."
    return replace(finding, assumptions=(*finding.assumptions, said))


def _said(evidence: Evidence, name: str, choice: str, values: list[Choice]) -> Finding:
    words = (
        f"{name} is one name under {choice} = {', '.join(map(str, values))}; each has a best value of its own, so what is "
        "said of it is pooled over them."
    )
    line = suggest(name, evidence.space[name]).replace(repr(name), f"f'{{{choice}}}.{name}'", 1)
    return Finding(
        "P20", name, Verdict.UNSURE, words, threshold_source="the playbook's rule", data_used=f"{len(evidence.rows)} trials",
        next_action=f"name it by its {choice}, or run a study for each", command=line, cost_trials=len(evidence.rows),
    )  # fmt: skip
