"""Gradient norms before clipping, kept on the device until somebody asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from tunewise.types import FloatArray, IntArray

_SPELL = 10


class Watch:
    """Logs the global L2 norm of an optimiser's gradients before its steps, and clips it where ``clip`` is given.

    It is a hook on ``optimizer.step()``. Nothing is copied from the device until `norms` is called, so that
    training never waits for it. Reading all gradients costs some per cent of a small model's step, so norms are
    sampled: 10 at the first steps, 10 at every 9th, 10 at every 17th, 33rd, ..., but no further apart than ``most``
    steps; ``most`` is 1 for all of them, and clipping needs all. (Odd distances do not beat with epochs.) Steps whose
    closure makes the gradients anew see those of the last call.
    """

    def __init__(self, optimizer: Optimizer, clip: float | None = None, most: int = 1) -> None:
        self.clip = clip
        self._most = 1 if clip is not None else max(1, most)
        self._step, self._next = 0, 1
        self._norms: list[Tensor] = []
        self._read = np.empty(0)
        self._at: list[int] = []
        optimizer.register_step_pre_hook(self._before)

    def _before(self, optimizer: Optimizer, *_: Any) -> None:
        self._step += 1
        if self._step < self._next:
            return
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if not grads:
            return
        with torch.no_grad():
            norm = torch.stack(torch._foreach_norm(grads)).norm()
            self._norms.append(norm)
            self._at.append(self._step)
            self._next = self._step + self._distance()
            if self.clip is not None:
                torch._foreach_mul_(grads, (self.clip / (norm + 1e-6)).clamp(max=1.0))

    def _distance(self) -> int:
        spell = len(self._at) // _SPELL
        return min(self._most, 2 ** (spell + 2) + 1 if spell else 1)

    def go_on(self, after: int) -> None:
        """Count on from so many steps."""
        self._step, self._next = after, after + 1

    def norms(self) -> tuple[IntArray, FloatArray]:
        """The steps (n,), counted from 1, at which a norm was taken so far, and the norms (n,)."""
        if self._norms:
            new = torch.stack([norm.float() for norm in self._norms]).cpu().numpy()
            self._read = np.concatenate([self._read, new.astype(np.float64)])
            self._norms = []
        return np.array(self._at, dtype=np.int64), self._read
