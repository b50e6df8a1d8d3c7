"""The learning rate as a function of the step: a linear warm-up, then constant, linear or cosine decay."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer

from tunewise.errors import SettingError

KINDS = ("cosine", "linear", "wsd", "constant")


@dataclass(frozen=True, slots=True)
class Schedule:
    """What multiplies the peak learning rate at each step of a run.

    ``warmup`` is the share of ``max_steps`` spent rising linearly to 1; the rest decays to ``end_factor``
    (cosine, linear) or stays at 1 (constant). "wsd" (warm-up, stable, decay) stays at 1 and decays linearly in the
    share ``decay`` of the run: where a longer run is to keep what a shorter one taught, lengthen its stable part alone.

    Raises:
        SettingError: an unknown kind, or a share outside 0..1.
    """

    kind: str
    max_steps: int
    warmup: float = 0.05
    end_factor: float = 0.0
    decay: float = 0.2

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingError(f"The schedule is {self.kind!r}; it must be one of {', '.join(KINDS)}.")
        for name in ("warmup", "end_factor", "decay"):
            share = getattr(self, name)
            if not 0.0 <= share <= 1.0:
                raise SettingError(f"{name} is {share!r}; it is a share, so it must lie in 0..1.")

    def factor(self, step: int) -> float:
        """The factor of update number ``step``, counted from 0."""
        warmup_steps = round(self.warmup * self.max_steps)
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        if self.kind == "constant":
            return 1.0
        progress = min(1.0, (step - warmup_steps) / max(1, self.max_steps - warmup_steps))
        if self.kind == "wsd":
            falling = max(1.0, self.decay * self.max_steps)
            progress = min(1.0, max(0.0, step - (self.max_steps - falling)) / falling)
        left = 0.5 * (1.0 + math.cos(math.pi * progress)) if self.kind == "cosine" else 1.0 - progress
        return self.end_factor + (1.0 - self.end_factor) * left

    def drive(self, optimizer: Optimizer) -> Callable[[int], None]:
        """Set the learning rate of every group before its first step and after each one.

        A hook on the optimizer does it, so that the training loop calls nothing but ``optimizer.step()``. What is
        returned sets the rate for going on after so many steps.
        """
        peaks = [group["lr"] for group in optimizer.param_groups]
        taken = 0

        def set_rates(*_: Any) -> None:
            nonlocal taken
            factor = self.factor(taken)
            taken += 1
            for group, peak in zip(optimizer.param_groups, peaks, strict=False):
                group["lr"] = peak * factor

        def go_on(after: int) -> None:
            nonlocal taken
            taken = after
            set_rates()

        set_rates()
        optimizer.register_step_post_hook(set_rates)
        return go_on
