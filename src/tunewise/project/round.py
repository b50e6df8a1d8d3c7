"""A round asks one question: it explores a space evenly, checks what it found, and repairs what the checks ask for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tunewise.errors import NoTrials, SettingError
from tunewise.playbook import Findings, check
from tunewise.records import FrozenTrial, TrialState
from tunewise.space import Categorical, Domain, Float, Int, Space
from tunewise.study import Study
from tunewise.types import Choice, Params

Train = Callable[[Any], Any]


class Round:
    """One study of a project, with the roles its parameters have.

    Scientific parameters take each of their values equally often; fixed ones keep one value; all others are nuisance
    parameters and are explored. Made by `Project.round` and `Project.exploit`.
    """

    def __init__(
        self,
        goal: str,
        study: Study,
        train: Train,
        scientific: Mapping[str, Sequence[Choice]] | None = None,
        fixed: Mapping[str, Choice] | None = None,
        noise: Callable[[], tuple[float | None, float]] = lambda: (None, 0.0),
        command: str = "",
    ) -> None:
        self.goal = goal
        self.study = study
        self.command = command
        self._train = train
        self._noise = noise
        self.scientific = {name: tuple(values) for name, values in (scientific or {}).items()}
        self.fixed = dict(fixed or {})

    def __repr__(self) -> str:
        return f"<Round {self.goal!r}: {self.study.trials!r}>"

    @property
    def space(self) -> Space:
        """The space that is searched: the declared one, else what the training function asked for."""
        return self.study.trials.space

    @property
    def roles(self) -> dict[str, str]:
        """Each parameter's role: scientific, fixed or nuisance."""
        roles = dict.fromkeys(self.space, "nuisance")
        return {**roles, **dict.fromkeys(self.fixed, "fixed"), **dict.fromkeys(self.scientific, "scientific")}

    def run(self, trials: int, workers: int = 1, progress: bool = False) -> Round:
        """Run until the round has ``trials`` finished trials in all; a round that was stopped goes on.

        With scientific values each is run equally often, so ``trials`` is rounded up to a multiple of their number.
        """
        arms = [
            dict(zip(self.scientific, values, strict=True))
            for values in itertools.product(*self.scientific.values())
        ]
        target = math.ceil(trials / len(arms)) * len(arms)
        table = self.study.trials
        missing = target - int((table.state >= TrialState.COMPLETE).sum())
        queued = int((table.state == TrialState.QUEUED).sum())
        if self.scientific or self.fixed:
            for number in range(len(table), len(table) + missing - queued):
                self.study.enqueue_trial({**self.fixed, **arms[number % len(arms)]})
        if missing > 0:
            self._optimize(missing, workers, progress)
        return self

    def check(self) -> Findings:
        """All findings about the round, worst first."""
        noise_sd, min_effect = self._noise()
        free = [name for name in self.space if name not in self.fixed]
        return check(
            self.study.trials,
            self.space.subset(free),
            noise_sd=noise_sd,
            min_effect=min_effect,
            command=self.command,
        )

    def repair(self, max_trials: int = 20, workers: int = 1, progress: bool = False) -> Findings:
        """Do what the findings ask for, within ``max_trials`` more trials, and check again.

        A widened range gets trials in its new part alone, at the density of the old; a narrowed one gets the same number as
        before inside it.
        """
        left = max_trials
        for finding in self.check().acts:
            if finding.change is None or left <= 0:
                continue
            n = min(left, finding.cost_trials or left)
            for name, domain in dict(finding.change.get("space", {})).items():
                self._change_domain(name, domain, n)
            self._optimize(n, workers, progress)
            left -= n
        return self.check()

    def best(self, **values: Choice) -> Params:
        """The parameters of the best trial, of those with these values of some parameters.

        Raises:
            NoTrials: no complete trial has them.
        """
        return self._best_record(values).params

    def isolation(self, name: str) -> dict[Choice, float]:
        """The best value reached for each value of a parameter. Fair where each value had as many trials."""
        sign = self.study.goals[0].sign
        best: dict[Choice, float] = {}
        for record in self._complete():
            if name in record.params and record.values is not None:
                key, value = record.params[name], record.values[0]
                best[key] = value if key not in best else sign * min(sign * best[key], sign * value)
        return best

    def simplest_best(self, prefer: str) -> Params:
        """The best parameters with the smallest (or largest) value of one that is not worse by more than the noise.

        Args:
            prefer: "smaller width" or "larger width", for a parameter named width.
        """
        direction, _, name = prefer.partition(" ")
        if direction not in ("smaller", "larger") or not name:
            raise SettingError(f'prefer is {prefer!r}; say "smaller NAME" or "larger NAME".')
        sign = self.study.goals[0].sign
        best = self.isolation(name)
        if not best:
            raise NoTrials(f"No complete trial has the parameter {name!r}; run the round first.")
        noise_sd, min_effect = self._noise()
        reach = min(sign * v for v in best.values()) + max(noise_sd or 0.0, min_effect)
        alike = [value for value, reached in best.items() if sign * reached <= reach]
        chosen = min(alike, key=_rank) if direction == "smaller" else max(alike, key=_rank)
        return self._best_record({name: chosen}).params

    def _best_record(self, values: Mapping[str, Choice]) -> FrozenTrial:
        sign = self.study.goals[0].sign
        fitting = [r for r in self._complete() if all(r.params.get(n) == v for n, v in values.items())]
        if not fitting:
            raise NoTrials(
                f"Round {self.goal!r} has no complete trial{f' with {dict(values)}' if values else ''}; run it first."
            )
        return min(fitting, key=lambda r: sign * (r.values or (math.inf,))[0])

    def _complete(self) -> list[FrozenTrial]:
        trials = self.study.trials
        return [trials.row(int(n)) for n in np.flatnonzero(trials.state == TrialState.COMPLETE)]

    def _optimize(self, n: int, workers: int, progress: bool) -> None:
        self.study.optimize(self._train, n_trials=n, n_jobs=workers, catch=Exception, progress=progress)

    def _change_domain(self, name: str, domain: Domain, n: int) -> None:
        """Declare the space anew with ``domain``, and queue ``n`` trials in the part of it that is new."""
        old = self.space[name]
        if self.study.info.space is None and len(self.study.trials.structure().groups) > 1:
            raise SettingError(
                f"The range of {name!r} cannot be changed: the training function has conditional parameters. "
                "Declare the space (space=...) with its conditions."
            )
        self.study.set_space(self.space.replace(**{name: domain}))
        for value in _new_part(old, domain, n):
            self.study.enqueue_trial({**self.fixed, name: value})


def _new_part(old: Domain, new: Domain, n: int) -> list[Choice]:
    """n values of ``new`` evenly spread over what ``old`` did not cover; none where it covered all."""
    if isinstance(old, Categorical) or isinstance(new, Categorical):
        return []
    ends = [(new.low, old.low), (old.high, new.high)]
    values: list[Choice] = []
    for low, high in ends:
        if not low < high:
            continue
        inside = (high,) if high == old.low else (low,)
        part = Float(low, high, new.log) if isinstance(new, Float) else Int(int(low), int(high), new.log)
        raw = part.from_unit((np.arange(n) + 0.5) / n)
        values += [part.decode(r) for r in raw if part.decode(r) not in inside]
    return values[:n]


def _rank(value: Choice) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
