"""Dropout whose mask is a function of (seed, call, element), so that it is the same alone and in a stack of models.

A generator's numbers depend on who drew before; counted dice do not. Probabilities live in a buffer: models that
differ in them alone have one architecture. The dice are SplitMix64 (Steele, Lea and Flood 2014), each call at another
place of its sequence: few operations, since on a GPU each is a kernel of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _signed(bits: int) -> int:
    return bits - 2**64 if bits >= 2**63 else bits


_STRIDE = _signed(0xD1342543DE82EF95)  # odd; how far apart two calls lie
_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX1, _MIX2 = _signed(0xBF58476D1CE4E5B9), _signed(0x94D049BB133111EB)


class CountedDropout(nn.Module):
    """`nn.Dropout` with its own dice: ``seed`` names the run; every forward pass in training moves them on."""

    dice: Tensor
    least: Tensor
    scale: Tensor

    def __init__(self, p: float, seed: int) -> None:
        super().__init__()
        kept = max(1.0 - float(p), 1e-6)
        self.register_buffer("dice", torch.tensor(_signed(seed * 0x9E3779B97F4A7C15 % 2**64)))
        self.register_buffer("least", torch.tensor(min(-(2**63) + round(float(p) * 2**64), 2**63 - 1)))
        self.register_buffer("scale", torch.tensor(1.0 / kept))

    def forward(self, x: Tensor) -> Tensor:
        """Zero a share p of the elements and scale up the others, in training only."""
        if not self.training:
            return x
        self.dice.add_(_STRIDE)
        z = (torch.arange(x.numel(), device=x.device) + self.dice) * _GOLDEN
        z = (z ^ (z >> 30)) * _MIX1
        z = (z ^ (z >> 27)) * _MIX2
        return x * ((z >= self.least) * self.scale).to(x.dtype).view(x.shape)


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
