"""The tuning playbook: one file a chapter, every check a function of `Trials` that returns findings.

Codes such as P27 are the catalogue numbers used in the documentation.
"""

from tunewise.playbook.adopt import decide
from tunewise.playbook.check import check
from tunewise.playbook.finding import (
    Adoption,
    Component,
    Decision,
    Finding,
    Findings,
    Look,
    VarianceBudget,
    Verdict,
)

__all__ = [
    "Adoption",
    "Component",
    "Decision",
    "Finding",
    "Findings",
    "Look",
    "VarianceBudget",
    "Verdict",
    "check",
    "decide",
]
