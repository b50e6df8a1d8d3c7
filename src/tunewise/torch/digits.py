"""The demo's workload: 1,797 images of handwritten digits, 8 x 8 pixels, and a small network that learns them."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

from tunewise.errors import MissingExtra
from tunewise.space import Categorical, Float, Space
from tunewise.torch.decorator import Objective, training
from tunewise.torch.evaluation import evaluate
from tunewise.torch.trial import TorchTrial
from tunewise.types import Params

WIDTH = 128
DEFAULTS: Params = {"use_noise": False, "nesterov.lr": 0.1, "nesterov.one_minus_momentum": 0.1}
SPACE = Space(
    {
        "use_noise": Categorical((False, True)),
        "noise": Float(0.05, 0.5, log=True),
        "nesterov.lr": Float(1e-3, 10.0, log=True),
        "nesterov.one_minus_momentum": Float(5e-3, 0.3, log=True),
    },
    when={"noise": ("use_noise", [True])},
)


def load_digits() -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Training (500), validation (700) and test set (597); the split is always the same.

    Raises MissingExtra without scikit-learn, which brings the images along.
    """
    try:
        from sklearn import datasets
    except ImportError:
        raise MissingExtra("scikit-learn", "sklearn", "The digits data set") from None
    images, labels = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    inputs, targets = torch.tensor(images / 16.0, dtype=torch.float32), torch.tensor(labels)
    train, val, test = (TensorDataset(inputs[rows], targets[rows]) for rows in np.split(order, [500, 1200]))
    return train, val, test


def make_train(train_set: TensorDataset, val_set: TensorDataset, max_steps: int) -> Objective:
    """The training function: an MLP, whose inputs may be blurred by noise, trained with Nesterov momentum.

    It can be run far outside of ``SPACE``, so that a round may widen its ranges.
    """

    @training(max_steps=max_steps, batch_size=64, device="cpu")
    def train(trial: TorchTrial) -> None:
        noisy = trial.suggest_categorical("use_noise", [False, True])
        noise = trial.suggest_float("noise", 1e-3, 10.0, log=True) if noisy else 0.0
        net = nn.Sequential(
            nn.Linear(64, WIDTH),
            nn.LeakyReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.LeakyReLU(),
            nn.Linear(WIDTH, 10),
        )
        optimizer = trial.optimizer(net.parameters(), "nesterov", trials=20, lr=(1e-5, 100.0))
        for inputs, labels in trial.batches(train_set):
            loss = F.cross_entropy(net(inputs + noise * torch.randn_like(inputs)), labels)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if trial.eval_due:
                trial.log(net, train_loss=loss, **evaluate(net, val_set))

    return train
