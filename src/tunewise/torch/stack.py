"""Models of one architecture as one tensor program: stacked parameters, their gradient, and their outputs.

K members are K independent trainings; every operation carries a leading dimension K (`torch.func.vmap`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from tunewise.errors import SettingError

Loss = Callable[[Tensor, Tensor], Tensor]
State = dict[str, Tensor]
_ALIGNED = 32  # elements; where a parameter begins, so that matrix kernels may load several numbers at once


def signature(model: nn.Module) -> str:
    """Models with the same signature can be stacked: same modules, same settings, same shapes, same parameters frozen."""
    shapes = [(name, tuple(t.shape), str(t.dtype)) for name, t in model.state_dict().items()]
    return f"{model!r} {shapes} {[p.requires_grad for p in model.parameters()]}"


class Stack:
    """K models of one signature, side by side.

    ``flat`` (K, P) holds all trained parameters of a member in one row, so that an optimiser's step is a few operations
    however many layers there are; ``params`` are views of it, (K, ...) by name. ``buffers`` are what is not trained.
    """

    def __init__(self, models: Sequence[nn.Module], loss: Loss) -> None:
        params, buffers = stack_module_state(list(models))
        trained = {name for name, p in models[0].named_parameters() if p.requires_grad}
        self.buffers: State = {
            name: t.detach().clone() for name, t in {**params, **buffers}.items() if name not in trained
        }
        self._lay_out({name: t.detach() for name, t in params.items() if name in trained}, {})
        self._base = copy.deepcopy(models[0]).to("meta")
        self._loss = loss
        self._settled = False

    def gradient(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Losses (K,) of the members' own batches (K, b, ...), and their gradient (K, P), laid out like ``flat``.

        The first call may lay ``flat`` out anew: gradients of a stack of matrices come transposed, and sums over two
        layouts are several times slower.

        Raises:
            SettingError: the loss is not one number a member.
        """
        self._base.train()
        outputs = vmap(self._forward, randomness="different")(self.params, self.buffers, inputs)
        losses = vmap(self._loss)(outputs, labels)
        if losses.dim() != 1:
            raise SettingError(
                f"The loss has shape {tuple(losses.shape[1:])} for one model; it must be one number (a mean)."
            )
        grads = torch.autograd.grad(losses.sum(), list(self.params.values()))
        if not self._settled:
            self._settled = True
            self._lay_out(self.params, {name: _order(g) for name, g in zip(self.params, grads, strict=True)})
        return losses.detach(), self._row(list(grads))

    @torch.no_grad()
    def outputs(self, inputs: Tensor) -> Tensor:
        """Outputs (K, n, ...) of all members for the same inputs (n, ...), in eval mode."""
        self._base.eval()
        return vmap(self._forward, in_dims=(0, 0, None))(self.params, self.buffers, inputs)

    def keep(self, rows: Tensor) -> None:
        """Go on with these members alone."""
        orders = dict(zip(self.params, self._orders, strict=True))
        self.buffers = {name: t[rows] for name, t in self.buffers.items()}
        self._lay_out({name: t[rows] for name, t in self.params.items()}, orders)

    def state(self) -> list[Tensor]:
        """All that a step changes."""
        return [self.flat, *self.buffers.values()]

    def member(self, k: int) -> State:
        """The state dict of one member; views, not copies."""
        return {name: t.detach()[k] for name, t in {**self.params, **self.buffers}.items()}

    def _forward(self, params: State, buffers: State, inputs: Tensor) -> Tensor:
        out: Tensor = functional_call(self._base, (params, buffers), (inputs,))
        return out

    @torch.no_grad()
    def _lay_out(self, params: State, orders: dict[str, tuple[int, ...]]) -> None:
        """Copy the parameters into one row a member, each with its dimensions in the given order."""
        dtypes = {t.dtype for t in params.values()}
        if len(dtypes) != 1:
            raise SettingError(
                f"The trained parameters are of {len(dtypes)} number types; a recipe's model needs them to be of one."
            )
        self._orders = [orders.get(name, tuple(range(t.dim()))) for name, t in params.items()]
        pieces = [t.permute(order) for t, order in zip(params.values(), self._orders, strict=True)]
        self._gaps = [p.new_zeros(len(p), -p[0].numel() % _ALIGNED) for p in pieces]
        self.flat = self._row(list(params.values()))
        self.params: State = {}
        start = 0
        for name, piece, order, gap in zip(params, pieces, self._orders, self._gaps, strict=True):
            n = piece[0].numel()
            view = self.flat[:, start : start + n].view(piece.shape)
            back = sorted(range(piece.dim()), key=order.__getitem__)
            self.params[name] = view.permute(back).detach().requires_grad_()
            start += n + gap.shape[1]

    def _row(self, tensors: list[Tensor]) -> Tensor:
        """One tensor (K, P) of many (K, ...), in the layout of ``flat``."""
        parts = []
        for tensor, order, gap in zip(tensors, self._orders, self._gaps, strict=True):
            parts += [tensor.permute(order).reshape(len(tensor), -1), gap]
        return torch.cat(parts, 1)


def _order(gradient: Tensor) -> tuple[int, ...]:
    """The order of dimensions in which a stack of matrices (K, a, b) lies in memory; all else stays as it is."""
    if gradient.dim() == 3 and gradient.stride(1) < gradient.stride(2):
        return (0, 2, 1)
    return tuple(range(gradient.dim()))
