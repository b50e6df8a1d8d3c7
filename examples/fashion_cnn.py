"""Two questions about a small convolutional network on Fashion-MNIST: does dropout help, and how wide should it be?

Data: one .npz file with x_train, y_train, x_test, y_test (28 x 28, 8 bits), given by --data.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch.nn.functional as F
from image_data import fashion_mnist, split
from torch import nn
from torch.utils.data import Dataset

import tunewise as tw
from tunewise.torch import Objective, TorchTrial, evaluate, training

WIDTHS = [8, 16, 32, 64]
SPACE = tw.Space(
    {
        "use_dropout": tw.Categorical((False, True)),
        "dropout": tw.Float(0.05, 0.5),
        "width": tw.Int(8, 64, log=True),
        "adamw.lr": tw.Float(1e-4, 1e-2, log=True),
        "adamw.weight_decay": tw.Float(5e-3, 1.0, log=True),
    },
    when={"dropout": ("use_dropout", [True])},
)
DEFAULTS = {"use_dropout": False, "width": 16, "adamw.lr": 1e-3, "adamw.weight_decay": 1e-2}


def network(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, stride=2), nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Dropout(dropout), nn.Linear(2 * width * 6 * 6, 10),
    )  # fmt: skip


def make_train(train_set: Dataset, val_set: Dataset, max_steps: int) -> Objective:
    @training(max_steps=max_steps, batch_size=128)
    def train(trial: TorchTrial) -> None:
        use_dropout = trial.suggest_categorical("use_dropout", [False, True])
        dropout = trial.suggest_float("dropout", 0.0, 0.9) if use_dropout else 0.0
        net = network(trial.suggest_int("width", 2, 512, log=True), dropout).to(trial.device)
        optimizer = trial.optimizer(net.parameters(), "adamw", trials=20, lr=(1e-6, 1.0))
        for inputs, labels in trial.batches(train_set):
            loss = F.cross_entropy(net(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if trial.eval_due:
                trial.log(net, train_loss=loss, **evaluate(net, val_set))

    return train


def tune(args: argparse.Namespace) -> None:
    data, test_set = fashion_mnist(args.data)
    train = make_train(*split(data, validation=1 / 6, limit=args.limit), args.steps)
    project = tw.Project(
        "fashion",
        train,
        metric="error",
        defaults=DEFAULTS,
        storage=f"sqlite:///{args.out}/fashion.db",
        space=SPACE,
    )
    print(project.measure_noise(seeds=5))  # the unit of every later verdict

    dropout = project.round("Does dropout help?", scientific=["use_dropout"], nuisance=["adamw.*", "dropout"])
    dropout.run(args.trials, progress=True)
    print(dropout.repair(max_trials=args.trials // 2, progress=True))
    print(dropout.isolation("use_dropout"))
    print(project.adopt(dropout.best(use_dropout=True), cost="one more layer and one more hyperparameter"))

    width = project.round("How wide?", scientific={"width": WIDTHS}, nuisance=["adamw.*", "dropout"])
    width.run(args.trials, progress=True)
    print(width.repair(max_trials=args.trials // 2, progress=True))
    print(width.isolation("width"))
    width.override("what the checks still ask for holds for all widths alike")
    print(project.adopt(width.simplest_best(prefer="smaller width")))

    print(project.adopt(project.exploit(args.trials // 2, progress=True).best()))
    error = project.test(lambda trial: evaluate(train.fit(trial), test_set))
    print(f"Test error, measured once: {error:.4f}")
    print(project.report(args.out / "fashion.html"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the .npz file")
    parser.add_argument("--trials", type=int, default=40, help="trials a round")
    parser.add_argument("--steps", type=int, default=1000, help="optimiser steps a trial")
    parser.add_argument("--limit", type=int, help="use only so many training images")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for fashion.db and fashion.html")
    tune(parser.parse_args())
