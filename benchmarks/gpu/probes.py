"""The probes on a real device: batch sizes, steps, stability, spikes, what the trial costs, one GPU for each process."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from article_study import network
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import tunewise as tw
from tunewise.records import Goal
from tunewise.stats.stability import clip_threshold, spikes
from tunewise.torch import Objective, training
from tunewise.torch.trial import TorchTrial

GOAL = Goal("error")
CONFIG = {"sgd.lr": 0.05}


def objective(
    train_set: Dataset, val_set: Dataset, steps: int, width: int = 256, batch: int = 128, device: str = "auto"
) -> Objective:
    """The article's network with two layers, in a loop written by hand."""

    @training(steps, batch_size=batch, device=device)
    def train(trial: TorchTrial) -> None:
        net = network(2, width, 0.0).to(trial.device)
        optimizer = trial.optimizer(net.parameters(), "sgd", trials=1)
        for x, y in trial.batches(train_set):
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if trial.eval_due:
                trial.log(net, train_loss=loss, **tw.evaluate(net, val_set))

    return train


class Slow(Dataset):
    """Examples that cost time to read."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return 4096

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        time.sleep(self.seconds)
        return torch.full((3, 32, 32), row / 4096), row % 10


def scan(env: Any) -> None:
    """V23: saturation and memory on the device, planted slow input found, resident data not called slow."""
    most = 16 if env.small else 16384
    found = objective(env.train, env.val, 100).batch_size(CONFIG, goal=GOAL, most=most)
    times = {size: round(1e3 * t.seconds, 4) for size, t in found.times.items()}
    rate = {size: size / t.seconds for size, t in found.times.items()}
    least = min(size for size, r in rate.items() if r >= 0.95 * max(rate.values()))
    env.say(saturation=found.saturation, least_with_95_percent=least, ms=times, waiting=found.waiting.ratio)
    if env.device == "cuda":
        _memory(env)
    slow = [Slow(s) for s in (2e-5, 5e-5, 1e-4) for _ in range(1 if env.small else 2)]
    calm = [env.train] * (2 if env.small else 20)
    env.say(
        slow_input_found=_called_slow(env, slow), of=len(slow), resident_data_called_slow=_called_slow(env, calm),
        of_resident=len(calm),
    )  # fmt: skip


def _called_slow(env: Any, sets: list[Dataset]) -> int:
    size = 16 if env.small else 64
    scans = [
        objective(s, env.val, 100).batch_size(CONFIG, goal=GOAL, least=size, most=size)
        for s in sets
        if env.left > 3
    ]
    return sum(any(f.subject == "input" for f in found.findings.acts) for found in scans)


def _memory(env: Any) -> None:
    """The device's own lack of memory, made to come early, ends the scan where it comes."""
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, 1.5e9 / total))
    found = objective(env.train, env.val, 100, width=2**15 + 2**13).batch_size(
        CONFIG, goal=GOAL, least=64, most=16384
    )
    torch.cuda.set_per_process_memory_fraction(1.0)
    env.say(
        out_of_memory_at=found.out_of_memory_at,
        sizes=list(found.times),
        mib={k: v >> 20 for k, v in found.memory.items()},
    )


def spiked(env: Any) -> None:
    """V25: five tenfold gradients planted in real runs; clean runs beside them."""
    runs, steps = (2, 60) if env.small else (30, 300)
    found = alarms = planted = wrong_runs = 0
    off = []
    for seed in range(runs):
        if env.left < 3:
            break
        at = set(np.random.default_rng(seed).choice(np.arange(20, steps), 5, replace=False).tolist())
        norms = _norms(env, steps, seed, at)
        seen = {int(i) + 1 for i in spikes(norms)}
        found, planted, alarms = found + len(seen & at), planted + 5, alarms + len(seen - at)
        clean = _norms(env, steps, seed, set())
        wrong_runs += len(spikes(clean)) > 0
        off.append(100 * abs(float(np.mean(clean <= clip_threshold(clean).value)) - 0.9))
    env.say(
        runs=len(off), planted=planted, found=found, others_in_planted_runs=alarms, clean_runs_with_alarm=wrong_runs,
        clip_threshold_off_by_points=max(off),
    )  # fmt: skip


def _norms(env: Any, steps: int, seed: int, at: set[int]) -> np.ndarray:
    made = training(steps, batch_size=128, evals=1, device=env.device)(lambda trial: None)
    study = tw.create_study(sampler="random", seed=seed)
    trial = TorchTrial(study.ask(), made.replan(all_norms=True).plan)
    net = network(2, 64, 0.0).to(trial.device)
    optimizer = trial.optimizer(net.parameters(), "sgd", trials=1, lr=(0.01, 0.0100001), schedule="constant")
    for x, y in trial.batches(env.train):
        loss = F.cross_entropy(net(x), y) * (10.0 if trial.step in at else 1.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return trial.grad_norms


def stable(env: Any) -> None:
    """The stability probe at a gentle and at a wild learning rate."""
    for lr in (0.01, 10.0):
        found = objective(env.train, env.val, 40 if env.small else 300).stability(
            {"sgd.lr": lr}, goal=GOAL, steps=300
        )
        acts = sorted({f.code for f in found.findings.acts})
        env.say(lr=lr, unstable_from=found.lr_unstable, early_rise=round(found.blow_up, 3), acts=acts)


def steps(env: Any) -> None:
    """V21 on a real network: the steps found, beside the fastest of five rates around with five seeds each."""
    n, budget = (200, 60) if env.small else (2000, 600)
    some = TensorDataset(*(t[:n] for t in env.train.tensors))
    val = TensorDataset(*(t[:1000] for t in env.val.tensors))
    made = objective(some, val, budget)
    start = time.perf_counter()
    found = made.find_steps(CONFIG, doublings=1, goal=GOAL)
    env.say(
        steps=found.max_steps,
        interval=found.interval,
        lr=found.lr_best,
        seconds=round(time.perf_counter() - start, 1),
    )
    if found.max_steps is None or found.lr_best is None:
        return
    means = {}
    for factor in (0.5, 0.7, 1.0, 1.4, 2.0):
        if env.left < 8:
            break
        times = [
            _steps_to_fit(env, some, found.lr_best * factor, seed, 3 * found.max_steps) for seed in range(5)
        ]
        means[round(found.lr_best * factor, 4)] = float(np.mean(times))
    env.say(measured=means, found_over_fastest=round(found.max_steps / min(means.values()), 3))


def _steps_to_fit(env: Any, some: TensorDataset, lr: float, seed: int, most: int) -> float:
    """The first step at which the training error is at most 0.1 % or the loss below 5 % of the first; looks every 5."""
    torch.manual_seed(1000 + seed)
    x, y = (t.to(env.device) for t in some.tensors)
    net = network(2, 256, 0.0).to(env.device)
    optimizer = torch.optim.SGD(net.parameters(), lr, 0.9)
    first = None
    for step in range(1, most + 1):
        rows = torch.randperm(len(x), device=x.device)[:128]
        optimizer.zero_grad()
        F.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
        if step % 5 == 0:
            with torch.no_grad():
                logits = net(x)
                loss, error = (
                    F.cross_entropy(logits, y).item(),
                    (logits.argmax(1) != y).double().mean().item(),
                )
            first = loss if first is None else first
            if error <= 0.001 or loss < 0.05 * first:
                return float(step)
    return float("inf")


def overhead(env: Any) -> None:
    """What `TorchTrial` costs a step of about 5 ms on the device: two loops in turns, 20 steps each, clock time."""
    x, y = env.train.tensors[0].flatten(1), env.train.tensors[1]
    data = TensorDataset(x, y)
    width, batch = (64, 64) if env.small else _calibrated(env, data)
    ratios, step = [], 0.0
    for _ in range(2 if env.small else 5):
        if env.left < 4:
            break
        sides = [_hand_loop(env, data, width, batch), _trial_loop(env, data, width, batch)]
        seconds: list[list[float]] = [[], []]
        for turn in range(3 if env.small else 12):
            for k in (0, 1) if turn % 2 else (1, 0):
                seconds[k].append(_chunk(env, sides[k]))
        step = float(np.median(seconds[0][2:]))
        ratios.append(float(np.median(seconds[1][2:])) / step - 1)
    low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    env.say(
        step_ms=1e3 * step, width=width, batch=batch, share=middle, quartiles=[low, high], rounds=len(ratios)
    )


def _calibrated(env: Any, data: TensorDataset) -> tuple[int, int]:
    """A width whose step takes about 5 ms."""
    for width in (1024, 2048, 4096, 6144, 8192, 12288):
        loop = _hand_loop(env, data, width, 1024)
        _chunk(env, loop)
        if _chunk(env, loop) > 4.5e-3:
            break
    return width, 1024


def _chunk(env: Any, loop: Any) -> float:
    start = time.perf_counter()
    for _ in range(20):
        next(loop)
    if env.device == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / 20


def _deep(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(3072, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def _hand_loop(env: Any, data: TensorDataset, width: int, batch: int) -> Any:
    x, y = (t.to(env.device) for t in data.tensors)
    net = _deep(width).to(env.device)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9, nesterov=True)
    while True:
        order = torch.randperm(len(x)).to(x.device)
        for at in range(0, len(x) - batch + 1, batch):
            rows = order[at : at + batch]
            _train_step(net, optimizer, x[rows], y[rows])
            yield


def _trial_loop(env: Any, data: TensorDataset, width: int, batch: int) -> Any:
    made = training(10**6, batch_size=batch, device=env.device)(lambda trial: None)
    trial = TorchTrial(tw.create_study(sampler="random", seed=0).ask(), made.plan)
    net = _deep(width).to(trial.device)
    optimizer = trial.optimizer(net.parameters(), "nesterov", trials=1, lr=(0.01, 0.010001))
    for x, y in trial.batches(data):
        _train_step(net, optimizer, x, y)
        _ = trial.eval_due
        yield


def _train_step(net: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, y: torch.Tensor) -> None:
    optimizer.zero_grad()
    F.cross_entropy(net(x), y).backward()
    optimizer.step()


def sees(trial: tw.Trial) -> float:
    """What a process sees of the GPUs."""
    trial.set_user_attr("visible", os.environ.get("CUDA_VISIBLE_DEVICES"))
    trial.set_user_attr("count", torch.cuda.device_count())
    if torch.cuda.is_available():
        trial.set_user_attr("sum", torch.ones(10, device="cuda").sum().item())
    return 0.0


def slots(env: Any) -> None:
    """Each process of `Processes(gpus=1)` sees one GPU, one process at a time."""
    study = tw.create_study("slots", str(env.out / "slots.db"), sampler="random", seed=0)
    study.optimize(sees, n_trials=2, n_jobs=2, executor=tw.Processes(gpus=1))
    env.say(trials=[dict(t.user_attrs) for t in study.trials])
    (env.out / "slots.db").unlink(missing_ok=True)
