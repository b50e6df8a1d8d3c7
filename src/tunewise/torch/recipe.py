"""A training described instead of programmed, so that many trials can be trained as one.

A `Recipe` is an objective like any other. Its method `optimize` has the switch ``together``: that many trials are
asked at once, and those of one architecture are trained as one stack of tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from tunewise.errors import SettingError, TrialInfeasible, TrialPruned, TrialStateError
from tunewise.records import TrialState
from tunewise.study import Study
from tunewise.torch.data import Batch, whole
from tunewise.torch.dropout import count_dropout
from tunewise.torch.optimizers import LADDERS, suggest_settings
from tunewise.torch.schedule import Schedule
from tunewise.torch.seeds import order_generator
from tunewise.torch.stack import Loss, Stack, StackedOptimizer, check_loss, signature
from tunewise.torch.trial import LiveTrial, Plan, TorchTrial

Build = Callable[[TorchTrial], nn.Module]
Settings = dict[str, float]
Optimizing = str | Callable[[TorchTrial], tuple[str, Settings]]
_EVAL_ROWS = 1000


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
    how = _How(train_set, val_set, optimizer, trials, lr, schedule, warmup, loss)
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
        catch: type[Exception] | tuple[type[Exception], ...] = (),
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
            done: set[int] = set()

            def tell(number: int, result: Any, done: set[int] = done) -> None:
                _tell(study, number, result)
                done.add(number)

            try:
                self._train_all(live, tell, catch)
            except BaseException as error:
                for trial in live:
                    if trial.number not in done:
                        tell(trial.number, error)
                raise

    def _trained(self, trial: LiveTrial) -> _Member:
        member = self._member(trial)
        results: list[Any] = []
        for _ in _training(self, [member], lambda _, result: results.append(result)):
            pass
        if isinstance(results[0], Exception):
            raise results[0]
        return member

    def _train_all(
        self,
        live: Sequence[Any],
        tell: Callable[[int, Any], None],
        catch: type[Exception] | tuple[type[Exception], ...],
    ) -> None:
        groups: dict[tuple[str, str, str], list[_Member]] = {}
        for trial in live:
            try:
                member = self._member(trial)
            except Exception as error:
                if not isinstance(error, (TrialInfeasible, TrialPruned, *_as_tuple(catch))):
                    raise
                tell(trial.number, error)
                continue
            key = (signature(member.model), member.family, str(member.trial.device))
            groups.setdefault(key, []).append(member)
        running = [(_training(self, group, tell), _stream(group)) for group in groups.values()]
        while running:
            running = [(steps, stream) for steps, stream in running if _advance(steps, stream)]

    def _member(self, trial: LiveTrial) -> _Member:
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
        return _Member(wrapped, model, family, settings, schedule)


@dataclass(frozen=True, eq=False)
class _Member:
    trial: TorchTrial
    model: nn.Module
    family: str
    settings: Settings
    schedule: Schedule


class _Slice:
    """One member of a stack, as far as `TorchTrial.log` needs a model."""

    def __init__(self, stack: Stack, k: int, model: nn.Module) -> None:
        self._stack, self._k, self._model = stack, k, model

    def state_dict(self) -> dict[str, Tensor]:
        return self._stack.member(self._k)


def _training(made: Recipe, members: list[_Member], tell: Callable[[int, Any], None]) -> Iterator[None]:
    """Train one stack step by step; ``tell`` gets each member's number and its goals, or what ended it."""
    how, plan = made._how, made.plan
    device = members[0].trial.device
    train, val = whole(how.train_set, device), whole(how.val_set, device)
    stack = Stack([member.model for member in members], how.loss)
    optimizer = StackedOptimizer(members[0].family, [m.settings for m in members], stack.params)
    orders = _Orders(members, len(train[0]), plan.batch_size, device)
    losses = torch.zeros(len(members))
    for step in range(1, plan.max_steps + 1):
        rows = orders.rows()
        losses, grads = stack.grads(train[0][rows], train[1][rows])
        if step == 1:
            check_loss(losses)
        optimizer.step(stack.params, grads, [m.schedule.factor(step - 1) for m in members])
        for member in members:
            member.trial.step = step
        if members[0].trial.eval_due:
            left = _evaluated(stack, members, losses, val, step == plan.max_steps, tell)
            if len(left) < len(members):
                members = [members[k] for k in left]
                if not members:
                    return
                kept = torch.tensor(left, device=device)
                stack.keep(kept)
                optimizer.keep(kept)
                orders.keep(left)
        yield


def _evaluated(
    stack: Stack,
    members: list[_Member],
    losses: Tensor,
    val: Batch,
    last: bool,
    tell: Callable[[int, Any], None],
) -> list[int]:
    """Log every member; returns the places of those that go on."""
    metrics = _measure(stack, val, losses)
    left = []
    for k, member in enumerate(members):
        trial = member.trial
        try:
            trial.log(_Slice(stack, k, member.model), **{name: column[k] for name, column in metrics.items()})  # type: ignore[arg-type]
            if not last and trial.should_prune():
                raise TrialPruned(f"pruned at step {trial.step} of {trial.max_steps}")
        except (TrialInfeasible, TrialPruned) as error:
            tell(trial.number, error)
            continue
        if last:
            trial.adopt_model(member.model)
            tell(trial.number, trial.outcome())
        else:
            left.append(k)
    return left


def _measure(stack: Stack, val: Batch, losses: Tensor) -> dict[str, list[float]]:
    """Exact error, loss and accuracy of each member over the validation set, and the loss of its last batch."""
    n = len(val[0])
    total = correct = torch.zeros(len(losses), dtype=torch.float64, device=losses.device)
    for start in range(0, n, _EVAL_ROWS):
        labels = val[1][start : start + _EVAL_ROWS]
        logits = stack.outputs(val[0][start : start + _EVAL_ROWS])
        flat = F.cross_entropy(logits.flatten(0, 1), labels.repeat(len(logits)), reduction="none")
        total = total + flat.view(len(logits), -1).double().sum(1)
        correct = correct + (logits.argmax(2) == labels).sum(1)
    accuracy = (correct / n).tolist()
    return {
        "train_loss": losses.tolist(),
        "error": [1.0 - a for a in accuracy],
        "loss": (total / n).tolist(),
        "accuracy": accuracy,
    }


class _Orders:
    """The rows of every member's next batch (K, b): the same as `TorchTrial.batches` gives its seed."""

    def __init__(self, members: list[_Member], n: int, batch_size: int, device: torch.device) -> None:
        self._generators = [order_generator(member.trial.seed) for member in members]
        self._n, self._size, self._device = n, min(batch_size, n), device
        self._order = torch.empty((len(members), 0), dtype=torch.int64, device=device)
        self._at = 0

    def rows(self) -> Tensor:
        if self._at + self._size > self._order.shape[1]:
            orders = [torch.randperm(self._n, generator=each) for each in self._generators]
            self._order, self._at = torch.stack(orders).to(self._device), 0
        self._at += self._size
        return self._order[:, self._at - self._size : self._at]

    def keep(self, left: list[int]) -> None:
        self._generators = [self._generators[k] for k in left]
        self._order = self._order[left]


def _stream(group: list[_Member]) -> Any:
    device = group[0].trial.device
    if device.type != "cuda":
        return None
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(device))
    return stream


def _advance(steps: Iterator[None], stream: Any) -> bool:
    with torch.cuda.stream(stream) if stream is not None else nullcontext():
        return next(steps, "end") is None


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


def _as_tuple(catch: type[Exception] | tuple[type[Exception], ...]) -> tuple[type[Exception], ...]:
    return catch if isinstance(catch, tuple) else (catch,)
