"""The default: the method that suits the study at its present size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewise.samplers.gp import GP
from tunewise.samplers.tpe import TPE
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import FloatArray


@dataclass(frozen=True)
class Auto:
    """A Gaussian process for the first ``n_model`` trials, where each counts; TPE, which costs less, after that."""

    n_model: int = 500
    name: ClassVar[str] = "auto"

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """One point, by the method that suits."""
        method = GP() if trials.n_finished < self.n_model else TPE()
        return method.suggest(trials, space, number, rng)

    def predict(self, trials: Trials, space: Space, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the loss, as those of `GP.predict`."""
        return GP().predict(trials, space, raw)
