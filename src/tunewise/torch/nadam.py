"""NAdam with a constant beta1 and decoupled weight decay, as the AlgoPerf baselines define it.

``torch.optim.NAdam`` multiplies beta1 by 1 - 0.5 * 0.96 ** (0.004 t); a beta1 tuned there means another thing
here, and in other frameworks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer


class NAdamW(Optimizer):
    """m and v as in Adam; the step is (beta1 m + (1 - beta1) g) / (1 - beta1^t) over sqrt(v / (1 - beta2^t)) + eps."""

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; returns what ``closure`` returns, None without one."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, parameter: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"], state["m"], state["v"] = 0, torch.zeros_like(grad), torch.zeros_like(grad)
        state["step"] += 1
        beta1, beta2 = group["betas"]
        m, v, t = state["m"], state["v"], state["step"]
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        m.mul_(beta1).add_(grad, alpha=1 - beta1)
        v.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        ahead = (beta1 * m + (1 - beta1) * grad) / (1 - beta1**t)
        parameter.addcdiv_(ahead, (v / (1 - beta2**t)).sqrt_().add_(group["eps"]), value=-group["lr"])
