"""The playbook on a small network, end to end, in half a minute on one core: does dropout help?

Needs torch, scikit-learn and altair. ``tunewise demo`` tells a similar story with a live display.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import TensorDataset, random_split

import tunewise as tw
from tunewise.torch import Objective, TorchTrial, evaluate, training

SPACE = tw.Space(
    {
        "use_dropout": tw.Categorical((False, True)),
        "dropout": tw.Float(0.05, 0.6),
        "nesterov.lr": tw.Float(1e-3, 10.0, log=True),
        "nesterov.one_minus_momentum": tw.Float(5e-3, 0.3, log=True),
    },
    when={"dropout": ("use_dropout", [True])},
)
DEFAULTS = {"use_dropout": False, "nesterov.lr": 0.1, "nesterov.one_minus_momentum": 0.1}

images, labels = load_digits(return_X_y=True)
digits = TensorDataset(torch.tensor(images / 16.0, dtype=torch.float32), torch.tensor(labels))
train_set, val_set, test_set = random_split(digits, [500, 700, 597], torch.Generator().manual_seed(0))


def make_train(max_steps: int) -> Objective:
    @training(max_steps=max_steps, batch_size=64, device="cpu")
    def train(trial: TorchTrial) -> None:
        use_dropout = trial.suggest_categorical("use_dropout", [False, True])
        p = trial.suggest_float("dropout", 0.0, 0.9) if use_dropout else 0.0
        net = nn.Sequential(
            nn.Linear(64, 128), nn.LeakyReLU(), nn.Dropout(p),
            nn.Linear(128, 128), nn.LeakyReLU(), nn.Dropout(p), nn.Linear(128, 10),
        )  # fmt: skip
        optimizer = trial.optimizer(net.parameters(), "nesterov", trials=20, lr=(1e-5, 100.0))
        for inputs, targets in trial.batches(
            train_set
        ):  # exactly max_steps batches, in an order of its own seed
            loss = F.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()  # this also moves the learning rate along its schedule
            if trial.eval_due:
                trial.log(net, train_loss=loss, **evaluate(net, val_set))

    return train


def main(args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    train = make_train(args.steps)
    project = tw.Project(
        "digits",
        train,
        metric="error",
        defaults=DEFAULTS,
        storage=f"sqlite:///{args.out}/tunewise.db",
        space=SPACE,
    )
    question = project.round(
        "Does dropout help?", scientific=["use_dropout"], nuisance=["nesterov.*", "dropout"]
    )
    question.run(args.trials, progress=True)
    print(question.check())
    print(question.repair(args.trials // 2, progress=True))
    found = project.exploit(args.trials // 2, progress=True)
    print(project.measure_noise(seeds=5))
    print(project.adopt(found.best(), cost="one more hyperparameter"))
    error = project.test(lambda trial: evaluate(train.fit(trial), test_set))
    print(f"Test error, measured once: {error:.2%}")
    print(project.report(args.out / "report.html"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--out", type=Path, default=Path(), help="folder for tunewise.db and report.html")
    main(parser.parse_args())
