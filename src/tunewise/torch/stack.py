"""Models of one architecture as one tensor program: stacked parameters, batches, optimiser and evaluation.

K members are K independent trainings; every operation carries a leading dimension K (`torch.func.vmap`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from tunewise.errors import SettingError

Loss = Callable[[Tensor, Tensor], Tensor]
State = dict[str, Tensor]


def signature(model: nn.Module) -> str:
    """Models with the same signature can be stacked: same modules, same settings, same shapes."""
    shapes = [(name, tuple(t.shape), str(t.dtype)) for name, t in model.state_dict().items()]
    return f"{model!r} {shapes}"


class Stack:
    """K models of one signature, trained side by side.

    ``params`` and ``buffers`` map names to tensors (K, ...).
    """

    def __init__(self, models: Sequence[nn.Module], loss: Loss) -> None:
        params, buffers = stack_module_state(list(models))
        self.params: State = {name: t.detach().requires_grad_() for name, t in params.items()}
        self.buffers: State = {name: t.detach().clone() for name, t in buffers.items()}
        self._base = copy.deepcopy(models[0]).to("meta")
        self._loss = loss

    def grads(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, State]:
        """Losses (K,) of the members' own batches (K, b, ...) and the gradients by name, (K, ...) each."""
        self._base.train()
        outputs = vmap(self._forward, randomness="different")(self.params, self.buffers, inputs)
        losses = vmap(self._loss)(outputs, labels)
        grads = torch.autograd.grad(losses.sum(), list(self.params.values()))
        by_name = dict(zip(self.params, grads, strict=True))
        for name, p in self.params.items():
            if p.stride() != by_name[name].stride():
                self.params[name] = _laid_out_as(p.detach(), by_name[name]).requires_grad_()
        return losses.detach(), by_name

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> Tensor:
        """Outputs (K, n, ...) of all members for the same inputs (n, ...), in eval mode."""
        self._base.eval()
        return vmap(self._forward, in_dims=(0, 0, None))(self.params, self.buffers, inputs)

    def keep(self, rows: Tensor) -> None:
        """Go on with these members alone."""
        self.params = {name: t.detach()[rows].requires_grad_() for name, t in self.params.items()}
        self.buffers = {name: t[rows] for name, t in self.buffers.items()}

    def member(self, k: int) -> State:
        """The state dict of one member; views, not copies."""
        return {name: t.detach()[k] for name, t in {**self.params, **self.buffers}.items()}

    def _forward(self, params: State, buffers: State, inputs: Tensor) -> Tensor:
        out: Tensor = functional_call(self._base, (params, buffers), (inputs,))
        return out


class StackedOptimizer:
    """SGD (heavy ball, Nesterov), Adam, AdamW and NAdamW over stacked parameters, with settings (K,) each.

    Equal, member by member, to the optimisers that `tunewise.torch.optimizers.build` makes.
    """

    def __init__(self, family: str, settings: Sequence[Mapping[str, float]], params: State) -> None:
        self._family = family
        first = next(iter(params.values()))
        self._of = {
            name: torch.tensor([each[name] for each in settings], dtype=torch.float64, device=first.device)
            for name in settings[0]
            if all(name in each for each in settings)
        }
        self._step = 0
        self._m = {name: torch.zeros_like(p) for name, p in params.items()}
        self._v = {name: torch.zeros_like(p) for name, p in params.items()} if "adam" in family else {}

    def keep(self, rows: Tensor) -> None:
        """Go on with these members alone."""
        self._of = {name: t[rows] for name, t in self._of.items()}
        self._m = {name: t[rows] for name, t in self._m.items()}
        self._v = {name: t[rows] for name, t in self._v.items()}

    @torch.no_grad()
    def step(self, params: State, grads: State, factors: Sequence[float]) -> None:
        """One step; ``factors`` (K,) multiply the peak learning rates."""
        self._step += 1
        of = self._of
        lr = of["lr"] * torch.tensor(list(factors), dtype=torch.float64, device=of["lr"].device)
        update = self._adam if "adam" in self._family else self._sgd
        for name, p in params.items():
            for state in (self._m, self._v):
                if name in state:
                    state[name] = _laid_out_as(state[name], grads[name])
            update(name, p, grads[name], partial(_beside, p), lr)

    def _sgd(self, name: str, p: Tensor, g: Tensor, of: Callable[[Tensor], Tensor], lr: Tensor) -> None:
        momentum = of(1.0 - self._of["one_minus_momentum"])
        m = self._m[name]
        g = torch.addcmul(g, p, of(self._of["weight_decay"]))
        m.mul_(momentum).add_(g)
        step = torch.addcmul(g, m, momentum) if self._family == "nesterov" else m
        p.addcmul_(step, -of(lr))

    def _adam(self, name: str, p: Tensor, g: Tensor, of: Callable[[Tensor], Tensor], lr: Tensor) -> None:
        one_minus1, one_minus2 = self._of["one_minus_beta1"], self._of["one_minus_beta2"]
        beta1, beta2, t = 1.0 - one_minus1, 1.0 - one_minus2, self._step
        m, v = self._m[name], self._v[name]
        if "weight_decay" in self._of:
            p.mul_(of(1.0 - lr * self._of["weight_decay"]))
        m.lerp_(g, of(one_minus1))
        v.mul_(of(beta2)).addcmul_(g, g * of(one_minus2))
        ahead = of(beta1) * m + of(one_minus1) * g if self._family == "nadamw" else m
        root = (v / of(1.0 - beta2**t)).sqrt_().add_(of(self._of["eps"]))
        p.addcmul_(ahead / root, -of(lr / (1.0 - beta1**t)))


def _laid_out_as(tensor: Tensor, like: Tensor) -> Tensor:
    """The tensor with the memory layout of ``like``: gradients of a stack of matrices come transposed, and sums over
    two layouts are several times slower.
    """
    if tensor.stride() == like.stride():
        return tensor
    return torch.empty_strided(like.shape, like.stride(), dtype=tensor.dtype, device=tensor.device).copy_(
        tensor
    )


def _beside(p: Tensor, column: Tensor) -> Tensor:
    """A column (K,) shaped so that it broadcasts over p (K, ...)."""
    return column.to(p.dtype).view(-1, *[1] * (p.dim() - 1))


def check_loss(losses: Tensor) -> None:
    """Raises SettingError where a loss is not one number a member."""
    if losses.dim() != 1:
        raise SettingError(
            f"The loss has shape {tuple(losses.shape[1:])} for one model; it must be one number (a mean)."
        )
