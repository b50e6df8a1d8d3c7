"""A progress bar: live on a terminal, silent elsewhere (the log has a line for each trial there)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tunewise.records import FrozenTrial


class Progress:
    """A rich progress bar with the best result so far, shown only where stderr is a terminal."""

    def __init__(self, n_trials: int | None, describe: Callable[[], str], shown: bool) -> None:
        self._n_trials = n_trials
        self._describe = describe
        self._bar: Any = None
        self._shown = shown and sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        if self._shown:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as RichProgress

            self._bar = RichProgress(
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}", markup=False),  # a goal may be called "loss[val]"
                console=Console(stderr=True),
                refresh_per_second=4,
            )
            self._bar.start()
            self._task = self._bar.add_task("no result yet", total=self._n_trials)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, record: FrozenTrial) -> None:
        """Count a finished trial."""
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=self._describe())

    def note(self, text: str) -> None:
        """Show a sentence in place of the best result."""
        if self._bar is not None:
            self._bar.update(self._task, description=text)
