"""Dropout whose mask is a function of (seed, call, element), so that it is the same alone and in a stack of models.

A generator's numbers depend on who drew before; counted dice do not. Probabilities live in a buffer: models that
differ in them alone have one architecture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_BITS = 2.0**24


class CountedDropout(nn.Module):
    """`nn.Dropout` with its own dice: ``seed`` names the run, ``call`` counts the forward passes in training."""

    p: Tensor
    seed: Tensor
    call: Tensor

    def __init__(self, p: float, seed: int) -> None:
        super().__init__()
        self.register_buffer("p", torch.tensor(float(p)))
        self.register_buffer("seed", torch.tensor(seed % 2**31, dtype=torch.int32))
        self.register_buffer("call", torch.zeros((), dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share p of the elements and scale up the others, in training only."""
        if not self.training:
            return x
        self.call.add_(1)
        index = torch.arange(x.numel(), dtype=torch.int32, device=x.device)
        dice = (_mix(_mix(index ^ self.seed) + _mix(self.call)) >> 8) & 0xFFFFFF
        kept = (dice < (1.0 - self.p) * _BITS).view(x.shape)
        return x * kept / (1.0 - self.p).clamp(min=1e-6)


def count_dropout(model: nn.Module, seed: int) -> None:
    """Replace every `nn.Dropout` inside ``model`` by a `CountedDropout` with a seed of its own, in place."""
    layer = 0
    for parent in model.modules():
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                layer += 1
                made = CountedDropout(child.p, seed + 0x9E3779B1 * layer)
                device = next((p.device for p in model.parameters()), torch.device("cpu"))
                setattr(parent, name, made.to(device).train(child.training))


def _mix(x: Tensor) -> Tensor:
    """A bijection of 32-bit integers that spreads every input bit (constants: Wellons' low-bias search, 2018)."""
    x = (x ^ ((x >> 16) & 0xFFFF)) * 0x7FEB352D
    x = (x ^ ((x >> 15) & 0x1FFFF)) * (0x846CA68B - 2**32)
    return x ^ ((x >> 16) & 0xFFFF)
