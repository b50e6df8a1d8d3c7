"""Optuna's pruners by their names and keywords; each makes one of `tunewise.pruners`."""

from __future__ import annotations

from typing import Literal

from tunewise.pruners.base import Pruner as BasePruner
from tunewise.pruners.halving import SuccessiveHalving
from tunewise.pruners.hyperband import Hyperband
from tunewise.pruners.median import Median
from tunewise.pruners.never import Never
from tunewise.pruners.patient import Patient
from tunewise.pruners.percentile import Percentile
from tunewise.pruners.threshold import Threshold

__all__ = [
    "BasePruner",
    "HyperbandPruner",
    "MedianPruner",
    "NopPruner",
    "PatientPruner",
    "PercentilePruner",
    "SuccessiveHalvingPruner",
    "ThresholdPruner",
]


def NopPruner() -> BasePruner:
    """Never prunes."""
    return Never()


def MedianPruner(
    n_startup_trials: int = 5, n_warmup_steps: int = 0, interval_steps: int = 1, *, n_min_trials: int = 1
) -> BasePruner:
    """See `tunewise.pruners.Median`."""
    return Median(n_startup_trials, n_warmup_steps, interval_steps, n_min_trials)


def PercentilePruner(
    percentile: float,
    n_startup_trials: int = 5,
    n_warmup_steps: int = 0,
    interval_steps: int = 1,
    *,
    n_min_trials: int = 1,
) -> BasePruner:
    """See `tunewise.pruners.Percentile`."""
    return Percentile(percentile, n_startup_trials, n_warmup_steps, interval_steps, n_min_trials)


def ThresholdPruner(
    lower: float | None = None, upper: float | None = None, n_warmup_steps: int = 0, interval_steps: int = 1
) -> BasePruner:
    """See `tunewise.pruners.Threshold`. Raises TypeError where neither bound is given."""
    if lower is None and upper is None:
        raise TypeError("Give lower, upper or both.")
    return Threshold(lower, upper, n_warmup_steps, interval_steps)


def PatientPruner(wrapped_pruner: BasePruner | None, patience: int, min_delta: float = 0.0) -> BasePruner:
    """See `tunewise.pruners.Patient`."""
    return Patient(wrapped_pruner, patience, min_delta)


def SuccessiveHalvingPruner(
    min_resource: int | Literal["auto"] = "auto",
    reduction_factor: int = 4,
    min_early_stopping_rate: int = 0,
    bootstrap_count: int = 0,
) -> BasePruner:
    """See `tunewise.pruners.SuccessiveHalving`."""
    return SuccessiveHalving(
        _resource(min_resource), reduction_factor, min_early_stopping_rate, bootstrap_count
    )


def HyperbandPruner(
    min_resource: int = 1,
    max_resource: int | Literal["auto"] = "auto",
    reduction_factor: int = 3,
    bootstrap_count: int = 0,
) -> BasePruner:
    """See `tunewise.pruners.Hyperband`."""
    return Hyperband(min_resource, _resource(max_resource), reduction_factor, bootstrap_count)


def _resource(resource: int | Literal["auto"]) -> int | None:
    return None if resource == "auto" else resource
