"""Trials trained together beside trials trained one by one: are they equal, and how much faster are they?"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from article_study import GOALS, SPACE, network, ours
from torch import nn
from torch.utils.data import TensorDataset

import tunewise as tw
from tunewise.torch import recipe
from tunewise.torch.dropout import count_dropout
from tunewise.torch.seeds import order_generator, seed_everything


def equal(env: Any) -> None:
    """Twelve configurations of the article's space: by hand with torch.optim, alone, and together as graphs."""
    device, n, epochs = env.device, 4 if env.small else 12, 1 if env.small else 10
    if device == "cuda":
        env.say(
            device=torch.cuda.get_device_name(),
            cuda=torch.version.cuda,
            tf32=torch.backends.cuda.matmul.allow_tf32,
        )
    plan = tw.create_study(goals=GOALS, space=SPACE, sampler="random", seed=0)
    params = [{**p, "momentum": min(p["momentum"], 0.95)} for p in (plan.ask().params for _ in range(n))]
    many, few, kernels = _study(params), _study(params), _study(params[:3])
    ours(env.train, env.val, epochs, device).optimize(many, n, together=n)
    ours(env.train, env.val, epochs, device).optimize(few, n, together=1)
    ours(env.train, env.val, 2, device, graphs=False).optimize(kernels, 3, together=3)
    sides = {
        "together": [list(t.curves["loss"].values()) for t in many.trials],
        "alone": [list(t.curves["loss"].values()) for t in few.trials],
        "without graphs": [list(t.curves["loss"].values()) for t in kernels.trials],
        "by hand": [_by_hand(env, t.params, t.user_attrs["seed"], epochs, device) for t in few.trials],
    }
    pairs = [
        ("together", "alone"),
        ("together", "by hand"),
        ("alone", "by hand"),
        ("together", "without graphs"),
    ]
    for a, b in pairs:
        gaps = [_gap(x, y) for x, y in zip(sides[a], sides[b], strict=False)]
        first, last = zip(*gaps, strict=True)
        env.say(
            sides=f"{a}, {b}", trials=len(gaps), evaluations=epochs, loss_after_1_epoch=max(first),
            loss_at_the_end_median=float(np.median(last)), loss_at_the_end_largest=max(last),
        )  # fmt: skip
    values = [(a.value, b.value) for a, b in zip(many.trials, few.trials, strict=True) if a.value and b.value]
    env.say(accuracy_largest_difference=max(abs(a - b) for a, b in values))


def speed(env: Any) -> None:
    """Milliseconds a step of one trial: a plain loop on resident data, and K trials of one architecture together."""
    steps = 30 if env.small else 1000
    sizes: list[dict[str, Any]] = [
        {}, {"width": 64}, {"width": 1024}, {"batch": 32}, {"batch": 512}, {"depth": 5}, {"conv": True}
    ]  # fmt: skip
    for size in sizes:
        base = {"width": 256, "depth": 2, "batch": 128, "conv": False, **size}
        plain = _plain(env, base, steps // 3)
        members = (2,) if env.small else (1, 4, 16, 64) if not size else (1, 16)
        rows = {k: _together(env, base, steps if k < 64 else steps // 2, k) for k in members}
        env.say(
            **base, plain_ms=round(plain, 4), together_ms={k: round(v, 4) for k, v in rows.items()},
            times_as_fast={k: round(plain / v, 1) for k, v in rows.items()},
        )  # fmt: skip
    base = {"width": 256, "depth": 2, "batch": 128, "conv": False}
    k = 2 if env.small else 16
    env.say(
        what="kernel by kernel", members=k, ms=round(_together(env, base, steps // 4, k, graphs=False), 4)
    )
    torch.set_float32_matmul_precision("high")
    env.say(
        what="tf32",
        members=k,
        ms=round(_together(env, base, steps, k), 4),
        plain_ms=_plain(env, base, steps // 3),
    )


def _net(size: dict[str, Any]) -> nn.Module:
    if not size["conv"]:
        return network(size["depth"], size["width"], 0.1)
    layers: list[nn.Module] = []
    for a, b in ((3, 16), (16, 32)):
        layers += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.GroupNorm(4, b), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 64, 10))


def _together(env: Any, size: dict[str, Any], steps: int, k: int, graphs: bool = True) -> float:
    """All that a study does is timed, its set-up too."""

    @recipe(
        env.train, env.val, max_steps=steps, batch_size=size["batch"], evals=1, device=env.device, schedule="constant",
        optimizer=lambda trial: ("sgd", {"lr": 0.01, "one_minus_momentum": 0.5}), warmup=0.0, graphs=graphs,
    )  # fmt: skip
    def build(trial):
        return _net(size)

    study = tw.create_study(goals=GOALS, space=tw.Space({"x": tw.Float(0, 1)}), sampler="random", seed=0)
    _wait(env)
    start = time.perf_counter()
    build.optimize(study, k, together=k)
    _wait(env)
    return (time.perf_counter() - start) / steps / k * 1e3


def _plain(env: Any, size: dict[str, Any], steps: int) -> float:
    """A loop written by hand, kernel by kernel, the data on the device; its steps alone are timed."""
    x, y = (t.to(env.device) for t in env.train.tensors)
    net = _net(size).to(env.device)
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.5, weight_decay=1e-4)
    start = 0.0
    for step in range(20 + steps):
        if step == 20:
            _wait(env)
            start = time.perf_counter()
        rows = torch.randint(len(x), (size["batch"],), device=x.device)
        optimizer.zero_grad()
        F.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
    _wait(env)
    return round((time.perf_counter() - start) / steps * 1e3, 4)


def _by_hand(env: Any, p: dict[str, Any], seed: int, epochs: int, device: str) -> list[float]:
    """Validation loss after each epoch."""
    x, y, vx, vy = (t.to(device) for d in (env.train, env.val) for t in d.tensors)
    seed_everything(seed)
    net = network(p["num_layers"], p["hidden_size"], p["dropout"]).to(device)
    count_dropout(net, seed)
    optimizer = torch.optim.SGD(net.parameters(), p["lr"], p["momentum"], weight_decay=p["weight_decay"])
    order, losses = order_generator(seed), []
    for _ in range(epochs):
        rows = torch.randperm(len(x), generator=order).to(device)
        net.train()
        for some in rows[: len(x) // 128 * 128].split(128):
            optimizer.zero_grad()
            F.cross_entropy(net(x[some]), y[some]).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            losses.append(F.cross_entropy(net(vx), vy).item())
    return losses


def _gap(a: list[float], b: list[float]) -> tuple[float, float]:
    """Relative differences of the first and of the last evaluation that both have."""
    n = min(len(a), len(b))
    gaps = [abs(u - v) / max(abs(v), 1e-9) for u, v in zip(a[:n], b[:n], strict=True)]
    return gaps[0], gaps[-1]


def _study(params: list[dict[str, Any]]) -> tw.Study:
    study = tw.create_study(goals=GOALS, seed=0)
    for each in params:
        study.enqueue_trial(each)
    return study


def _wait(env: Any) -> None:
    if env.device == "cuda":
        torch.cuda.synchronize()


def first(dataset: TensorDataset, n: int) -> TensorDataset:
    """The first n examples."""
    return TensorDataset(*(t[:n] for t in dataset.tensors))
