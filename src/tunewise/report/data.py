"""What a report shows, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tunewise.playbook.finding import Decision, Findings, VarianceBudget
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import Json, Params


@dataclass(frozen=True)
class RoundData:
    """One study of a report: its question, what each parameter's role was, its trials and what the checks said.

    ``notes`` are sentences about how the study was read; ``caveats`` what its conclusions are conditional on.
    """

    goal: str
    roles: Mapping[str, str]
    trials: Trials
    space: Space
    findings: Findings
    command: str = ""
    notes: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportData:
    """A whole report, in the order in which it is read.

    ``launch_log`` holds one entry a decision and ``experiments`` one a study, as `playbook.launches` makes them.
    """

    title: str
    subtitle: str
    headline: str
    rounds: tuple[RoundData, ...]
    decisions: tuple[Decision, ...] = ()
    noise: VarianceBudget | None = None
    test: Mapping[str, Json] | None = None
    incumbent: Params | None = None
    commands: tuple[str, ...] = ()
    launch_log: tuple[Mapping[str, Json], ...] = ()
    limits: tuple[str, ...] = field(default=())
    experiments: tuple[Mapping[str, Json], ...] = ()
    best_label: str = "Configuration in use"
