"""What the richer trial costs a step: a training loop of 5 ms a step, with it and written by hand, in turns in one run.

python benchmarks/trial_overhead.py
"""

from __future__ import annotations

import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

import tunewise as tw
from tunewise.torch.data import resident

STEPS, ROUNDS, BATCH = 1000, 5, 128


def network(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(512, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def by_hand(data: TensorDataset, width: int) -> float:
    torch.manual_seed(0)
    net = network(width)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9, nesterov=True)
    inputs, labels = resident(data, torch.device("cpu"))
    start = time.process_time()
    order = torch.randperm(len(inputs))
    at = 0
    for _ in range(STEPS):
        if at + BATCH > len(inputs):
            order, at = torch.randperm(len(inputs)), 0
        rows = order[at : at + BATCH]
        at += BATCH
        loss = F.cross_entropy(net(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (time.process_time() - start) / STEPS


def with_trial(data: TensorDataset, width: int) -> float:
    seconds = []

    @tw.training(max_steps=STEPS, batch_size=BATCH, evals=1, device="cpu")
    def train(trial):
        net = network(width)
        optimizer = trial.optimizer(net.parameters(), "nesterov", trials=1, lr=(0.01, 0.010001))
        start = time.process_time()
        for inputs, labels in trial.batches(data):
            loss = F.cross_entropy(net(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            trial.eval_due  # noqa: B018
        seconds.append((time.process_time() - start) / STEPS)
        return 0.0

    tw.create_study(sampler="random", seed=0).optimize(train, 1)
    return seconds[0]


def main() -> None:
    torch.set_num_threads(1)
    tw.logging.set_verbosity(tw.logging.ERROR)
    data = TensorDataset(torch.randn(4096, 512), torch.randint(0, 10, (4096,)))
    for width in (512, 256):
        pairs = [(by_hand(data, width), with_trial(data, width)) for _ in range(ROUNDS)]
        hand, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
        extra = statistics.median(b - a for a, b in pairs)
        print(
            f"width {width}: by hand {hand * 1e3:.3f} ms a step, with the trial {ours * 1e3:.3f} ms; "
            f"{extra * 1e6:+.0f} us in the median pair = {extra / hand:+.2%}"
        )


if __name__ == "__main__":
    main()
