"""Tuning problems with planted truth: response surfaces, training curves, divergence and noise over seeds.

A `Problem` is a training function like any other: give it to ``study.optimize`` or to `Project`. What it does is known exactly,
so it shows whether a method finds what is there; the project's own validation is made of these. Everything random comes from
``trial.seed``.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tunewise.errors import SettingError
from tunewise.space import Categorical, Float, Space
from tunewise.study import Study, create_study
from tunewise.types import Choice, FloatArray

_LOW = 1e-4


@dataclass(frozen=True)
class Curve:
    """How the loss goes from its start to its end during a run.

    Attributes:
        n_evals: evaluations in a run, at steps 1 to n_evals times ``steps_each``.
        rate: decays in one run of an exponential descent; the higher, the earlier it is flat.
        start: height of the start above the end.
        noise_sd: SD from one evaluation to the next, ``rho`` its lag-1 correlation.
        onset, rise: from this share of the run the validation loss rises linearly by ``rise`` to the end (overfitting).
        train: whether a "train_loss" is reported too, which never rises.
        schedule: noted on the trial; under "cosine" and other decays the descent goes on to the very end whatever the length.
    """

    n_evals: int = 20
    rate: float = 6.0
    start: float = 1.0
    noise_sd: float = 0.0
    rho: float = 0.0
    onset: float = 0.6
    rise: float = 0.0
    train: bool = True
    schedule: str = "constant"
    steps_each: int = 1

    def shape(self) -> FloatArray:
        """(n_evals,) the curve without noise, relative to its end."""
        t = np.arange(1, self.n_evals + 1) / self.n_evals
        if self.schedule != "constant":
            return np.asarray(self.start * (1 - t) ** 1.5)
        return np.asarray(self.start * (np.exp(-self.rate * t) - math.exp(-self.rate)))

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """(n_evals,) one validation curve relative to its end, with rise and noise."""
        t = np.arange(1, self.n_evals + 1) / self.n_evals
        rise = self.rise * np.maximum(0.0, t - self.onset) / max(1 - self.onset, 1e-9)
        return self.shape() + rise + self.noise_sd * correlated(rng, self.n_evals, self.rho)


@dataclass(frozen=True)
class Problem:
    """A loss of d parameters x0, x1, ... between 1e-4 and 1 on a log scale, and how a run of it goes.

    u_j is the place of x_j in that range, 0 at 1e-4 and 1 at 1; a wider range gives places beyond. The mean loss is
    ``floor`` + sum of weight_j (u_j - optimum_j)^2 + sum of the interactions c (u_a - optimum_a)(u_b - optimum_b). Optima
    may lie outside [0, 1]: then better values lie beyond an edge.

    Attributes:
        optimum, weight: (d,) each; weight 0 makes a parameter irrelevant.
        interaction: {(a, b): c}.
        noise_sd: SD over seeds near the optimum; ``noise_growth`` multiplies it per unit of loss above the floor.
        cliff: (a, b, at, sharpness): runs diverge with probability logistic(sharpness (u_a + u_b - at)); b may be None.
        seed_correlation: how much of the noise two configurations share on a common seed.
        fails: share of seeds that diverge wherever they are (bimodal training).
        effects: {name: {value: change of the mean loss}}, for added choices, such as {"use_dropout": {True: -0.01}}.
        curve: what each run reports, or None: only the result.
        floor: the lowest mean loss.
        metric: the name under which the curve is reported, that of the study's goal.
    """

    optimum: Sequence[float] = (0.5, 0.5)
    weight: Sequence[float] = (1.0, 1.0)
    interaction: Mapping[tuple[int, int], float] = field(default_factory=dict)
    noise_sd: float = 0.01
    noise_growth: float = 0.0
    cliff: tuple[int, int | None, float, float] | None = None
    seed_correlation: float = 0.0
    fails: float = 0.0
    effects: Mapping[str, Mapping[Any, float]] = field(default_factory=dict)
    curve: Curve | None = None
    floor: float = 0.2
    metric: str = "value"

    def __post_init__(self) -> None:
        if len(self.optimum) != len(self.weight):
            raise SettingError(
                f"{len(self.optimum)} optima and {len(self.weight)} weights; give one of each a parameter."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The numeric parameters, x0 to x(d-1)."""
        return tuple(f"x{j}" for j in range(len(self.optimum)))

    @property
    def space(self) -> Space:
        """x0 to x(d-1), and the choices of ``effects``."""
        domains: dict[str, Any] = {name: Float(_LOW, 1.0, log=True) for name in self.names}
        domains.update({name: Categorical(tuple(values)) for name, values in self.effects.items()})
        return Space(domains)

    def mean(self, params: Mapping[str, Choice]) -> float:
        """The mean loss over seeds that do not diverge."""
        off = [place(params[name]) - at for name, at in zip(self.names, self.optimum, strict=True)]
        loss = self.floor + sum(w * x * x for w, x in zip(self.weight, off, strict=True))
        loss += sum(c * off[a] * off[b] for (a, b), c in self.interaction.items())
        return loss + sum(change.get(params[name], 0.0) for name, change in self.effects.items())

    def divergence(self, params: Mapping[str, Choice]) -> float:
        """The probability that a run diverges."""
        chance = self.fails
        if self.cliff is not None:
            a, b, at, sharpness = self.cliff
            u = place(params[f"x{a}"]) + (place(params[f"x{b}"]) if b is not None else 0.0)
            chance = 1 - (1 - chance) * (1 - 1 / (1 + math.exp(-sharpness * (u - at))))
        return chance

    def __call__(self, trial: Any) -> float:
        """One run: suggests the parameters, reports a curve if there is one, returns the loss (NaN where it diverges)."""
        params: dict[str, Choice] = {
            name: trial.suggest_float(name, _LOW, 1.0, log=True) for name in self.names
        }
        for name, values in self.effects.items():
            params[name] = trial.suggest_categorical(name, list(values))
        rng = np.random.default_rng([trial.seed, zlib.crc32(repr(params).encode())])
        if rng.random() < self.divergence(params):
            return math.nan
        mean, r = self.mean(params), self.seed_correlation
        common = np.random.default_rng(trial.seed).standard_normal()
        noise = math.sqrt(r) * common + math.sqrt(1 - r) * rng.standard_normal()
        loss = mean + self.noise_sd * (1 + self.noise_growth * (mean - self.floor)) * noise
        return float(loss) if self.curve is None else self._report(trial, self.curve, loss, rng)

    def _report(self, trial: Any, curve: Curve, loss: float, rng: np.random.Generator) -> float:
        trial.set_user_attr("schedule", curve.schedule)
        values, train = loss + curve.draw(rng), loss - 0.05 + curve.shape()
        for i, value in enumerate(values):
            metrics = {self.metric: float(value)}
            if curve.train:
                metrics["train_loss"] = float(train[i])
            trial.report(metrics, (i + 1) * curve.steps_each)
        return float(values.min())

    def study(self, n: int, seed: int = 0, sampler: str = "qmc", **settings: Any) -> Study:
        """A study of ``n`` trials in memory."""
        made = create_study(
            goals={self.metric: "minimize"}, sampler=sampler, seed=seed, space=self.space, **settings
        )
        made.optimize(self, n)
        return made


def place(value: Choice) -> float:
    """Where a parameter's value lies in its range: 0 at 1e-4, 1 at 1."""
    return 1 + math.log10(float(value)) / 4  # type: ignore[arg-type]


def value_at(u: float) -> float:
    """The parameter's value at a place, the inverse of `place`."""
    return float(10 ** (4 * (u - 1)))


def random_problem(
    rng: np.random.Generator, d: int = 4, relevant: int = 2, noise: float = 0.02, **settings: Any
) -> Problem:
    """A clean problem: optima well inside, weights of the ``relevant`` parameters between 0.3 and 1, others 0.

    ``noise`` is the SD over seeds as a share of the spread of the loss over the space.
    """
    optimum = rng.uniform(0.3, 0.7, d)
    weight = np.where(np.arange(d) < relevant, rng.uniform(0.3, 1.0, d), 0.0)
    points = rng.random((500, d))
    spread = float(((points - optimum) ** 2 @ weight).std())
    return Problem(tuple(optimum), tuple(weight), noise_sd=noise * spread, **settings)


def correlated(rng: np.random.Generator, n: int, rho: float = 0.0) -> FloatArray:
    """(n,) standard normal first-order autoregression with lag-1 correlation ``rho``."""
    white = rng.standard_normal(n)
    if rho == 0:
        return white
    out = np.empty(n)
    out[0] = white[0]
    for i in range(1, n):
        out[i] = rho * out[i - 1] + math.sqrt(1 - rho * rho) * white[i]
    return out
