"""The contract of a sampler, as one function that raises AssertionError where it is broken."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import numpy as np

from tunewise.errors import SearchExhausted
from tunewise.run import log
from tunewise.samplers import Sampler
from tunewise.space import Categorical, Float, Int, Space
from tunewise.study import Study, create_study
from tunewise.trial import Trial

_SMALL = Space({"k": Categorical(("a", "b", "c")), "n": Int(1, 4), "s": Float(0, 1, step=0.25)})
_MIXED = Space(
    {
        "x": Float(1e-4, 1.0, log=True),
        "k": Categorical(("a", "b", None)),
        "n": Int(1, 8),
        "m": Float(0.0, 1.0),
    },
    {"m": ("k", ["a"])},
)
_N_QUEUED = 3
_LOSSES: dict[str, Callable[[Trial], float]] = {
    "smooth": lambda trial: sum(v for v in trial.params.values() if isinstance(v, float)),
    "constant": lambda trial: 1.0,
    "all diverged": lambda trial: math.nan,
    "half diverged": lambda trial: math.nan if trial.number % 2 else float(trial.number),
    "huge": lambda trial: 1e300 * (-1) ** trial.number,
    "tiny": lambda trial: 1e-300 * trial.number,
}


def check_sampler(make: Callable[[], Sampler], n_trials: int = 24, finite_only: bool = False) -> None:
    """Hold a sampler to what every sampler promises.

    Values lie inside their domains, active parameters are never missing and inactive ones never given; parameters with which
    a trial was queued keep their values; the same seed gives the same study; odd losses (constant, diverged, huge, tiny)
    neither stop it nor lead it outside.

    Args:
        make: makes the sampler anew.
        n_trials: how many trials each study has.
        finite_only: the sampler needs a finite space.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    level = log.get_verbosity()
    log.set_verbosity(logging.CRITICAL)
    try:
        for space in (_SMALL,) if finite_only else (_SMALL, _MIXED):
            for kind, loss in _LOSSES.items():
                first, second = (_run(make(), space, loss, n_trials) for _ in range(2))
                _legal(first, space, kind)
                same = [t.params for t in first.trials] == [t.params for t in second.trials]
                assert same, f"Two runs with the same seed differ ({kind} losses)."
    finally:
        log.set_verbosity(level)


def _run(sampler: Sampler, space: Space, loss: Callable[[Trial], float], n_trials: int) -> Study:
    study = create_study("contract", sampler=sampler, seed=7, space=space)
    for _ in range(_N_QUEUED):
        study.enqueue_trial({"k": "a"})
    try:
        study.optimize(loss, n_trials)
    except SearchExhausted:
        assert space.n_points is not None, "Only a finite space can be exhausted."
    return study


def _legal(study: Study, space: Space, kind: str) -> None:
    queued = [record.params.get("k") for record in study.trials if record.number < _N_QUEUED]
    assert queued == ["a"] * _N_QUEUED, f"Queued trials did not keep their value of k: {queued}"
    for record in study.trials:
        if record.state.name == "FAILED" and not record.params:
            continue
        row = space.encode(record.params)  # raises SpaceError for a value outside
        active = space.active(row)
        assert not (np.isnan(row) & active).any(), (
            f"An active parameter is missing ({kind} losses): {record.params}"
        )
        assert np.isnan(row[~active]).all(), (
            f"An inactive parameter has a value ({kind} losses): {record.params}"
        )
