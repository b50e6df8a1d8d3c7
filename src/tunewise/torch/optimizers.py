"""Which hyperparameters of an optimiser are worth tuning with how many trials, and over which ranges.

The order is that of Google's Deep Learning Tuning Playbook for Adam: the learning rate with fewer than 10
trials, then 1 - beta1 from 10, epsilon from 26 and 1 - beta2 from 50. The other families extend it in the
same spirit. Ranges of learning rate, momentum and weight decay are those of the AlgoPerf baselines (Dahl et
al. 2023, "Benchmarking Neural Network Training Algorithms"). What is not tuned keeps its default, and the
trial records it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.nn import Parameter
from torch.optim import Optimizer

from tunewise.errors import SettingError
from tunewise.torch.nadam import NAdamW


class Suggests(Protocol):
    """All that a ladder needs of a trial."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A value in low..high."""


@dataclass(frozen=True, slots=True)
class Rung:
    """A hyperparameter, its log range, its default, and the least number of trials that pays for it."""

    name: str
    low: float
    high: float
    default: float
    trials: int


_ADAM_LR = Rung("lr", 1e-4, 1e-2, 1e-3, 1)
_SGD = (
    Rung("lr", 2e-2, 5.0, 0.1, 1),
    Rung("one_minus_momentum", 5e-3, 0.3, 0.1, 10),
    Rung("weight_decay", 1e-7, 5e-5, 0.0, 26),
    Rung("end_factor", 1e-3, 1e-1, 0.0, 50),
)
LADDERS: dict[str, tuple[Rung, ...]] = {
    "adam": (
        _ADAM_LR,
        Rung("one_minus_beta1", 2e-2, 0.5, 0.1, 10),
        Rung("eps", 1e-10, 1e-3, 1e-8, 26),
        Rung("one_minus_beta2", 1e-4, 1e-1, 1e-3, 50),
    ),
    "adamw": (
        _ADAM_LR,
        Rung("weight_decay", 5e-3, 1.0, 1e-2, 10),
        Rung("one_minus_beta1", 2e-2, 0.5, 0.1, 26),
        Rung("eps", 1e-10, 1e-3, 1e-8, 50),
        Rung("one_minus_beta2", 1e-4, 1e-1, 1e-3, 50),
    ),
    "nadamw": (
        _ADAM_LR,
        Rung("weight_decay", 5e-3, 1.0, 1e-2, 10),
        Rung("one_minus_beta1", 4e-3, 0.1, 0.1, 26),
        Rung("eps", 1e-10, 1e-3, 1e-8, 50),
        Rung("one_minus_beta2", 1e-4, 1e-1, 1e-3, 50),
    ),
    "nesterov": _SGD,
    "sgd": _SGD,
}


def suggest_settings(
    trial: Suggests, family: str, trials: int, lr: tuple[float, float] | None = None
) -> dict[str, float]:
    """Every setting of an optimiser: those that ``trials`` trials pay for are suggested, as "adamw.lr".

    ``lr`` replaces the family's range of learning rates.

    Raises:
        SettingError: an unknown family.
    """
    if family not in LADDERS:
        raise SettingError(
            f"The optimizer is {family!r}; it must be one of {', '.join(LADDERS)}, "
            "or a function of the parameters."
        )
    settings = {}
    for rung in LADDERS[family]:
        low, high = lr if lr and rung.name == "lr" else (rung.low, rung.high)
        tuned = trials >= rung.trials
        name = f"{family}.{rung.name}"
        settings[rung.name] = trial.suggest_float(name, low, high, log=True) if tuned else rung.default
    return settings


def default_of(name: str) -> float | None:
    """The default of a parameter such as "adamw.lr"; None where it is no optimiser's."""
    family, _, setting = name.partition(".")
    return next((rung.default for rung in LADDERS.get(family, ()) if rung.name == setting), None)


def build(family: str, parameters: Iterable[Parameter], settings: dict[str, float]) -> Optimizer:
    """The torch optimiser of a family with these settings (see `suggest_settings`)."""
    lr = settings["lr"]
    if family in ("sgd", "nesterov"):
        return torch.optim.SGD(
            parameters,
            lr=lr,
            momentum=1.0 - settings["one_minus_momentum"],
            weight_decay=settings["weight_decay"],
            nesterov=family == "nesterov",
        )
    common: dict[str, Any] = {
        "lr": lr,
        "betas": (1.0 - settings["one_minus_beta1"], 1.0 - settings["one_minus_beta2"]),
        "eps": settings["eps"],
    }
    if family == "adam":
        return torch.optim.Adam(parameters, **common)
    if family == "nadamw":
        return NAdamW(parameters, weight_decay=settings["weight_decay"], **common)
    return torch.optim.AdamW(parameters, weight_decay=settings["weight_decay"], **common)
