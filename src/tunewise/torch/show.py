"""What the demo looks like on a terminal: titles, a live progress bar, tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from tunewise.errors import TrialInfeasible
from tunewise.playbook import Adoption, Decision, Finding, Verdict

_COLOURS = {Verdict.OK: "green", Verdict.ACT: "bold red", Verdict.UNSURE: "yellow", Verdict.NA: "dim"}


class Show:
    """Writes to one console, and counts the runs of a training function while `runs` is open."""

    def __init__(self, console: Console, metric: str) -> None:
        self.console = console
        self._metric = metric
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._values: list[float] = []
        self._diverged = 0
        self._stage = 0

    def stage(self, title: str, words: str) -> None:
        """Begin a part of the story."""
        self._stage += 1
        self.console.print()
        self.console.rule(f"[bold cyan]{self._stage}  {title}", align="left", style="cyan")
        self.console.print(words, style="dim", highlight=False)

    @contextmanager
    def runs(self, at_most: int) -> Iterator[None]:
        """A live bar over the runs inside."""
        self._values, self._diverged = [], 0
        columns = (
            SpinnerColumn(), BarColumn(28), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}")
        )  # fmt: skip
        with Progress(*columns, console=self.console) as self._progress:
            self._task = self._progress.add_task("starting", total=at_most)
            yield
            self._progress.update(self._task, total=self._progress.tasks[0].completed)
        self._progress = None

    def watch(self, train: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """``train``, counted on the bar; it returns a number a goal by name."""

        def watched(trial: Any) -> Any:
            try:
                value = train(trial)
            except TrialInfeasible:
                self._count(None)
                raise
            self._count(value[self._metric])
            return value

        return watched

    def arms(self, name: str, best: Mapping[Any, float]) -> None:
        """The best result for each value of a scientific parameter."""
        table = Table("", f"best {self._metric}", box=None, padding=(0, 2))
        winner = min(best.values())
        for value, reached in sorted(best.items()):
            style = "bold green" if reached == winner else ""
            table.add_row(f"{name} = {value}", f"{reached:.2%}", style=style)
        self.console.print(table)

    def findings(self, findings: Iterable[Finding]) -> None:
        """What the checks say, worst first."""
        table = Table(
            "verdict",
            "check",
            "about",
            "what was found",
            "next",
            box=None,
            padding=(0, 1),
            header_style="dim",
        )
        for finding in findings:
            verdict = f"[{_COLOURS[finding.verdict]}]{finding.verdict.value}[/]"
            table.add_row(verdict, finding.code, finding.subject, finding.headline, finding.next_action)
        self.console.print(table)

    def decision(self, decision: Decision) -> None:
        """The decision in one paragraph."""
        colour = {Adoption.ADOPT: "green", Adoption.KEEP: "yellow"}.get(decision.verdict, "red")
        words = f"{decision.headline[0].upper()}{decision.headline[1:]}"
        self.console.print(
            Panel(words, title=f"[bold]{decision.verdict.value}", border_style=colour, expand=False)
        )

    def say(self, words: str) -> None:
        """A plain sentence or table."""
        self.console.print(words, highlight=False)

    @property
    def mean(self) -> float:
        """The mean result of the last `runs` that did not diverge; NaN where all did."""
        return sum(self._values) / len(self._values) if self._values else math.nan

    def _count(self, value: float | None) -> None:
        if value is None:
            self._diverged += 1
        else:
            self._values.append(value)
        if self._progress is not None:
            best = (
                f"best {self._metric} [bold]{min(self._values):.2%}[/]" if self._values else "no result yet"
            )
            diverged = f"  [red]{self._diverged} diverged[/]" if self._diverged else ""
            self._progress.update(self._task, advance=1, description=best + diverged)
