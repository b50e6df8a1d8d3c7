"""Optuna's samplers by their names and keywords; each makes one of `tunewise.samplers` and carries its seed.

Here a seed belongs to the study, so `create_study` hands it on. A keyword of Optuna's that has no counterpart is
accepted with a warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewise import samplers
from tunewise.types import Choice


@dataclass(frozen=True)
class BaseSampler:
    """A sampler and the seed of the study that it is for."""

    native: samplers.Sampler
    seed: int | None = None


def RandomSampler(seed: int | None = None) -> BaseSampler:
    """See `tunewise.samplers.Random`."""
    return BaseSampler(samplers.Random(), seed)


def TPESampler(
    *, n_startup_trials: int = 10, n_ei_candidates: int = 24, seed: int | None = None, **others: Any
) -> BaseSampler:
    """See `tunewise.samplers.TPE`. It is always multivariate, grouped, and aware of running trials."""
    for always in ("multivariate", "group", "constant_liar"):
        if others.get(always) is not False:
            others.pop(always, None)
    _warn("TPESampler", others)
    return BaseSampler(samplers.TPE(n_startup=n_startup_trials, n_candidates=n_ei_candidates), seed)


def GPSampler(*, seed: int | None = None, n_startup_trials: int | None = None, **others: Any) -> BaseSampler:
    """See `tunewise.samplers.GP`."""
    _warn("GPSampler", others)
    return BaseSampler(samplers.GP(n_startup=n_startup_trials), seed)


def CmaEsSampler(*, popsize: int | None = None, seed: int | None = None, **others: Any) -> BaseSampler:
    """See `tunewise.samplers.CmaEs`."""
    _warn("CmaEsSampler", others)
    return BaseSampler(samplers.CmaEs(population=popsize), seed)


def QMCSampler(*, qmc_type: str = "sobol", seed: int | None = None, **others: Any) -> BaseSampler:
    """See `tunewise.samplers.QMC`; the points are always scrambled."""
    if others.get("scramble") is not False:
        others.pop("scramble", None)
    _warn("QMCSampler", others)
    return BaseSampler(samplers.QMC(kind=qmc_type), seed)


def GridSampler(search_space: Mapping[str, Sequence[Choice]], seed: int | None = None) -> BaseSampler:
    """See `tunewise.samplers.Grid`."""
    return BaseSampler(samplers.Grid({name: tuple(values) for name, values in search_space.items()}), seed)


def BruteForceSampler(seed: int | None = None, **others: Any) -> BaseSampler:
    """See `tunewise.samplers.BruteForce`."""
    _warn("BruteForceSampler", others)
    return BaseSampler(samplers.BruteForce(), seed)


def NSGAIISampler(*, population_size: int = 50, seed: int | None = None, **others: Any) -> BaseSampler:
    """See `tunewise.samplers.NSGA2`."""
    _warn("NSGAIISampler", others)
    return BaseSampler(samplers.NSGA2(population=population_size), seed)


def NSGAIIISampler(*, population_size: int = 50, seed: int | None = None, **others: Any) -> BaseSampler:
    """See `tunewise.samplers.NSGA3`."""
    _warn("NSGAIIISampler", others)
    return BaseSampler(samplers.NSGA3(population=population_size), seed)


def PartialFixedSampler(fixed_params: Mapping[str, Choice], base_sampler: BaseSampler) -> BaseSampler:
    """See `tunewise.samplers.PartialFixed`."""
    return BaseSampler(samplers.PartialFixed(dict(fixed_params), base_sampler.native), base_sampler.seed)


def _warn(sampler: str, others: Mapping[str, Any]) -> None:
    if others:
        names = ", ".join(others)
        warnings.warn(f"{sampler} has no setting {names} here; the sampler decides by itself.", stacklevel=3)
