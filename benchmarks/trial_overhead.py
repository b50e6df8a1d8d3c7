"""What the richer trial costs a step: a training loop written by hand and the same with the trial, taking turns.

    python benchmarks/trial_overhead.py

Both loops train the same network on the same resident data. They are generators that alternate every 20 steps, so that
whatever else the machine does disturbs both alike; what counts is CPU time. Each chunk of one is compared with
the chunk of the other beside it. Three rounds: without the trial on either side (what the comparison itself is worth),
with the trial at its defaults, and with a norm at every step (what clipping costs).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

import tunewise as tw
from tunewise.torch.data import resident
from tunewise.torch.trial import TorchTrial

STEPS, ROUNDS, CHUNK, BATCH, EVALS = 1000, 3, 20, 128, 10


def network(width: int) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(512, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def by_hand(data: TensorDataset, width: int) -> Iterator[None]:
    net = network(width)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9, nesterov=True)
    inputs, labels = resident(data, torch.device("cpu"))
    at = len(inputs)
    for _ in range(STEPS):
        if at + BATCH > len(inputs):
            order, at = torch.randperm(len(inputs)), 0
        rows = order[at : at + BATCH]
        at += BATCH
        loss = F.cross_entropy(net(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield


def with_trial(data: TensorDataset, width: int, **plan: float) -> Iterator[None]:
    objective = tw.training(STEPS, batch_size=BATCH, evals=EVALS, device="cpu")(lambda trial: None)
    trial = TorchTrial(tw.create_study(sampler="random", seed=0).ask(), objective.replan(**plan).plan)
    net = network(width)
    optimizer = trial.optimizer(net.parameters(), "nesterov", trials=1, lr=(0.01, 0.010001))
    for inputs, labels in trial.batches(data):
        loss = F.cross_entropy(net(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        trial.eval_due  # noqa: B018
        yield


def seconds(loop: Iterator[None]) -> float:
    start = time.process_time()
    for _ in range(CHUNK):
        next(loop)
    return (time.process_time() - start) / CHUNK


def compared(one: Iterator[None], other: Iterator[None]) -> tuple[list[float], list[float]]:
    """CPU seconds a step of each chunk of both, in turns; who goes first alternates too."""
    a, b = [], []
    for turn in range(STEPS // CHUNK):
        for first in (True, False) if turn % 2 else (False, True):
            (a if first else b).append(seconds(one if first else other))
    return a, b


def main() -> None:
    torch.set_num_threads(1)
    tw.logging.set_verbosity(tw.logging.ERROR)
    data = TensorDataset(torch.randn(4096, 512), torch.randint(0, 10, (4096,)))
    rng = np.random.default_rng(0)
    rows = []
    for width in (640, 192):
        sides = {
            "no trial": lambda w=width: by_hand(data, w),
            "the trial": lambda w=width: with_trial(data, w),
            "the trial, every norm": lambda w=width: with_trial(data, w, all_norms=True),
        }
        for name, side in sides.items():
            pairs = [compared(by_hand(data, width), side()) for _ in range(ROUNDS)]
            hand, ours = (np.array([x for pair in pairs for x in pair[k]]) for k in (0, 1))
            share = (ours - hand) / np.median(hand)
            draws = rng.choice(share, (1000, len(share)))
            trimmed = np.sort(draws, axis=1)[:, len(share) // 10 : -len(share) // 10].mean(axis=1)
            low, middle, high = (float(x) for x in np.quantile(trimmed, [0.05, 0.5, 0.95]))
            step = float(np.median(hand))
            rows.append(
                {"width": width, "with": name, "step": step, "extra": middle, "low": low, "high": high}
            )
            print(
                f"width {width}, {step * 1e3:.2f} ms a step, {name}: {middle:+.2%} (90 %: {low:+.2%} to {high:+.2%})",
                flush=True,
            )
    print(json.dumps({"benchmark": "trial_overhead", "rows": rows}))


if __name__ == "__main__":
    main()
