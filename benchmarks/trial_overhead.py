"""What the richer trial costs a step of some 5 ms, in CPU time, against a training loop written by hand.

    python benchmarks/trial_overhead.py

Two measurements. *Inside*: the trial's own code in a real training (taking the next batch, the hooks around
``optimizer.step()``, ``eval_due``) is timed piece by piece, and the loop's own way to a batch is subtracted. *Outside*: the
two loops take turns, 20 steps each; a round gives one difference, and every round makes new networks, since where a network
lies in memory moves its speed by some per cent. The same is done with two loops by hand, which says what the outside
measurement is worth.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

import tunewise as tw
from tunewise.torch.data import resident
from tunewise.torch.trial import TorchTrial

CHUNK, BATCH = 20, 128


class Meter:
    """Adds up the CPU time of calls."""

    def __init__(self) -> None:
        self.seconds, self.calls = 0.0, 0

    def timed(self, function: Callable) -> Callable:
        """The same function, timed."""

        def call(*args: object) -> object:
            start = time.process_time_ns()
            try:
                return function(*args)
            finally:
                self.seconds += (time.process_time_ns() - start) / 1e9
                self.calls += 1

        return call


def network(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(512, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def own_batches(data: TensorDataset) -> Iterator[tuple]:
    inputs, labels = resident(data, torch.device("cpu"))
    while True:
        order = torch.randperm(len(inputs))
        for at in range(0, len(inputs) - BATCH + 1, BATCH):
            rows = order[at : at + BATCH]
            yield inputs[rows], labels[rows]


def by_hand(data: TensorDataset, width: int, steps: int, batch: Meter | None = None) -> Iterator[None]:
    net = network(width)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9, nesterov=True)
    batches = own_batches(data)
    take = batch.timed(lambda: next(batches)) if batch else lambda: next(batches)
    for _ in range(steps):
        train(net, optimizer, *take())
        yield


def with_trial(
    data: TensorDataset, width: int, steps: int, meter: Meter | None = None, **plan: bool
) -> Iterator[None]:
    made = tw.training(steps, batch_size=BATCH, evals=10, device="cpu")(lambda trial: None)
    trial = TorchTrial(tw.create_study(sampler="random", seed=0).ask(), made.replan(**plan).plan)
    net = network(width)
    optimizer = trial.optimizer(net.parameters(), "nesterov", trials=1, lr=(0.01, 0.010001))
    batches = trial.batches(data)
    take, due = lambda: next(batches), lambda: trial.eval_due
    if meter:
        take, due = meter.timed(take), meter.timed(due)
        for hooks in (optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks):
            for key in list(hooks):
                hooks[key] = meter.timed(hooks[key])
    for _ in range(steps):
        train(net, optimizer, *take())
        due()
        yield


def train(
    net: nn.Module, optimizer: torch.optim.Optimizer, inputs: torch.Tensor, labels: torch.Tensor
) -> None:
    loss = F.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def seconds(loop: Iterator[None]) -> float:
    start = time.process_time()
    for _ in range(CHUNK):
        next(loop)
    return (time.process_time() - start) / CHUNK


def outside(one: Iterator[None], other: Iterator[None], steps: int) -> float:
    """The median CPU time of a step of ``other`` over that of ``one``, less 1; in turns, who goes first alternates."""
    a, b = [], []
    for turn in range(steps // CHUNK):
        for first in (True, False) if turn % 2 else (False, True):
            (a if first else b).append(seconds(one if first else other))
    return float(np.median(b) / np.median(a) - 1)


def inside(data: TensorDataset, width: int, steps: int, **plan: bool) -> tuple[float, float]:
    """CPU seconds a step, and those that the trial adds."""
    meter, batch, empty = Meter(), Meter(), Meter()
    start = time.process_time()
    for _ in by_hand(data, width, steps, batch):
        pass
    step = (time.process_time() - start) / steps
    for _ in with_trial(data, width, steps, meter, **plan):
        pass
    nothing = empty.timed(lambda: None)
    for _ in range(20_000):
        nothing()
    clock = empty.seconds / empty.calls
    extra = meter.seconds - meter.calls * clock - (batch.seconds - batch.calls * clock)
    return step, extra / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    torch.set_num_threads(1)
    tw.logging.set_verbosity(tw.logging.ERROR)
    data = TensorDataset(torch.randn(4096, 512), torch.randint(0, 10, (4096,)))
    rows = []
    for width in (640, 192):
        for name, plan in (("defaults", {}), ("every norm", {"all_norms": True})):
            runs = [inside(data, width, args.steps, **plan) for _ in range(args.rounds)]
            step, extra = (float(np.median(column)) for column in zip(*runs, strict=True))
            shares = sorted(e / s for s, e in runs)
            rows.append({"width": width, "trial": name, "step": step, "extra": extra, "shares": shares})
            print(
                f"inside:  width {width}, {step * 1e3:.2f} ms a step, {name}: {extra * 1e6:+.0f} us = {extra / step:+.2%} "
                f"({args.rounds} runs: {shares[0]:+.2%} to {shares[-1]:+.2%})",
                flush=True,
            )
    width = 640
    sides = {
        "by hand": lambda: by_hand(data, width, args.steps),
        "defaults": lambda: with_trial(data, width, args.steps),
    }
    for name, side in sides.items():
        ratios = [
            outside(by_hand(data, width, args.steps), side(), args.steps) for _ in range(2 * args.rounds)
        ]
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        rows.append({"width": width, "outside": name, "ratios": ratios})
        print(
            f"outside: width {width}, {name} beside by hand: {middle:+.2%} (quartiles of {2 * args.rounds} rounds: "
            f"{low:+.2%} to {high:+.2%})",
            flush=True,
        )
    print(json.dumps({"benchmark": "trial_overhead", "rows": rows}))


if __name__ == "__main__":
    main()
