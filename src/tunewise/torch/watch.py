"""Gradient norms of every step, before clipping, kept on the device until somebody asks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from tunewise.types import FloatArray

_DENSE = 100


class Watch:
    """Logs the global L2 norm of an optimiser's gradients before each step, and clips it where ``clip`` is given.

    It is a hook on ``optimizer.step()``. Nothing is copied from the device until `norms` is called, so that
    training never waits for it. After the first 100 steps only every ``every``-th norm is taken, unless it is needed to
    clip: reading all gradients costs a few per cent of a small model's step. Steps whose closure makes the
    gradients anew see those of the last call.
    """

    def __init__(self, optimizer: Optimizer, clip: float | None = None, every: int = 1) -> None:
        self.clip = clip
        self._every, self._step = every, 0
        self._norms: list[Tensor] = []
        self._read = np.empty(0)
        optimizer.register_step_pre_hook(self._before)

    def _before(self, optimizer: Optimizer, *_: Any) -> None:
        self._step += 1
        if self.clip is None and self._step > _DENSE and self._step % self._every:
            return
        grads = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if not grads:
            return
        with torch.no_grad():
            norm = torch.stack(torch._foreach_norm(grads)).norm()
            self._norms.append(norm)
            if self.clip is not None:
                torch._foreach_mul_(grads, (self.clip / (norm + 1e-6)).clamp(max=1.0))

    def norms(self) -> FloatArray:
        """All norms taken so far (n,), in order."""
        if self._norms:
            new = torch.stack([norm.float() for norm in self._norms]).cpu().numpy()
            self._read = np.concatenate([self._read, new.astype(np.float64)])
            self._norms = []
        return self._read
