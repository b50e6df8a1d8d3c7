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

from tunewise.torch.batches import BatchScan, batch_size
from tunewise.torch.decorator import Objective, training
from tunewise.torch.doctor import preflight
from tunewise.torch.evaluation import evaluate, predictions
from tunewise.torch.lengths import Lengths, lengths
from tunewise.torch.nadam import NAdamW
from tunewise.torch.recipe import Recipe, recipe
from tunewise.torch.steps import StepsFound, find_steps
from tunewise.torch.trial import Checkpoint, TorchTrial
from tunewise.torch.unstable import Stability, stability

__all__ = [
    "BatchScan",
    "Checkpoint",
    "Lengths",
    "NAdamW",
    "Objective",
    "Recipe",
    "Stability",
    "StepsFound",
    "TorchTrial",
    "batch_size",
    "evaluate",
    "find_steps",
    "lengths",
    "predictions",
    "preflight",
    "recipe",
    "stability",
    "training",
]
