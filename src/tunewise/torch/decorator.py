"""The decorator that turns ``train(trial)`` into an objective with a `TorchTrial`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tunewise.torch.trial import LiveTrial, Plan, TorchTrial

Train = Callable[[TorchTrial], Any]


def training(
    max_steps: int, *, batch_size: int, evals: int = 10, device: str = "auto"
) -> Callable[[Train], Callable[[LiveTrial], Any]]:
    """Make a training function an objective for ``Study.optimize`` or ``Project``.

    The function is called with a `TorchTrial`, after every source of randomness has been seeded. When it
    returns None, its value is the goal metric at the best logged evaluation, and the trial records that step.

    Args:
        max_steps: optimiser steps of every trial. It is part of the question, not a hyperparameter: choose it
            between studies.
        batch_size: examples a step; choose it by speed and memory.
        evals: how often to evaluate in a run, at regular intervals of steps.
        device: "auto" (CUDA where there is one, else the CPU) or any torch device.

    Raises:
        SettingError: a count below 1.

    Example::

        @training(max_steps=2000, batch_size=256)
        def train(trial):
            net = make_net(trial.suggest_int("width", 32, 512, log=True)).to(trial.device)
            optimizer = trial.optimizer(net.parameters(), "adamw")
            for x, y in trial.batches(train_set):
                loss = F.cross_entropy(net(x), y)
                optimizer.zero_grad(); loss.backward(); optimizer.step()
                if trial.eval_due:
                    trial.log(net, train_loss=loss, **evaluate(net, val_set))
    """
    plan = Plan(max_steps, batch_size, evals, device)

    def decorate(train: Train) -> Callable[[LiveTrial], Any]:
        @functools.wraps(train)
        def objective(trial: LiveTrial) -> Any:
            torch_trial = TorchTrial(trial, plan)
            value = train(torch_trial)
            return torch_trial.outcome() if value is None else value

        return objective

    return decorate
