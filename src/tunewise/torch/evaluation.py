"""A classifier measured exactly: every example counts once, and the model is left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from tunewise.errors import SettingError
from tunewise.torch.data import in_order

_predicted: WeakKeyDictionary[nn.Module, Tensor] = WeakKeyDictionary()
_right: WeakKeyDictionary[nn.Module, Tensor] = WeakKeyDictionary()


def evaluate(model: nn.Module, dataset: Dataset[Any], batch_size: int = 1000) -> dict[str, float]:
    """Error rate, mean cross-entropy (nats) and accuracy of a classifier over a whole data set.

    The model maps inputs (b, ...) to logits (b, c, ...); the data set yields (input, integer label). Sums run
    over examples in double precision, so the answer does not depend on ``batch_size``. The model is in eval
    mode without gradients meanwhile; afterwards each of its modules is in the mode it was in before. The predicted
    classes are kept for `predictions`, and so for the best checkpoint; which of them were right is kept for `right_ones`.

    Returns:
        ``{"error": .., "loss": .., "accuracy": ..}`` with ``error + accuracy == 1``.

    Raises:
        SettingError: the labels are not whole numbers, or the data set is empty.
    """
    device = next(
        (tensor.device for tensor in chain(model.parameters(), model.buffers())), torch.device("cpu")
    )
    loss, count = 0.0, 0
    predicted, right = [], []
    with evaluating(model):
        for inputs, labels in in_order(dataset, batch_size, device):
            if labels.is_floating_point():
                raise SettingError(f"The labels are {labels.dtype}; evaluate needs whole-number classes.")
            logits = model(inputs)
            losses = F.cross_entropy(logits, labels.long(), reduction="none")
            loss += losses.cpu().double().sum().item()
            classes = logits.argmax(dim=1)
            predicted.append(classes)
            right.append(classes == labels)
            count += labels.numel()
    _predicted[model], _right[model] = torch.cat(predicted), torch.cat(right)
    accuracy = int(_right[model].sum().item()) / count
    return {"error": 1.0 - accuracy, "loss": loss / count, "accuracy": accuracy}


def predictions(model: nn.Module) -> Tensor | None:
    """The classes (n, ...) that `evaluate` last saw ``model`` predict, in the order of the data set; else None."""
    return _predicted.get(model)


def right_ones(model: nn.Module) -> Tensor | None:
    """Which examples (n, ...) `evaluate` last saw ``model`` get right, in the order of the data set; else None."""
    return _right.get(model)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradients inside; each module's own mode restored after, even on an error."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
