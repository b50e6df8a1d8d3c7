"""The default: the methods that suit the study at its present size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewise.samplers.base import of_what_varies
from tunewise.samplers.gp import GP
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import Choice, FloatArray

_MODEL_EVERY = 3


@dataclass(frozen=True)
class Auto:
    """A Gaussian process for the first ``n_model`` trials, where each counts; then it takes turns with cheaper methods.

    From then on two of three suggestions are made by CMA-ES, which starts where the process has come to; by TPE where there are
    conditions or several goals. Which method makes which trial depends on the trial's number alone.

    Args:
        n_model: how many trials the Gaussian process makes alone.
        prior: values that are believed to be good, by name; see `GP`.
        warm_start_from: earlier studies of similar problems; see `GP`.
    """

    n_model: int = 300
    prior: Mapping[str, Choice] | None = None
    warm_start_from: Sequence[Any] = ()
    name: ClassVar[str] = "auto"
    version: ClassVar[int] = 1  # raised with those of GP, CmaEs and TPE

    def __post_init__(self) -> None:
        object.__setattr__(self, "warm_start_from", self._model.warm_start_from)

    @property
    def _model(self) -> GP:
        return GP(prior=self.prior, warm_start_from=self.warm_start_from)

    @of_what_varies
    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """One point, by the method whose turn it is."""
        later = number - self.n_model
        if later < 0 or later % _MODEL_EVERY == 0:
            return self._model.suggest(trials, space, number, rng)
        if len(trials.goals) == 1 and not space.when:
            from tunewise.samplers.cmaes import Turns, continued

            return continued(trials, space, Turns(self.name, self.n_model, _MODEL_EVERY), number, rng)
        from tunewise.samplers.tpe import TPE

        return TPE().suggest(trials, space, number, rng)

    def predict(self, trials: Trials, space: Space, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the loss, as those of `GP.predict`."""
        return self._model.predict(trials, space, raw)
