"""The decorator that turns ``train(trial)`` into an objective with a `TorchTrial`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from tunewise.records import Goal
from tunewise.space import Space
from tunewise.torch.trial import LiveTrial, Plan, TorchTrial
from tunewise.types import Choice

Train = Callable[[TorchTrial], Any]


class Objective:
    """A training function for `Study.optimize` and `Project`; made by `training`.

    Called with a live trial it trains, and returns what the function returns; when that is None, the goals at the
    best logged evaluation.
    """

    def __init__(self, train: Train, plan: Plan) -> None:
        functools.update_wrapper(self, train)
        self._train = train
        self.plan = plan

    def __call__(self, trial: LiveTrial) -> Any:
        """Train, and return the value of the trial."""
        torch_trial = TorchTrial(trial, self.plan)
        value = self._train(torch_trial)
        return torch_trial.outcome() if value is None else value

    def replan(self, **changes: Any) -> Objective:
        """The same training under another plan: ``replan(max_steps=100, evals=100)``. See `Plan`."""
        return Objective(self._train, replace(self.plan, **changes))

    def settled(self, config: Mapping[str, Choice], goal: Goal | None = None) -> Any:
        """A value for every parameter, and a finding that names those that ``config`` left open (None: none); see
        `tunewise.torch.place.settled`.
        """
        return _verb("place", "settled")(self, config, goal or Goal())

    def preflight(
        self,
        config: Mapping[str, Choice] | None = None,
        storage: Any = None,
        name: str = "probe",
        goal: Goal | None = None,
        **settings: Any,
    ) -> Any:
        """What is wrong with this training; see `tunewise.torch.doctor.preflight`. Nothing is kept."""
        return _verb("doctor", "preflight")(self, config, goal, **settings)

    def find_steps(
        self,
        config: Mapping[str, Choice] | None = None,
        storage: Any = None,
        name: str = "probe",
        goal: Goal | None = None,
        **settings: Any,
    ) -> Any:
        """How long to train; see `tunewise.torch.steps.find_steps`. Runs are kept as study "name/steps"."""
        return _verb("steps", "find_steps")(self, config, _place(storage, name, goal), **settings)

    def batch_size(
        self,
        config: Mapping[str, Choice] | None = None,
        storage: Any = None,
        name: str = "probe",
        goal: Goal | None = None,
        **settings: Any,
    ) -> Any:
        """Which batch size; see `tunewise.torch.batches.batch_size`. Nothing is kept."""
        return _verb("batches", "batch_size")(self, config, _place(storage, name, goal), **settings)

    def stability(
        self,
        config: Mapping[str, Choice] | None = None,
        storage: Any = None,
        name: str = "probe",
        goal: Goal | None = None,
        **settings: Any,
    ) -> Any:
        """How stable; see `tunewise.torch.unstable.stability`. Nothing is kept."""
        return _verb("unstable", "stability")(self, config, _place(storage, name, goal), **settings)

    def lengths(
        self,
        space: Space,
        storage: Any = None,
        name: str = "probe",
        goal: Goal | None = None,
        **settings: Any,
    ) -> Any:
        """Many short runs, then few long ones; see `tunewise.torch.lengths.lengths`. Runs are kept as "name/length N"."""
        return _verb("lengths", "lengths")(self, space, _place(storage, name, goal), **settings)

    def run(self, trial: TorchTrial) -> Any:
        """Call the training function with a trial that is wrapped already; returns what it returns."""
        return self._train(trial)

    def fit(self, trial: LiveTrial) -> nn.Module:
        """Train, and return the model as it was at its best evaluation, for the test set or for use.

        Raises:
            SettingError: the training function logged nothing.
        """
        torch_trial = TorchTrial(trial, self.plan)
        self._train(torch_trial)
        return torch_trial.best_model()


def _verb(module: str, function: str) -> Any:
    """A probe; its module builds on this one, so it is looked up when it is asked for."""
    return getattr(import_module(f"tunewise.torch.{module}"), function)


def _place(storage: Any, name: str, goal: Goal | None) -> Any:
    return _verb("place", "Place")(name, storage, goal or Goal())


def training(
    max_steps: int,
    *,
    batch_size: int,
    evals: int = 10,
    device: str = "auto",
    clip: float | None = None,
    checkpoints: str | Path | None = None,
    keep: int = 1,
) -> Callable[[Train], Objective]:
    """Make a training function an objective for ``Study.optimize`` or ``Project``.

    The function is called with a `TorchTrial`, after every source of randomness has been seeded. When it
    returns None, its value is the goal metric at the best logged evaluation, and the trial records that step.

    Args:
        max_steps: optimiser steps of every trial. It is part of the question, not a hyperparameter: choose it
            between studies.
        batch_size: examples a step; choose it by speed and memory.
        evals: how often to evaluate in a run, at regular intervals of steps.
        device: "auto" (CUDA where there is one, else the CPU) or any torch device.
        clip: the largest global L2 norm of the gradients, for optimisers that the trial makes or watches.
        checkpoints: a folder in which each trial keeps its ``keep`` best checkpoints and the last, one file each.
        keep: how many.

    Raises:
        SettingError: a count below 1, or a threshold that is not above 0.

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
    folder = None if checkpoints is None else str(checkpoints)
    plan = Plan(max_steps, batch_size, evals, device, clip=clip, checkpoints=folder, keep=keep)
    return lambda train: Objective(train, plan)
