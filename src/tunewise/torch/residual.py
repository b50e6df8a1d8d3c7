"""P73: layers that normalise the sum of a residual connection, norm(x + f(x)), rather than what goes into f.

The playbook's order of remedies for unstable training ends in the network: x + f(norm(x)) lets the gradient pass each block
unchanged (Xiong et al., "On Layer Normalization in the Transformer Architecture", 2020).
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

import torch
from torch import fx, nn

_NORMS = (
    nn.LayerNorm, nn.GroupNorm, getattr(nn, "RMSNorm", nn.LayerNorm), nn.LocalResponseNorm,
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d,
)  # fmt: skip
_BLOCKS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
_SUMS = {operator.add, operator.iadd, torch.add, "add", "add_"}


def post_norms(net: nn.Module) -> list[str]:
    """The names of the layers that normalise x + f(x), in the order of ``net.named_modules()``. O(number of operations).

    PyTorch's own Transformer blocks are known; other modules are traced one by one. What Python decides while it runs cannot
    be traced, and such a module says nothing.
    """
    found = {
        name for name, module in net.named_modules() if isinstance(module, _BLOCKS) and not module.norm_first
    }
    for name, module in net.named_modules():
        own = type(module).__module__.startswith("torch.nn")
        if not own and any(True for _ in module.children()):
            found |= {f"{name}.{norm}".lstrip(".") for norm in _normalised_sums(module)}
    return [name for name, _ in net.named_modules() if name in found]


class _Flat(fx.Tracer):
    """Traces one module's own forward; its children stay single operations."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        del m, module_qualified_name
        return True


def _normalised_sums(module: nn.Module) -> Iterator[str]:
    try:
        graph = _Flat().trace(module)
    except Exception:  # whatever the forward function does with values that are not there
        return
    children = dict(module.named_modules())
    for node in graph.nodes:
        if node.op != "call_module" or not isinstance(children[str(node.target)], _NORMS):
            continue
        source = node.args[0] if node.args else None
        if isinstance(source, fx.Node) and source.target in _SUMS and _is_residual(source):
            yield str(node.target)


def _is_residual(total: fx.Node) -> bool:
    """Whether one summand was made from the other."""
    summands = [each for each in total.args if isinstance(each, fx.Node)]
    return len(summands) == 2 and any(_makes(a, b) for a, b in (summands, summands[::-1]))


def _makes(source: fx.Node, result: fx.Node) -> bool:
    waiting, seen = [result], set()
    while waiting:
        node = waiting.pop()
        if node is source and node is not result:
            return True
        new = [each for each in node.all_input_nodes if each not in seen]
        seen.update(new)
        waiting += new
    return False
