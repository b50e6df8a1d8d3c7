"""A training described instead of programmed, so that many trials can be trained as one.

A `Recipe` is an objective like any other. Its method `optimize` has the switch ``together``: that many trials are
asked at once, and those of one architecture are trained as one stack of tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset

from tunewise.errors import SettingError, TrialInfeasible, TrialPruned, TrialStateError
from tunewise.records import TrialState
from tunewise.study import Study
from tunewise.torch.data import whole
from tunewise.torch.dropout import count_dropout
from tunewise.torch.optimizers import LADDERS, suggest_settings
from tunewise.torch.replay import Graphs
from tunewise.torch.schedule import Schedule
from tunewise.torch.side_by_side import Member, Setup, Tell, train_stacks
from tunewise.torch.stack import Loss, signature
from tunewise.torch.trial import LiveTrial, Plan, TorchTrial

Build = Callable[[TorchTrial], nn.Module]
Settings = dict[str, float]
Optimizing = str | Callable[[TorchTrial], tuple[str, Settings]]
Errors = type[Exception] | tuple[type[Exception], ...]


def recipe(
    train_set: Dataset[Any],
    val_set: Dataset[Any],
    *,
    max_steps: int,
    batch_size: int,
    evals: int = 10,
    optimizer: Optimizing = "adamw",
    trials: int = 20,
    lr: tuple[float, float] | None = None,
    schedule: str = "cosine",
    warmup: float = 0.05,
    loss: Loss = F.cross_entropy,
    device: str = "auto",
    graphs: bool = True,
) -> Callable[[Build], Recipe]:
    """Make ``build(trial) -> nn.Module`` the objective of a classifier's training.

    Both data sets are read once and kept on the device as tensors; a transform that draws at random is thereby
    frozen. Every `nn.Dropout` gets dice of its own, so that a trial gives the same result alone and in a stack.

    Args:
        train_set: (input, integer label) pairs. val_set: likewise; evaluated whole.
        max_steps: optimiser steps of every trial. batch_size: examples a step. evals: evaluations a run.
        optimizer: a family as in `TorchTrial.optimizer`, or a function of the trial that returns the family and its
            settings by the names of `tunewise.torch.optimizers.LADDERS` (what is left out keeps its default).
        trials: how many trials the study can afford; decides what is tuned of a family.
        lr: the range of the learning rate, instead of the family's.
        schedule: as in `TorchTrial.optimizer`. warmup: likewise.
        loss: of outputs and labels, a mean over the batch. device: as in `training`.
        graphs: on a CUDA device, launch each step and each evaluation as one CUDA graph. A graph is used only after it has
            given the numbers of its kernels. Where a model cannot be captured (it reads values back to the host, say),
            this recipe launches kernel by kernel from then on, after a warning.

    Raises:
        SettingError: a count below 1, an unknown schedule, or a data set that is empty or too large for the device (1 GiB).

    Example::

        @recipe(train_set, val_set, max_steps=2000, batch_size=128, optimizer="nesterov")
        def network(trial):
            width = trial.suggest_categorical("width", [32, 64])
            return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

        network.optimize(study, n_trials=100, together=20)
    """
    plan = Plan(max_steps, batch_size, evals, device)
    Schedule(schedule, max_steps, warmup)
    how = _How(train_set, val_set, optimizer, trials, lr, schedule, warmup, loss, Graphs(graphs))
    return lambda build: Recipe(build, plan, how)


@dataclass(frozen=True)
class _How:
    train_set: Dataset[Any]
    val_set: Dataset[Any]
    optimizer: Optimizing
    trials: int
    lr: tuple[float, float] | None
    schedule: str
    warmup: float
    loss: Loss
    graphs: Graphs


class Recipe:
    """An objective made by `recipe`: call it with one live trial, or let `optimize` train many together."""

    def __init__(self, build: Build, plan: Plan, how: _How) -> None:
        functools.update_wrapper(self, build)
        self._build = build
        self.plan = plan
        self._how = how

    def __call__(self, trial: LiveTrial) -> dict[str, float]:
        """Train one trial, and return its goals at the best evaluation."""
        return self._trained(trial).trial.outcome()

    def fit(self, trial: LiveTrial) -> nn.Module:
        """Train one trial, and return the model as it was at its best evaluation."""
        return self._trained(trial).trial.best_model()

    def optimize(
        self,
        study: Study,
        n_trials: int,
        together: int = 16,
        catch: Errors = (),
    ) -> None:
        """Run ``n_trials`` more trials of a study, ``together`` at a time.

        Trials of one architecture are one stack; the stacks take turns, on a CUDA device each on a stream of its own.
        A trial that diverged or was pruned leaves its stack. Its sampler sees the trials of a batch as running, so a
        smaller ``together`` learns more from each result.

        Raises:
            SettingError: a count below 1.
        """
        if together < 1 or n_trials < 0:
            raise SettingError(
                f"together is {together}, n_trials {n_trials}; give at least 1 and at least 0."
            )
        for start in range(0, n_trials, together):
            live = [study.ask() for _ in range(min(together, n_trials - start))]
            self.train(live, lambda trial, result: _tell(study, trial.number, result), catch)

    def train(self, trials: Sequence[LiveTrial], tell: Tell, catch: Errors = ()) -> None:
        """Train these live trials together; they may be of several studies.

        ``tell`` is called once for each: with the trial and its goals by name, or the error that ended it (`TrialPruned`,
        `TrialInfeasible`, or one of ``catch``). Another error ends all trials that are still open, and is raised.
        """
        open_ = list(trials)

        def told(trial: LiveTrial, result: Any) -> None:
            tell(trial, result)
            open_.remove(trial)

        try:
            self._train_all(trials, told, catch)
        except BaseException as error:
            for trial in list(open_):
                told(trial, error)
            raise

    def _trained(self, trial: LiveTrial) -> Member:
        member = self._member(trial)
        results: list[Any] = []
        train_stacks([(self._setup(member), [member])], lambda _, result: results.append(result))
        if isinstance(results[0], Exception):
            raise results[0]
        return member

    def _train_all(self, trials: Sequence[LiveTrial], tell: Tell, catch: Errors) -> None:
        groups: dict[tuple[str, str, str], list[Member]] = {}
        for trial in trials:
            try:
                member = self._member(trial)
            except Exception as error:
                if not isinstance(error, (TrialInfeasible, TrialPruned, *_as_tuple(catch))):
                    raise
                tell(trial, error)
                continue
            key = (signature(member.model), member.family, str(member.trial.device))
            groups.setdefault(key, []).append(member)
        train_stacks([(self._setup(group[0]), group) for group in groups.values()], tell)

    def _setup(self, member: Member) -> Setup:
        how, device = self._how, member.trial.device
        return Setup(
            self.plan, whole(how.train_set, device), whole(how.val_set, device), how.loss, how.graphs
        )

    def _member(self, trial: LiveTrial) -> Member:
        wrapped = TorchTrial(trial, self.plan)
        model = self._build(wrapped).to(wrapped.device)
        count_dropout(model, wrapped.seed)
        how = self._how
        if callable(how.optimizer):
            family, given = how.optimizer(wrapped)
            if family not in LADDERS:
                raise SettingError(f"The optimizer is {family!r}; it must be one of {', '.join(LADDERS)}.")
            settings = {**{rung.name: rung.default for rung in LADDERS[family]}, **given}
        else:
            family = how.optimizer
            settings = suggest_settings(trial, family, how.trials, how.lr)
        end_factor = settings.get("end_factor", 0.0)
        wrapped.note_optimizer({"family": family, **settings}, how.schedule, how.warmup, end_factor)
        schedule = Schedule(how.schedule, self.plan.max_steps, how.warmup, end_factor)
        return Member(trial, wrapped, model, family, settings, schedule)


def _tell(study: Study, number: int, result: Any) -> None:
    try:
        if isinstance(result, TrialInfeasible):
            study.tell(number, state=TrialState.INFEASIBLE, reason=str(result))
        elif isinstance(result, TrialPruned):
            study.tell(number, state=TrialState.PRUNED, reason=str(result))
        elif isinstance(result, BaseException):
            study.tell(number, state=TrialState.FAILED, reason=f"{type(result).__name__}: {result}")
        else:
            study.tell(number, result)
    except TrialStateError:
        return  # somebody else finished it: the first result stays


def _as_tuple(catch: Errors) -> tuple[type[Exception], ...]:
    return catch if isinstance(catch, tuple) else (catch,)
