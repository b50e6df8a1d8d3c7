"""Where the runs of a probe are kept: an ordinary study, so that an interrupted probe goes on where it stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tunewise.errors import SettingError, TrialInfeasible, TrialPruned
from tunewise.playbook import Finding, Verdict
from tunewise.records import FrozenTrial, Goal, TrialState
from tunewise.run.log import quiet
from tunewise.storage import Log
from tunewise.study import Study, create_study
from tunewise.torch.decorator import Objective
from tunewise.torch.observe import Enough, Facts, observing
from tunewise.torch.optimizers import default_of
from tunewise.torch.trial import TorchTrial
from tunewise.trial import Trial
from tunewise.types import Choice, FloatArray, Params

_WIDE = (1e-12, 1e12)


@dataclass(frozen=True)
class Place:
    """Name and storage of a probe's study, and the goal of the training."""

    name: str = "probe"
    storage: Log | str | None = None
    goal: Goal = field(default_factory=Goal)
    seed: int = 0

    def study(self, part: str) -> Study:
        """The study of one probe; the same name opens it again."""
        return create_study(
            f"{self.name}/{part}",
            self.storage,
            goals=[self.goal],
            sampler="random",
            seed=self.seed,
            load_if_exists=True,
        )


def unseen(goal: Goal, params: Mapping[str, Choice], seed: int = 0) -> Trial:
    """A live trial with ``params`` (others are drawn at random) of a study that nobody will look at."""
    with quiet():
        study = create_study(goals=[goal], sampler="random", seed=0)
    study.enqueue_trial(dict(params), {"seed": seed})
    return study.ask()


def settled(train: Objective, config: Mapping[str, Choice], goal: Goal) -> tuple[Params, Finding | None]:
    """A value for every parameter of a training, and what is to be said of those that ``config`` leaves open.

    An optimiser's get their default, others the middle of their range or the first of their choices: a probe needs one
    configuration, and these are where people begin. The training is run up to its first step in order to know its parameters.
    """
    trial = _Settling(unseen(goal, config), dict(config))
    try:
        with observing(Facts(), 1, cheap=True):
            train.replan(checkpoints=None)(trial)
    except (Enough, TrialInfeasible, TrialPruned):
        pass
    chosen = {name: value for name, value in trial.chosen.items() if name not in config}
    params = {**config, **chosen}
    if not chosen:
        return params, None
    words = ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in chosen.items()
    )
    words = f"probed at {words}: defaults of the optimiser, or the middle of the range"
    return params, Finding(
        "P4", "configuration", Verdict.OK, words, next_action="probe the configuration in use with --set"
    )


def rate_name(config: Mapping[str, Choice], given: str | None) -> str:
    """Which parameter is the learning rate: ``given``, else the only "lr", "...lr" or "learning_rate".

    Raises:
        SettingError: none or several, or no value for it.
    """
    names = (
        [n for n in config if n.rsplit(".", 1)[-1] in ("lr", "learning_rate")] if given is None else [given]
    )
    if len(names) != 1 or not isinstance(config.get(names[0]), int | float):
        raise SettingError(
            f"The configuration has the parameters {sorted(config)}; say which is the learning rate (lr=...), and "
            "give it a value."
        )
    return names[0]


def run_probe(
    study: Study,
    train: Objective,
    params: Mapping[str, Choice],
    what: Mapping[str, Any],
    seed: int,
    wide: tuple[str, ...],
) -> FrozenTrial:
    """Train once with ``params``, or find the record of such a run; parameters in ``wide`` may leave their range.

    Raises:
        SettingError: ``params`` leave a parameter of the training open.
    """
    attrs = {"role": "probe", "seed": seed, **what}
    for record in study.trials:
        usable = record.state.is_finished and record.state != TrialState.FAILED
        same = dict(record.params) == dict(params) and attrs.items() <= dict(record.user_attrs).items()
        if usable and same:
            return record
    number = study.enqueue_trial(dict(params), attrs)
    study.optimize(lambda trial: train(_Wide(trial, wide)), n_trials=1)
    record = study.trials.row(number)
    missing = sorted(set(record.params) - set(params))
    if missing:
        raise SettingError(
            f"The configuration leaves {missing} open, so probes would differ in it; give a value."
        )
    return record


def timed(
    train: Objective, params: Mapping[str, Choice], goal: Goal, n_steps: int, cheap: bool = False
) -> Facts:
    """Watch ``n_steps`` optimiser steps of a run; nothing is kept. ``cheap``: only their times and the first batch."""
    facts = Facts()
    trial = unseen(goal, params)
    try:
        with observing(facts, n_steps, cheap=cheap):
            train(_Wide(trial, tuple(params)))
    except Enough:
        pass
    return facts


class Watched(NamedTuple):
    """Training losses and gradient norms of every step of a run, and its layers that normalise x + f(x)."""

    losses: FloatArray  # (n,)
    norms: FloatArray  # (m,)
    post_norms: list[str]


def watched(train: Objective, params: Mapping[str, Choice], goal: Goal, seed: int = 0) -> Watched:
    """Train, and look at every step; a run that diverged ends in NaN."""
    trial = TorchTrial(_Wide(unseen(goal, params, seed), tuple(params)), train.plan)
    facts = Facts()
    try:
        with observing(facts, losses_only=True):
            train.run(trial)
    except TrialInfeasible:
        facts.losses.append(math.nan)
    return Watched(np.array(facts.losses), trial.grad_norms, facts.post_norms)


class _Wide:
    """A live trial whose parameters in ``names`` may take any positive value."""

    def __init__(self, trial: Any, names: tuple[str, ...]) -> None:
        self._trial, self._names = trial, names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """As the trial's; the range is wide where a probe leaves it."""
        if name in self._names:
            low, high, log, step = *_WIDE, True, None
        value: float = self._trial.suggest_float(name, low, high, step=step, log=log)
        return value


class _Settling:
    """A live trial that gives every parameter the value of a configuration, or else a plain one; remembers them."""

    def __init__(self, trial: Any, config: Mapping[str, Choice]) -> None:
        self._trial, self._config = trial, config
        self.chosen: Params = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)

    def _value(self, name: str, plain: Choice) -> Any:
        return self.chosen.setdefault(name, self._config.get(name, plain))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        default = default_of(name)
        if default is not None and low <= default <= high:
            return float(self._value(name, default))
        middle = math.sqrt(low * high) if log else (low + high) / 2
        return float(self._value(name, middle if step is None else low + step * round((middle - low) / step)))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        middle = math.sqrt(low * high) if log else (low + high) / 2
        return int(self._value(name, low + step * round((middle - low) / step)))

    def suggest_categorical(self, name: str, choices: Sequence[Choice], *, ordered: bool = False) -> Any:
        return self._value(name, choices[len(choices) // 2 if ordered else 0])
