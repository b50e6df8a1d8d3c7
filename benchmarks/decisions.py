"""Does `Project.adopt` decide as 50 seeds would? Ten changes of a small convolutional network on Fashion-MNIST or CIFAR-10.

    python benchmarks/decisions.py --data fashion_mnist.npz --limit 4000 --steps 200 --gold 50
    python benchmarks/decisions.py --data CIFAR10                                 # whole data set; for a GPU

Five changes are meant to help, five to change nothing; what they really do is measured with ``--gold`` seeds an arm, which
`adopt` never sees. A change is an improvement where its 90 % interval lies above half the noise over seeds, neutral where it
lies below; those in between are not counted. Wanted: at least 4 of 5 improvements adopted, at most 1 of 5 neutral ones.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from scipy.stats import t as student
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
from image_data import cifar10, fashion_mnist, split

import tunewise as tw
from tunewise.torch import Recipe, recipe

BASE = {
    "width": 8, "norm": False, "kernel": 3, "activation": "relu", "dropout": 0.0, "bias": True,
    "lr": 0.02, "one_minus_momentum": 0.1, "weight_decay": 0.0,
}  # fmt: skip
CHANGES = {
    "three times as wide": {"width": 24},
    "group normalisation": {"norm": True},
    "a higher learning rate": {"lr": 0.08},
    "a larger kernel": {"kernel": 5},
    "more momentum": {"one_minus_momentum": 0.04},
    "leaky ReLU": {"activation": "leaky"},
    "a trace of weight decay": {"weight_decay": 1e-6},
    "a trace of dropout": {"dropout": 0.01},
    "no bias in the last layer": {"bias": False},
    "a hundredth more learning rate": {"lr": 0.0202},
}


def network(trial: tw.Trial, n_inputs: int, side: int) -> nn.Sequential:
    width = trial.suggest_int("width", 4, 64)
    kernel = trial.suggest_categorical("kernel", [3, 5])
    norm = trial.suggest_categorical("norm", [False, True])
    kind = trial.suggest_categorical("activation", ["relu", "leaky"])
    activation = nn.ReLU if kind == "relu" else nn.LeakyReLU
    layers: list[nn.Module] = []
    for a, b in ((n_inputs, width), (width, 2 * width)):
        layers += [
            nn.Conv2d(a, b, kernel, stride=2, padding=kernel // 2),
            *([nn.GroupNorm(4, b)] if norm else []),
            activation(),
        ]
    rest = math.ceil(math.ceil(side / 2) / 2)
    head = nn.Linear(2 * width * rest**2, 10, bias=trial.suggest_categorical("bias", [False, True]))
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(trial.suggest_float("dropout", 0.0, 0.9)), head)


def make_train(train_set, val_set, steps: int, device: str) -> Recipe:
    n_inputs, side = train_set[0][0].shape[0], train_set[0][0].shape[-1]

    def optimizer(trial):
        return "nesterov", {
            "lr": trial.suggest_float("lr", 1e-4, 10.0, log=True),
            "one_minus_momentum": trial.suggest_float("one_minus_momentum", 1e-3, 1.0, log=True),
            "weight_decay": trial.suggest_float("weight_decay", 0.0, 1.0),
        }

    @recipe(train_set, val_set, max_steps=steps, batch_size=64, evals=4, optimizer=optimizer, device=device)
    def train(trial):
        return network(trial, n_inputs, side)

    return train


def gold(train: Recipe, params: dict, n: int, together: int) -> np.ndarray:
    """Errors (n,) of one configuration over seeds that `adopt` never draws."""
    study = tw.create_study(goals={"error": "minimize"}, sampler="random", seed=1)
    for seed in range(n):
        study.enqueue_trial(params, {"seed": 10**6 + seed})
    train.optimize(study, n, together=together)
    return np.array([np.nan if t.value is None else t.value for t in study.trials])


def gain(base: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Mean improvement on common seeds, with its 90 % interval."""
    d = (base - other)[~np.isnan(base - other)]
    reach = float(student.ppf(0.95, len(d) - 1)) * d.std(ddof=1) / math.sqrt(len(d))
    return float(d.mean()), float(d.mean() - reach), float(d.mean() + reach)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="fashion_mnist.npz, or a folder with CIFAR-10"
    )
    parser.add_argument("--limit", type=int, help="use only so many training images")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--gold", type=int, default=50, help="seeds an arm for the truth")
    parser.add_argument("--together", type=int, default=25)
    args = parser.parse_args()
    tw.logging.set_verbosity(tw.logging.ERROR)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(1)
    data = (cifar10 if args.data.is_dir() else fashion_mnist)(args.data)[0]
    train_set, val_set = split(data, validation=1 / 3, limit=args.limit)
    print(
        f"{len(train_set)} training and {len(val_set)} validation images, {args.steps} steps, on {device}",
        flush=True,
    )
    train = make_train(train_set, val_set, args.steps, device)

    start = time.perf_counter()
    base = gold(train, BASE, args.gold, args.together)
    truth = {
        name: gain(base, gold(train, {**BASE, **change}, args.gold, args.together))
        for name, change in CHANGES.items()
    }
    sd = float(np.nanstd(base, ddof=1))
    print(
        f"gold truth took {time.perf_counter() - start:.0f} s; error {np.nanmean(base):.4f}, noise {sd:.4f}",
        flush=True,
    )

    kinds = {"improvement": [], "neutral": [], "between": []}
    for name, change in CHANGES.items():
        project = tw.Project(
            "decision", train, metric="error", defaults=BASE, n_validation=len(val_set), seed=7
        )
        project.measure_noise(seeds=5)
        project.min_effect = 0.5 * sd
        start = time.perf_counter()
        verdict = project.adopt({**BASE, **change}).verdict.value
        seconds = time.perf_counter() - start
        mean, low, high = truth[name]
        kind = "improvement" if low > 0.5 * sd else "neutral" if high < 0.5 * sd else "between"
        kinds[kind].append(verdict)
        said = {
            "change": name,
            "gain": round(mean, 5),
            "low": round(low, 5),
            "high": round(high, 5),
            "truth": kind,
        }
        print(json.dumps({**said, "verdict": verdict, "seconds": round(seconds, 1)}), flush=True)
    for kind, verdicts in kinds.items():
        print(f"{kind}: {verdicts.count('ADOPT')} of {len(verdicts)} adopted")


if __name__ == "__main__":
    main()
