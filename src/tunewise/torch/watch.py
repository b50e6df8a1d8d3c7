"""Gradient norms before clipping, kept on the device until somebody asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from tunewise.types import FloatArray

_DENSE = 50


class Watch:
    """Logs the global L2 norm of an optimiser's gradients before its steps, and clips it where ``clip`` is given.

    It is a hook on ``optimizer.step()``. Nothing is copied from the device until `norms` is called, so that
    training never waits for it. Reading all gradients costs a few per cent of a small model's step, so after the
    first 50 steps norms are sampled: 50 at every 9th step, 50 at every 17th, 33rd, ..., but never less often than every
    ``most``-th; ``most`` is 1 for all of them, and clipping needs all. (Odd distances do not beat with epochs.) Steps
    whose closure makes the gradients anew see those of the last call.
    """

    def __init__(self, optimizer: Optimizer, clip: float | None = None, most: int = 1) -> None:
        self.clip = clip
        self._most = 1 if clip is not None else max(1, most)
        self._left = 1  # steps until the next norm
        self._taken = 0
        self._norms: list[Tensor] = []
        self._read = np.empty(0)
        optimizer.register_step_pre_hook(self._before)

    def _before(self, optimizer: Optimizer, *_: Any) -> None:
        self._left -= 1
        if self._left:
            return
        self._taken += 1
        self._left = self._distance()
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if not grads:
            return
        with torch.no_grad():
            norm = torch.stack(torch._foreach_norm(grads)).norm()
            self._norms.append(norm)
            if self.clip is not None:
                torch._foreach_mul_(grads, (self.clip / (norm + 1e-6)).clamp(max=1.0))

    def _distance(self) -> int:
        sparser = self._taken // _DENSE
        return 1 if not sparser else min(self._most, 2 ** (sparser + 2) + 1)

    def norms(self) -> FloatArray:
        """All norms taken so far (n,), in order."""
        if self._norms:
            new = torch.stack([norm.float() for norm in self._norms]).cpu().numpy()
            self._read = np.concatenate([self._read, new.astype(np.float64)])
            self._norms = []
        return self._read
