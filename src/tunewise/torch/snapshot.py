"""Tensors as they were at one moment, to be put back, or compared with what they are now."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_TOLERANCE = 0.02  # of a member's norm: another order of summation is far below, nonsense far above


class Snapshot:
    """Copies of ``tensors`` and of the device's dice.

    Cost: as much memory as the tensors take.
    """

    def __init__(self, tensors: Sequence[Tensor], device: torch.device) -> None:
        self._tensors, self._device = list(tensors), device
        self._copies = [t.detach().clone() for t in self._tensors]
        self._dice = torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()

    @torch.no_grad()
    def put_back(self) -> None:
        """Make the tensors, in place, and the dice what they were."""
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor.copy_(copy)
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(self._dice, self._device)
        else:
            torch.set_rng_state(self._dice)

    @torch.no_grad()
    def is_like_now(self) -> bool:
        """Whether the tensors are what they were: whole numbers exactly, others to 2 % of the norm of each row.

        Rows that were not finite say nothing.
        """
        pairs = zip(self._copies, self._tensors, strict=True)
        return all(bool(_alike(was, now)) for was, now in pairs if was.numel())


def _alike(was: Tensor, now: Tensor) -> Tensor:
    if not was.is_floating_point():
        return (was == now).all()
    was, now = (t.reshape(len(t), -1).double() if t.dim() else t.reshape(1, 1).double() for t in (was, now))
    size = was.norm(dim=1)
    fits: Tensor = ((now - was).norm(dim=1) <= _TOLERANCE * size) | ~size.isfinite()
    return fits.all()
