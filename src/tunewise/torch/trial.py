"""The trial inside a training function: device, seeds, steps, batches, optimiser and checkpoints.

It wraps the live trial and passes on whatever it does not know itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.utils.data import Dataset, Subset

from tunewise.errors import SettingError
from tunewise.playbook.adopt import FRESH, RIGHT
from tunewise.records import Goal
from tunewise.stats.examples import packed
from tunewise.stats.stability import clipped_share, spikes
from tunewise.torch.checkpoints import Keeper
from tunewise.torch.data import Batch, shuffled
from tunewise.torch.evaluation import evaluate, predictions, right_ones
from tunewise.torch.optimizers import build, suggest_settings
from tunewise.torch.schedule import Schedule
from tunewise.torch.seeds import order_generator, random_states, restore_random, seed_everything
from tunewise.torch.watch import Watch
from tunewise.types import FloatArray, IntArray


class LiveTrial(Protocol):
    """What is needed of the trial that is wrapped."""

    @property
    def number(self) -> int:
        """Its place in the study, from 0."""

    @property
    def seed(self) -> int:
        """The number that every source of randomness is seeded with."""

    @property
    def params(self) -> dict[str, Any]:
        """The parameters suggested so far."""

    @property
    def user_attrs(self) -> dict[str, Any]:
        """What was noted about the trial."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A value in low..high."""

    def report(self, value: Any, step: int) -> None:
        """Record metrics at a step."""

    def set_user_attr(self, key: str, value: Any) -> None:
        """Record a fact about the trial."""

    def mark_infeasible(self, reason: str) -> None:
        """End the trial as diverged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and on what every trial of a study trains.

    ``schedule`` and ``warmup`` replace what the training function asks for; ``decay`` is the share of a "wsd" run that
    decays; with ``fit_examples`` each logged evaluation also measures so many fixed training examples ("fit_error", ...);
    ``cached`` gives the first batch again and again; with ``all_norms`` no gradient norm is left out. Probes set them.
    """

    max_steps: int
    batch_size: int
    evals: int
    device: str
    clip: float | None = None
    checkpoints: str | None = None
    keep: int = 1
    schedule: str | None = None
    warmup: float | None = None
    decay: float = 0.2
    fit_examples: int = 0
    cached: bool = False
    all_norms: bool = False

    def __post_init__(self) -> None:
        if self.clip is not None and not self.clip > 0:
            raise SettingError(f"clip is {self.clip!r}; a gradient norm to clip at must be above 0.")
        for name in ("max_steps", "batch_size", "evals", "keep"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} is {getattr(self, name)!r}; it must be at least 1.")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The model at its best evaluation: the step, what was logged there, and a copy of the weights.

    ``predictions`` (n,) are the classes that `evaluate` saw there, one an example, and ``right`` whether they were; None where
    it was not used.
    """

    step: int
    metrics: Mapping[str, float]
    state: Mapping[str, Any]
    predictions: Tensor | None = None
    right: Tensor | None = None


class TorchTrial:
    """A live trial that also knows how to train with PyTorch; made by `training`.

    Attributes:
        device: where the training runs; with several CUDA devices, trials take turns by their number.
        seed: every source of randomness has been seeded with it.
        max_steps: optimiser steps of the whole run.
        step: the step under way, counted from 1; 0 before the first.
        best: the checkpoint with the best goal metric so far; None before the first ``log``.
    """

    def __init__(self, trial: LiveTrial, plan: Plan) -> None:
        self._trial = trial
        self._plan = plan
        self._goals = _goals_of(trial)
        self.device = _device(plan.device, trial.number)
        self.seed = trial.seed
        self.max_steps = plan.max_steps
        self.step = 0
        self.best: Checkpoint | None = None
        self._model: nn.Module | None = None
        self._watch: Watch | None = None
        self._n_norms = 0
        self._train_set: Dataset[Any] | None = None
        self._fit_set: Dataset[Any] | None = None
        self._resumed: tuple[nn.Module, tuple[Optimizer, ...]] | None = None
        self._random: Mapping[str, Any] | None = None
        self._drives: list[Callable[[int], None]] = []
        self._keeper = Keeper(plan.checkpoints, trial, plan.keep) if plan.checkpoints else None
        seed_everything(self.seed)
        trial.set_user_attr("seed", self.seed)
        trial.set_user_attr("training", {**asdict(plan), "device": str(self.device)})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)

    @property
    def eval_due(self) -> bool:
        """Whether to evaluate at this step: ``evals`` times at regular intervals, the last step included."""
        evals, steps = self._plan.evals, self.max_steps
        return self.step * evals // steps > (self.step - 1) * evals // steps

    def batches(self, dataset: Dataset[Any], batch_size: int | None = None) -> Iterator[Batch]:
        """Exactly ``max_steps`` batches on ``device``, in an order that depends on the seed alone.

        All have the same size: what is left at the end of an epoch is dropped. Data sets of tensors up to
        1 GiB are kept on the device and indexed there; all others are read by a DataLoader.
        """
        self._train_set = dataset
        size = self._plan.batch_size if batch_size is None else batch_size
        order = order_generator(self.seed)
        epochs = shuffled(dataset, size, self.max_steps, self.device, order)
        first: Batch | None = None
        done = self.step if self._random else 0
        for _ in range(done):
            next(epochs)
        if self._random:
            restore_random(self._random)
        for step in range(done + 1, self.max_steps + 1):
            self.step = step
            if first is None or not self._plan.cached:
                first = next(epochs)
            yield first

    def resume(self, model: nn.Module, *optimizers: Optimizer) -> int:
        """Go on where an earlier attempt at this trial stopped; returns the steps done so far, 0 for a new trial.

        Call it once, after the optimisers were made and before the loop. From then on every `log` also writes the state of
        model, optimisers and generators into the trial's folder of checkpoints. A trial that is queued again (its worker was
        lost, `create_study(lease=..., on_lost="retry")`) finds it there, and ends as if it had never been interrupted: `batches`
        begins at the next step, after reading what was trained on already.

        Raises:
            SettingError: the training keeps no checkpoints.
        """
        if self._keeper is None:
            raise SettingError(
                'resume() needs a folder to go on from; say @training(..., checkpoints="checkpoints").'
            )
        self._resumed = (model, optimizers)
        saved = self._keeper.saved_state()
        if saved is None or saved["seed"] != self.seed or saved["params"] != dict(self._trial.params):
            return 0  # of another trial of this number, in a study of the same name
        model.load_state_dict(saved["model"])
        for optimizer, state in zip(optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.step, self._random = saved["step"], saved["random"]
        for go_on in self._drives:
            go_on(self.step)
        if self._watch is not None:
            self._watch.go_on(self.step)
        best = self._keeper.best()
        if best is not None:
            seen = best["predictions"], best.get("right")
            self.best = Checkpoint(best["step"], best["metrics"], best["model"], *seen)
            self._model = model
        return self.step

    def optimizer(
        self,
        parameters: Iterable[Parameter],
        kind: str | Callable[[Iterable[Parameter]], Optimizer] = "adamw",
        *,
        trials: int = 20,
        lr: tuple[float, float] | None = None,
        schedule: str = "cosine",
        warmup: float = 0.05,
    ) -> Optimizer:
        """An optimiser with the hyperparameters that ``trials`` trials can tune, and with its schedule.

        ``kind`` is "adam", "adamw", "nadamw", "nesterov", "sgd" (heavy ball), or a function that makes the optimiser
        from the parameters. Suggested parameters are named after it ("adamw.lr"), because the same name means
        another thing elsewhere. All settings, tuned or not, and the schedule are recorded as user attributes.

        Args:
            parameters: of the model, on ``device``.
            kind: the family, or your own function.
            trials: how many trials the study can afford; see `tunewise.torch.optimizers.LADDERS`.
            lr: the range of the learning rate (log), where you know better than the family's wide one.
            schedule: "cosine", "linear", "wsd" or "constant"; see `Schedule`.
            warmup: the share of all steps in which the learning rate rises.

        Raises:
            SettingError: an unknown family or schedule, or a share outside 0..1.
        """
        end_factor = 0.0
        if callable(kind):
            optimizer = kind(parameters)
            settings: dict[str, Any] = {"class": type(optimizer).__name__}
        else:
            tuned = suggest_settings(self._trial, kind, trials, lr)
            optimizer = build(kind, parameters, tuned)
            end_factor = tuned.get("end_factor", 0.0)
            settings = {"family": kind, **tuned}
        schedule = self._plan.schedule or schedule
        warmup = warmup if self._plan.warmup is None else self._plan.warmup
        planned = Schedule(schedule, self.max_steps, warmup, end_factor, self._plan.decay)
        self._drives.append(planned.drive(optimizer))
        self.note_optimizer(settings, schedule, warmup, end_factor)
        return self.watch(optimizer)

    def watch(self, optimizer: Optimizer) -> Optimizer:
        """Log gradient norms of its steps (see `Watch`), and clip them where the plan says so; returns ``optimizer``.

        `optimizer` does this for those that it makes; call it for your own. Every ``log`` then reports the median
        and the largest norm since the last one ("grad_norm", "grad_norm_max"), and the share of clipped steps.
        """
        plan = self._plan
        most = 1 if plan.all_norms else max(9, plan.max_steps // (2 * plan.evals))  # two for each evaluation
        self._watch = Watch(optimizer, plan.clip, most)
        return optimizer

    @property
    def grad_norms(self) -> FloatArray:
        """Global L2 norms (n,) of the gradients before clipping: the first 10, then ever sparser; see `Watch`."""
        return self._watch.norms()[1] if self._watch is not None else np.empty(0)

    def note_optimizer(
        self, settings: Mapping[str, Any], schedule: str, warmup: float, end_factor: float
    ) -> None:
        """Record the settings of an optimiser, tuned or not, and its schedule."""
        self._trial.set_user_attr("optimizer", {**settings, "warmup": warmup, "end_factor": end_factor})
        self._trial.set_user_attr("schedule", schedule)

    def log(self, model: nn.Module, **metrics: float | Tensor) -> None:
        """Report metrics at this step, and keep a copy of the model when the goal metric is the best so far.

        A loss ("loss", "..._loss") or a goal that is not finite ends the trial as infeasible: it diverged.

        Raises:
            SettingError: the study's goal is not among the metrics.
            TrialInfeasible: the training diverged.
        """
        values = {name: float(v.detach() if isinstance(v, Tensor) else v) for name, v in metrics.items()}
        missing = [goal.name for goal in self._goals if goal.name not in values]
        if missing:
            raise SettingError(
                f"The study's goal {missing[0]!r} is not among the logged metrics {sorted(values)}; "
                "log it, or create the study with a goal of that name."
            )
        self._trial.report({**values, **self._gradients(), **self._fit(model)}, self.step)
        for name, value in values.items():
            decisive = name.endswith("loss") or any(name == goal.name for goal in self._goals)
            if decisive and not math.isfinite(value):
                self._trial.mark_infeasible(f"{name} was {value} at step {self.step} of {self.max_steps}")
        goal = self._goals[0]
        better = self.best is None or goal.sign * values[goal.name] < goal.sign * self.best.metrics[goal.name]
        if better or self._keeper:
            state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
            is_module = isinstance(model, nn.Module)
            seen, right = (predictions(model), right_ones(model)) if is_module else (None, None)
            checkpoint = Checkpoint(self.step, values, state, seen, right)
            if better:
                self.best, self._model = checkpoint, model
            if self._keeper:
                self._keeper.offer(checkpoint, goal.sign * values[goal.name])
                self._save_state()

    def _save_state(self) -> None:
        if self._keeper is None or self._resumed is None:
            return
        model, optimizers = self._resumed
        self._keeper.save_state(
            {
                "step": self.step,
                "seed": self.seed,
                "params": dict(self._trial.params),
                "model": model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in optimizers],
                "random": random_states(),
            }
        )

    def _gradients(self) -> dict[str, float]:
        new = self.grad_norms[self._n_norms :]
        self._n_norms += len(new)
        if len(new) == 0:
            return {}
        said = {"grad_norm": float(np.median(new)), "grad_norm_max": float(new.max())}
        if self._plan.clip is not None:
            said["clipped"] = float((new > self._plan.clip).mean())
        return said

    def _fit(self, model: nn.Module) -> dict[str, float]:
        n = self._plan.fit_examples
        if not n or self._train_set is None:
            return {}
        rows = range(min(n, len(self._train_set)))  # type: ignore[arg-type]
        if self._fit_set is None:
            self._fit_set = Subset(self._train_set, rows)
        return {f"fit_{name}": value for name, value in evaluate(model, self._fit_set).items()}

    def adopt_model(self, model: nn.Module) -> None:
        """Let ``model`` be the one that `best_model` sets to the best checkpoint."""
        self._model = model

    def outcome(self) -> dict[str, float]:
        """The goals at the best checkpoint; records that this step was selected afterwards.

        Raises SettingError when nothing was logged.
        """
        best = self._selected()
        self._trial.set_user_attr("selection", {"step": best.step, "best": self._goals[0].name})
        if best.right is not None and self._trial.user_attrs.get("role") == FRESH:
            self._trial.set_user_attr(RIGHT, packed(best.right.flatten().cpu().numpy()))
        if self._watch is not None and len(self.grad_norms):
            self._trial.set_user_attr("gradients", _gradients(*self._watch.norms(), self._plan.clip))
        return {goal.name: best.metrics[goal.name] for goal in self._goals}

    def best_model(self) -> nn.Module:
        """The logged model, set back to its best checkpoint. Raises SettingError when nothing was logged."""
        state = self._selected().state
        assert self._model is not None
        self._model.load_state_dict(state)
        return self._model

    def _selected(self) -> Checkpoint:
        if self.best is None:
            raise SettingError(
                "The training function logged nothing; call trial.log(model, ...) whenever trial.eval_due, or "
                "return its metric."
            )
        return self.best


def _gradients(step: IntArray, norm: FloatArray, clip: float | None = None) -> dict[str, float]:
    """Quantiles of sampled norms over all steps: each stands for those up to the next; what clipping did to all of them."""
    order = np.argsort(norm)
    weight = np.diff(step, append=step[-1] + 1)[order].cumsum()
    p50, p90 = (float(norm[order][np.searchsorted(weight, share * weight[-1])]) for share in (0.5, 0.9))
    said = {"p50": p50, "p90": p90, "max": float(norm.max()), "n_spikes": len(spikes(norm)), "n": len(norm)}
    if clip is None:
        return said
    found = clipped_share(norm, clip)
    return {**said, "clipped": found.share, "lr_factor": found.lr_factor}


def _device(wanted: str, number: int) -> torch.device:
    if wanted != "auto":
        return torch.device(wanted)
    devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return torch.device("cuda", number % devices) if devices else torch.device("cpu")


def _goals_of(trial: Any) -> tuple[Goal, ...]:
    """What the study optimises; a trial knows it through the table that it belongs to."""
    goals: tuple[Goal, ...] = trial._table.goals
    return goals
