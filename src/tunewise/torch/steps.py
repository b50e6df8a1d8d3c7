"""How long should a trial train? A sweep of constant learning rates, until the training set is fitted (P66)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tunewise.playbook import Finding, Findings
from tunewise.playbook.steps import steps_sweep
from tunewise.records import FrozenTrial, TrialState
from tunewise.stats.trend import first_reaching
from tunewise.torch.decorator import Objective
from tunewise.torch.place import Place, rate_name, run_probe, settled
from tunewise.types import Choice, FloatArray

_FIT_ERROR, _FIT_LOSS = 0.001, 0.05
_EVALS = 100


@dataclass(frozen=True)
class StepsFound:
    """What the sweep says: steps to choose next, with a 90 % interval; None where the training set was not fitted.

    ``points`` maps each learning rate to its steps until the fit: inf where it was not reached, NaN where it diverged.
    """

    max_steps: int | None
    interval: tuple[float, float] | None
    lr_best: float | None
    lr_unstable: float | None
    points: Mapping[float, float]
    findings: Findings

    def __str__(self) -> str:
        return str(self.findings)


def find_steps(
    train: Objective,
    config: Mapping[str, Choice] | None = None,
    place: Place | None = None,
    *,
    lr: str | None = None,
    per_decade: int = 2,
    extensions: int = 4,
    doublings: int = 3,
) -> StepsFound:
    """Sweep constant learning rates over four decades around the configuration's, and fit the time to a perfect fit.

    "Fitted" is a training error of at most 0.1 %, or a loss below 5 % of the first, on 5,000 fixed training examples.
    The range is extended while the fastest rate is its end; the length is doubled, at most ``doublings`` times, until
    some rate fits. Switch augmentation and regularisation off in ``config``.

    What ``config`` leaves open is settled first, see `settled`.

    Raises:
        SettingError: the learning rate is not known.
    """
    place = place or Place()
    config, said = settled(train, config or {}, place.goal)
    name = rate_name(config, lr)
    sweep = _Sweep(train, dict(config), place, name)
    centre = float(config[name])  # type: ignore[arg-type]
    rates = [centre * 10.0 ** (k / per_decade) for k in range(-2 * per_decade, 2 * per_decade + 1)]
    n = train.plan.max_steps
    for left in range(doublings, -1, -1):
        times = {rate: sweep.time(rate, n) for rate in rates}
        for _ in range(extensions):
            side = _open_side(times)
            if side is None:
                break
            rate = min(times) / 10 ** (1 / per_decade) if side < 0 else max(times) * 10 ** (1 / per_decade)
            times[rate] = sweep.time(rate, n)
        if not left or any(math.isfinite(t) for t in times.values()):
            break
        rates, n = sweep.most_promising(times), 2 * n
    return _judged(sweep, times, n, name, said)


class _Sweep:
    def __init__(self, train: Objective, config: dict[str, Choice], place: Place, name: str) -> None:
        self._train, self._config, self._name = train, config, name
        self._study = place.study("steps")
        self._last: dict[float, float] = {}

    def time(self, rate: float, n: int, seed: int = 0) -> float:
        """Steps until the fit at one learning rate; inf: not within n steps; NaN: diverged."""
        evals = min(_EVALS, n)
        plan = self._train.replan(
            max_steps=n, evals=evals, schedule="constant", warmup=0.0, fit_examples=5000, checkpoints=None
        )
        what = {"probe_steps": n}
        record = run_probe(self._study, plan, {**self._config, self._name: rate}, what, seed, (self._name,))
        if record.state == TrialState.INFEASIBLE:
            self._last[rate] = math.inf
            return math.nan
        return self._arrival(record, rate)

    def _arrival(self, record: FrozenTrial, rate: float) -> float:
        loss = record.curves["fit_loss"]
        step = np.array(list(loss), dtype=float)
        value = np.array(list(loss.values()))
        error = np.array(list(record.curves["fit_error"].values()))
        self._last[rate] = float(value[-1])
        first = max(float(value[0]), 1e-12)
        return min(_arrives(step, error, _FIT_ERROR), _arrives(step, value / first, _FIT_LOSS))

    def most_promising(self, times: Mapping[float, float]) -> list[float]:
        """The five rates with the lowest training loss at the end, in order."""
        return sorted(sorted(times, key=lambda rate: self._last[rate])[:5])


def _open_side(times: Mapping[float, float]) -> int | None:
    """-1 or 1: the fastest rate is the lowest or highest of the range; None where it is inside, or none arrived."""
    arrived = {rate: t for rate, t in times.items() if math.isfinite(t)}
    if not arrived:
        return None
    best = min(arrived, key=lambda rate: arrived[rate])
    return -1 if best == min(times) else 1 if best == max(times) else None


def _arrives(step: FloatArray, value: FloatArray, target: float) -> float:
    """When a curve reaches a target, up to where it is no number any more; inf: never."""
    wild = np.flatnonzero(~np.isfinite(value))
    n = int(wild[0]) if len(wild) else len(value)
    at = first_reaching(step[:n], value[:n], target) if n else math.nan
    return math.inf if math.isnan(at) else at


def _judged(sweep: _Sweep, times: dict[float, float], n: int, name: str, said: Finding | None) -> StepsFound:
    diverged = sorted(rate for rate, t in times.items() if math.isnan(t))
    arrived = sorted((t, rate) for rate, t in times.items() if math.isfinite(t))
    runs = [*sorted(times.items()), *((rate, sweep.time(rate, n, seed=1)) for _, rate in arrived[:2])]
    rates, steps = np.array([rate for rate, _ in runs]), np.array([t for _, t in runs])
    reached = np.isfinite(steps)
    finding, found = steps_sweep(rates, np.where(reached, steps, n), reached)
    if not arrived:
        finding = replace(finding, command=f"train = train.replan(max_steps={2 * n})")
    return StepsFound(
        math.ceil(found.steps) if arrived else None,
        (found.low, found.high) if arrived else None,
        found.lr if arrived else None,
        diverged[0] if diverged else None,
        times,
        Findings([replace(finding, subject=name), *([said] if said else [])]),
    )
