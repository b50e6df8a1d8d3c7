"""A multi-layer perceptron on CIFAR-10: a widely copied Optuna script with its faults corrected.

- The search looks at a validation part of the training data; the test set is used once, at the end.
- The model is evaluated in eval mode, without dropout.
- Everything random is seeded, so the best trial can be trained again, bit for bit on the same machine.
- Every trial trains equally long, and the value is that of its best epoch, which is recorded.
- Momentum is searched as 1 - momentum on a log scale, below 0.99: its values near 1 all diverge.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch.nn.functional as F
from image_data import cifar10, split
from torch import nn, optim

import tunewise as tw
from tunewise.torch import TorchTrial, evaluate, training


def network(trial: TorchTrial) -> nn.Sequential:
    n_layers = trial.suggest_int("num_layers", 1, 5)
    width = trial.suggest_categorical("hidden_size", [32, 64, 128, 256], ordered=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.5)
    layers: list[nn.Module] = [nn.Flatten()]
    for n_inputs in [3 * 32 * 32, *[width] * (n_layers - 1)]:
        layers += [nn.Linear(n_inputs, width), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(width, 10)).to(trial.device)


def sgd(trial: TorchTrial, net: nn.Module) -> optim.Optimizer:
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    momentum = 1.0 - trial.suggest_float("one_minus_momentum", 0.01, 1.0, log=True)
    weight_decay = trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True)
    return trial.optimizer(
        net.parameters(),
        lambda parameters: optim.SGD(parameters, lr, momentum, weight_decay=weight_decay),
        schedule="constant",
        warmup=0.0,
    )


def tune(args: argparse.Namespace) -> float:
    """Search, train the best trial again, and return its test accuracy."""
    data, test_set = cifar10(args.data)
    train_set, val_set = split(data, limit=args.limit)

    @training(max_steps=args.epochs * max(1, len(train_set) // 128), batch_size=128, evals=args.epochs)
    def train(trial: TorchTrial) -> None:
        net = network(trial)
        optimizer = sgd(trial, net)
        for inputs, labels in trial.batches(train_set):
            loss = F.cross_entropy(net(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if trial.eval_due:
                trial.log(net, train_loss=loss, **evaluate(net, val_set))

    goals = {"accuracy": "maximize"}
    study = tw.create_study(
        "cifar10-mlp", storage=args.storage, goals=goals, sampler=args.sampler, seed=0, load_if_exists=True
    )
    study.optimize(train, n_trials=args.trials, progress=True)
    best = study.best_trial
    step = best.user_attrs["selection"]["step"]
    print(f"Best of {len(study.trials)} trials: {best.value:.4f} validation accuracy at step {step}")
    for name, value in best.params.items():
        print(f"  {name}: {value:.4g}")
    again = tw.create_study(
        goals=goals, seed=0
    )  # a study of its own: a test result must not guide the search
    again.enqueue_trial(best.params, {"seed": best.user_attrs["seed"]})
    again.optimize(lambda trial: evaluate(train.fit(trial), test_set), n_trials=1)
    print(f"Test accuracy, measured once: {again.best_value:.4f}")
    return again.best_value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with CIFAR-10; by default torchvision downloads it")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--limit", type=int, help="use only so many training images")
    parser.add_argument("--sampler", default="auto", help="auto, tpe, gp, qmc, random, ...")
    parser.add_argument("--storage", help='where to keep the study, such as "sqlite:///cifar10.db"')
    return parser.parse_args()


if __name__ == "__main__":
    tune(arguments())
