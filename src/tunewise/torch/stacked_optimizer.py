"""The optimisers of `tunewise.torch.optimizers` for a stack of models: every member with settings of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


class StackedOptimizer:
    """SGD (heavy ball, Nesterov), Adam, AdamW and NAdamW over ``flat`` (K, P).

    Equal, member by member, to the optimisers that `tunewise.torch.optimizers.build` makes. Everything, the number of
    the step too, lives on the device, and is changed in place.

    Args:
        family: of `tunewise.torch.optimizers.LADDERS`.
        settings: one mapping a member, all with the same names.
        factors: (n, K), what multiplies the peak learning rates at each of n steps.
        flat: the parameters, for their shape and device.
    """

    def __init__(
        self,
        family: str,
        settings: Sequence[Mapping[str, float]],
        factors: Sequence[Sequence[float]],
        flat: Tensor,
    ) -> None:
        self._family = family
        exact = {"dtype": torch.float64, "device": flat.device}
        self._of = {
            name: torch.tensor([each[name] for each in settings], **exact)  # type: ignore[arg-type]
            for name in settings[0]
            if all(name in each for each in settings)
        }
        self._factors = torch.tensor(factors, **exact)  # type: ignore[arg-type]
        self._done = torch.zeros(1, dtype=torch.int64, device=flat.device)
        self._m = torch.zeros_like(flat)
        self._v = torch.zeros_like(flat if "adam" in family else flat[:, :0])

    def keep(self, rows: Tensor) -> None:
        """Go on with these members alone."""
        self._of = {name: t[rows] for name, t in self._of.items()}
        self._factors, self._m, self._v = self._factors[:, rows], self._m[rows], self._v[rows]

    def state(self) -> list[Tensor]:
        """All that a step changes, but for the parameters."""
        return [self._done, self._m, self._v]

    @torch.no_grad()
    def step(self, flat: Tensor, grad: Tensor) -> None:
        """One step, in place; ``grad`` (K, P) is used up."""
        lr = self._of["lr"] * self._factors.index_select(0, self._done)[0]
        self._done.add_(1)
        (self._adam if "adam" in self._family else self._sgd)(flat, grad, lr)

    def _sgd(self, p: Tensor, g: Tensor, lr: Tensor) -> None:
        momentum = _beside(p, 1.0 - self._of["one_minus_momentum"])
        g.addcmul_(p, _beside(p, self._of["weight_decay"]))
        torch.addcmul(g, self._m, momentum, out=self._m)
        step = g.addcmul_(self._m, momentum) if self._family == "nesterov" else self._m
        p.addcmul_(step, _beside(p, -lr))

    def _adam(self, p: Tensor, g: Tensor, lr: Tensor) -> None:
        one_minus1, one_minus2 = self._of["one_minus_beta1"], self._of["one_minus_beta2"]
        beta1, beta2, t = 1.0 - one_minus1, 1.0 - one_minus2, self._done
        m, v = self._m, self._v
        if "weight_decay" in self._of:
            p.mul_(_beside(p, 1.0 - lr * self._of["weight_decay"]))
        m.lerp_(g, _beside(p, one_minus1))
        v.mul_(_beside(p, beta2)).addcmul_(g, g * _beside(p, one_minus2))
        nadam = self._family == "nadamw"
        ahead = _beside(p, beta1) * m + _beside(p, one_minus1) * g if nadam else m
        root = (v / _beside(p, 1.0 - beta2**t)).sqrt_().add_(_beside(p, self._of["eps"]))
        p.addcmul_(ahead / root, _beside(p, -lr / (1.0 - beta1**t)))


def _beside(p: Tensor, column: Tensor) -> Tensor:
    """A column (K,) that multiplies p (K, P)."""
    return column.to(p.dtype)[:, None]
