"""Training with PyTorch: the only room that imports torch.

`training` turns a function ``train(trial)`` into an objective whose trial knows its device, seeds, steps,
batches, optimiser and checkpoints; `evaluate` measures a classifier exactly; `recipe` describes a training so that
many trials can be trained as one.
"""

from __future__ import annotations

from tunewise.errors import MissingExtra

try:
    import torch as _torch  # noqa: F401
except ImportError:
    raise MissingExtra("torch", "torch", "Training with tunewise.torch") from None

from tunewise.torch.decorator import Objective, training
from tunewise.torch.evaluation import evaluate, predictions
from tunewise.torch.nadam import NAdamW
from tunewise.torch.recipe import Recipe, recipe
from tunewise.torch.trial import Checkpoint, TorchTrial

__all__ = [
    "Checkpoint",
    "NAdamW",
    "Objective",
    "Recipe",
    "TorchTrial",
    "evaluate",
    "predictions",
    "recipe",
    "training",
]
