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


def leaves(evidence: Evidence, name: str) -> list[tuple[str, Evidence]]:
    """(what is added to the parameter's name, its trials) for each optimiser that shares it; the whole study where none does."""
    found = shared(evidence, name)
    if found is None:
        return [("", evidence)]
    choice, values = found
    domain, u = evidence.space[choice], evidence.column(choice)
    places = [float(domain.to_unit(np.array(domain.encode(value)))) for value in values]
    parts = [evidence.where(np.isclose(u, place)) for place in places]
    return [(f" ({choice} = {value})", part) for value, part in zip(values, parts, strict=True)]


def named(evidence: Evidence, name: str, label: str, finding: Finding) -> Finding:
    """A finding about a parameter under one optimiser; its range cannot be changed alone while others share the name."""
    found = shared(evidence, name)
    if found is None:
        return finding
    first = "give it a name of its own (P20)"
    return replace(finding, subject=f"{name}{label}", change=None,
        command=_own_name(evidence, name, found[0]) if finding.command else "",
                   next_action=f"{first}, then {finding.next_action}" if finding.next_action else "")  # fmt: skip


def _said(evidence: Evidence, name: str, choice: str, values: list[Choice]) -> Finding:
    words = (
        f"{name} is one name under {choice} = {', '.join(map(str, values))}; each has a best value of its own, so edges are "
        "judged under each, and values are not compared."
    )
    return Finding(
        "P20", name, Verdict.UNSURE, words, threshold_source="the playbook's rule", data_used=f"{len(evidence.rows)} trials",
        next_action=f"name it by its {choice}, or run a study for each", command=_own_name(evidence, name, choice),
        cost_trials=len(evidence.rows),
    )  # fmt: skip


def _own_name(evidence: Evidence, name: str, choice: str) -> str:
    return suggest(name, evidence.space[name]).replace(repr(name), f"f'{{{choice}}}.{name}'", 1)
