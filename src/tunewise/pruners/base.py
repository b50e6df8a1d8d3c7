"""What a pruner is: a pure question to the table."""

from __future__ import annotations

from typing import ClassVar, Protocol

from tunewise.trials import Trials


class Pruner(Protocol):
    """Should trial ``number`` end early, judged by the reports that are in the table?

    An implementation is a frozen dataclass of settings. It writes nothing and keeps nothing: rungs and brackets
    are functions of the curves, of the study's seed and of the trial's number, so that all workers agree and a
    replayed log gives the same decisions. A judgement concerns the last report of the trial; only the first
    goal's metric is looked at.
    """

    name: ClassVar[str]

    def __call__(self, trials: Trials, number: int) -> bool:
        """Whether to end the trial now."""
        ...
