"""A progress bar: live on a terminal, silent elsewhere (the log has a line for each trial there)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tunewise.records import FrozenTrial


class Progress:
    """A rich progress bar with the best result so far, shown only where stderr is a terminal.

    It counts to ``n_trials``, which this process runs, and says beside it how many have finished in the whole study, where
    those are more. ``count`` is asked for them whenever the bar is drawn, from another thread.
    """

    def __init__(
        self, n_trials: int | None, describe: Callable[[], str], count: Callable[[], int], shown: bool
    ) -> None:
        self._n_trials = n_trials
        self._describe = describe
        self._count = count
        self._n_done = 0
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
                TextColumn("{task.fields[study]}"),
                TextColumn("{task.description}", markup=False),  # a goal may be called "loss[val]"
                console=Console(stderr=True),
                refresh_per_second=4,
            )
            self._bar.start()
            self._task = self._bar.add_task("no result yet", total=self._n_trials, study=self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __str__(self) -> str:
        """What the bar says of the study; rich asks for it anew at each drawing, since it is a field and no text."""
        n = self._count()
        return f"{n} in the study" if n > self._n_done else ""

    def advance(self, record: FrozenTrial) -> None:
        """Count a finished trial."""
        self._n_done += 1
        if self._bar is not None:
            self._bar.update(self._task, advance=1, description=self._describe())

    def note(self, text: str) -> None:
        """Show a sentence in place of the best result."""
        if self._bar is not None:
            self._bar.update(self._task, description=text)
