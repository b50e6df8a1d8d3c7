"""A round asks one question: it explores a space evenly, checks what it found, and repairs what the checks ask for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tunewise.dice import Dice
from tunewise.errors import NoTrials, SettingError
from tunewise.events import StudyCreated, TrialStarted
from tunewise.playbook import Finding, Findings, check
from tunewise.playbook.budget import Design, designs
from tunewise.playbook.conditions import shared
from tunewise.playbook.evidence import MATCHED, Evidence, gather
from tunewise.playbook.gate import OVERRIDE, first_of_all, held_back
from tunewise.playbook.isolation import Isolation, compare_values, isolate, simplest
from tunewise.playbook.roles import caveats
from tunewise.playbook.sensitivity import shift
from tunewise.records import FrozenTrial, Goal, TrialState
from tunewise.samplers import QMC
from tunewise.space import Categorical, Domain, Float, Int, Space
from tunewise.stats.surrogate import mean_at
from tunewise.study import Study
from tunewise.trials import Trials
from tunewise.types import Choice, Params

Train = Callable[[Any], Any]


class Scale(NamedTuple):
    """The unit of effects: SD over seeds (None: not measured), the smallest effect, examples in the validation set."""

    noise_sd: float | None = None
    min_effect: float = 0.0
    n_validation: int | None = None


class Round:
    """One study of a project, with the roles its parameters have.

    Scientific parameters take each of their values equally often, at the same points of the nuisance parameters; fixed ones
    keep one value; all others are nuisance parameters and are explored. Made by `Project.round` and `Project.exploit`.
    """

    def __init__(
        self,
        goal: str,
        study: Study,
        train: Train,
        scientific: Mapping[str, Sequence[Choice]] | None = None,
        fixed: Mapping[str, Choice] | None = None,
        scale: Callable[[], Scale] = Scale,
        command: str = "",
        exploits: bool = False,
        probed: Callable[[], Sequence[Finding]] = tuple,
    ) -> None:
        self.goal = goal
        self.study = study
        self.command = command
        self.exploits = exploits
        self._train = train
        self._scale = scale
        self._probed = probed
        self.scientific = {name: tuple(values) for name, values in (scientific or {}).items()}
        self.fixed = dict(fixed or {})

    def __repr__(self) -> str:
        return f"<Round {self.goal!r}: {self.study.trials!r}>"

    # --- what is asked ---------------------------------------------------------------------------------------------

    @property
    def space(self) -> Space:
        """The space that is searched: the declared one, else what the training function asked for."""
        return self.study.trials.space

    @property
    def roles(self) -> dict[str, str]:
        """Each parameter's role: scientific, fixed or nuisance."""
        roles = dict.fromkeys(self.space, "nuisance")
        return {**roles, **dict.fromkeys(self.fixed, "fixed"), **dict.fromkeys(self.scientific, "scientific")}

    @property
    def caveats(self) -> list[str]:
        """What every conclusion of the round is conditional on."""
        return caveats(self.roles, self.fixed)

    @property
    def arms(self) -> list[Params]:
        """All combinations of the scientific values; one empty one where nothing is scientific."""
        return [
            dict(zip(self.scientific, v, strict=True)) for v in itertools.product(*self.scientific.values())
        ]

    def design(self, trials: int) -> list[Design]:
        """What a round of so many trials can be expected to find (P23): as asked, and with fewer scientific values.

        Raises:
            SettingError: fewer than 4 trials for each scientific value.
        """
        scale = self._scale()
        known = [r.values[0] * self.study.goals[0].sign for r in self._complete() if r.values is not None]
        try:
            return designs(trials, len(self.arms), noise_sd=scale.noise_sd or 0.0, min_effect=scale.min_effect or None,
                           earlier=np.array(known) if len(known) >= 8 else None)  # fmt: skip
        except ValueError as error:
            raise SettingError(str(error)) from None

    # --- running ---------------------------------------------------------------------------------------------------

    def run(self, trials: int, workers: int = 1, progress: bool = False) -> Round:
        """Run until the round has ``trials`` finished trials in all; a round that was stopped goes on.

        With scientific values each is run equally often, so ``trials`` is rounded up to a multiple of their number.
        """
        arms = self.arms
        if len(arms) > 1 and not len(self.space):
            self._plan([{}], arms)  # one trial of each value shows which parameters there are
            self._optimize(self._n_queued(), workers, progress)
        target = math.ceil(trials / len(arms)) * len(arms)
        table = self.study.trials
        missing = target - int((table.state >= TrialState.COMPLETE).sum())
        queued = self._n_queued()
        if missing > queued and (self.scientific or self.fixed):
            self._plan(self._points(math.ceil((missing - queued) / len(arms))), arms)
        if missing > 0:
            self._optimize(missing, workers, progress)
        return self

    def check(self) -> Findings:
        """All findings about the round, worst first."""
        scale = self._scale()
        return check(
            self.study.trials,
            self._free_space(),
            noise_sd=scale.noise_sd,
            min_effect=scale.min_effect,
            n_validation=scale.n_validation,
            command=self.command,
            roles=self.roles,
            probed=self._probed(),
        )

    def override(self, reason: str) -> None:
        """Let choices be compared although checks ask for something first (P25); the reason is part of each conclusion.

        Raises:
            SettingError: no reason.
        """
        if not reason.strip():
            raise SettingError(
                "The reason is empty; say why a conclusion holds although checks ask for something first."
            )
        self.study.set_user_attr(OVERRIDE, reason)

    def repair(
        self, max_trials: int = 20, workers: int = 1, progress: bool = False, only: str | None = None
    ) -> Findings:
        """Do what the findings ask for, within ``max_trials`` more trials, and check again.

        A widened range gets trials in its new part alone, at the density of the old; a narrowed one gets as many as
        before inside it; a study that is too thin goes on with its sequence. ``only``: one subject, such as "lr".
        """
        left = max_trials
        for finding in self.check().acts:
            if finding.change is None or left <= 0 or only not in (None, finding.subject):
                continue
            n = min(left, finding.cost_trials or left)
            before = int((self.study.trials.state >= TrialState.COMPLETE).sum())
            for name, domain in dict(finding.change.get("space", {})).items():
                self._change_domain(name, domain, n)
            if self._n_queued():
                n = min(left, self._n_queued())
                self._optimize(n, workers, progress)
            else:
                self.run(before + n // len(self.arms) * len(self.arms), workers, progress)
            left -= int((self.study.trials.state >= TrialState.COMPLETE).sum()) - before
        return self.check()

    # --- answers ---------------------------------------------------------------------------------------------------

    def best(self, **values: Choice) -> Params:
        """The parameters of the best trial, of those with these values of some parameters.

        In exploitation, of the trial that a surrogate of all trials expects to be best: the best observed one was lucky.

        Raises:
            NoTrials: no complete trial has them.
        """
        return (self._expected_best(values) if self.exploits else self._best_record(values)).params

    def rivals(self, in_use: Params) -> tuple[Params, Params] | None:
        """Scientific values of the best trial that differs from those in use, and those in use; as `best` takes them.

        Where the configuration in use has none of the values that were asked for, the first ones stand for it. None if there
        is nothing to compare.
        """
        stays = next((arm for arm in self.arms if arm.items() <= in_use.items()), self.arms[0])
        complete = self._complete()
        others = [r for r in complete if not stays.items() <= r.params.items()]
        if not others or len(others) == len(complete):
            return None
        sign = self.study.goals[0].sign
        best = min(others, key=lambda r: sign * (r.values or (math.inf,))[0])
        return {name: best.params[name] for name in stays}, stays

    def leaders(self, n: int = 5) -> list[Params]:
        """The parameters of the n best trials, best first; retrain several, not only the first (P55)."""
        sign = self.study.goals[0].sign
        ranked = sorted(self._complete(), key=lambda r: sign * (r.values or (math.inf,))[0])
        return [r.params for r in ranked[:n]]

    def isolation(self, name: str) -> dict[Choice, float]:
        """The best value seen for each value of a parameter. `isolate` makes them comparable."""
        sign = self.study.goals[0].sign
        best: dict[Choice, float] = {}
        for record in self._complete():
            if name in record.params and record.values is not None:
                key, value = record.params[name], record.values[0]
                best[key] = value if key not in best else sign * min(sign * best[key], sign * value)
        return best

    def isolate(self, name: str) -> Isolation:
        """Each value of a parameter at its best, at equal numbers of trials, with intervals and the best set (P46).

        The numbers; whether they allow a conclusion yet is said by `check`, `compare` and `simplest_best`.

        Raises:
            NoTrials: fewer than two values have 4 trials, or several optimisers share the name.
        """
        evidence = self.evidence()
        if (pooled := shared(evidence, name)) is not None:
            raise NoTrials(
                f"{name!r} is one name under {pooled[0]} = {pooled[1]}; give each its own, then compare (P20)."
            )
        found = isolate(evidence, name)
        if found is None:
            raise NoTrials(
                f"Round {self.goal!r} has not two values of {name!r} with 4 trials each; run more."
            )
        return found

    def compare(self, name: str, better: Choice, than: Choice) -> Finding:
        """Is one value of a parameter better than another when both are tuned (P47)? A claim about choices.

        UNSURE while a check of the round asks for something first, unless `override` says why not.

        Raises:
            NoTrials: a value has fewer than 4 trials.
        """
        try:
            found = compare_values(self.evidence(), name, better, than)
        except ValueError as error:
            raise NoTrials(str(error)) from None
        return self._concluded(found)

    def shift(self, name: str, by: str) -> Finding:
        """How far the best value of one parameter moves with another's (P17)."""
        return shift(self.evidence(), name, by)

    def simplest_best(self, prefer: str) -> Params:
        """The best parameters with the smallest (or largest) value of one that cannot be told from the best.

        It must lie in the best set (P46), and within the noise or the smallest effect of the best value. Refused while a check
        of the round asks for something first, unless `override` says why not (P25).

        Args:
            prefer: "smaller width" or "larger width", for a parameter named width.

        Raises:
            SettingError: ``prefer`` is not of that form, or a check asks for something first.
            NoTrials: no complete trial has the parameter, or too few have.
        """
        direction, _, name = prefer.partition(" ")
        if direction not in ("smaller", "larger") or not name:
            raise SettingError(f'prefer is {prefer!r}; say "smaller NAME" or "larger NAME".')
        found = self.isolate(name)
        first = first_of_all(self.check())
        if first and not self.study.user_attrs.get(OVERRIDE):
            raise SettingError(
                f"No value of {name!r} can be chosen yet: {first[0].code} {first[0].subject} comes first. {first[0].headline} "
                f'Next: {first[0].command or first[0].next_action}, or say why not: {self.command}.override("...").'
            )
        scale = self._scale()
        order = sorted(
            range(len(found.values)), key=lambda i: _rank(found.values[i]), reverse=direction == "larger"
        )
        chosen = simplest(found, order, max(scale.noise_sd or 0.0, scale.min_effect))
        return self._best_record({name: found.values[chosen]}).params

    # --- inside ----------------------------------------------------------------------------------------------------

    def _concluded(self, found: Finding) -> Finding:
        return held_back([found], first_of_all(self.check()), self.study.user_attrs.get(OVERRIDE))[0]

    def _free_space(self) -> Space:
        return self.space.subset([name for name in self.space if name not in self.fixed])

    def evidence(self) -> Evidence:
        """What the checks see: the trials that count, and the unit of effects."""
        scale = self._scale()
        return gather(self.study.trials, self._free_space(), scale.noise_sd, scale.min_effect, self.command,
                      roles=self.roles)  # fmt: skip

    def _best_record(self, values: Mapping[str, Choice]) -> FrozenTrial:
        sign = self.study.goals[0].sign
        return min(self._fitting(values), key=lambda r: sign * (r.values or (math.inf,))[0])

    def _expected_best(self, values: Mapping[str, Choice]) -> FrozenTrial:
        fitting = self._fitting(values)
        evidence = gather(self.study.trials, self._free_space(), self._scale().noise_sd, adaptive=True)
        surrogate = evidence.trusted
        if surrogate is None:
            return self._best_record(values)
        expected = dict(zip(evidence.rows.tolist(), mean_at(surrogate, evidence.X)[0].tolist(), strict=True))
        return min(fitting, key=lambda r: expected.get(r.number, math.inf))

    def _fitting(self, values: Mapping[str, Choice]) -> list[FrozenTrial]:
        fitting = [r for r in self._complete() if all(r.params.get(n) == v for n, v in values.items())]
        if not fitting:
            raise NoTrials(
                f"Round {self.goal!r} has no complete trial{f' with {dict(values)}' if values else ''}; run it first."
            )
        return fitting

    def _complete(self) -> list[FrozenTrial]:
        trials = self.study.trials
        return [trials.row(int(n)) for n in np.flatnonzero(trials.state == TrialState.COMPLETE)]

    def _n_queued(self) -> int:
        return int((self.study.trials.state == TrialState.QUEUED).sum())

    def _optimize(self, n: int, workers: int, progress: bool) -> None:
        self.study.optimize(self._train, n_trials=n, n_jobs=workers, catch=Exception, progress=progress)

    def _plan(self, points: Sequence[Params], arms: Sequence[Params]) -> None:
        """Queue each point for each arm, so that all arms run the same points."""
        for point in points:
            for arm in arms:
                attrs = {"design": MATCHED} if point and len(arms) > 1 else None
                self.study.enqueue_trial({**point, **self.fixed, **arm}, attrs)

    def _points(self, n: int) -> list[Params]:
        """The next n quasi-random points of the nuisance parameters; the index counts the points planned before."""
        arms = self.arms
        if len(arms) == 1:
            return [{}] * n
        nuisance = {name: domain for name, domain in self.space.items() if self.roles[name] == "nuisance"}
        if not nuisance:
            return [{}] * n
        table = self.study.trials
        done = sum(table.attrs(k).get("design") == MATCHED for k in range(len(table))) // len(arms)
        return _quasi_random(Space(nuisance), table.seed, done, n)

    def _change_domain(self, name: str, domain: Domain, n: int) -> None:
        """Declare the space anew with ``domain``, and queue ``n`` trials in the part of it that is new."""
        old = self.space[name]
        if self.study.info.space is None and len(self.study.trials.structure().groups) > 1:
            raise SettingError(
                f"The range of {name!r} cannot be changed: the training function has conditional parameters. "
                "Declare the space (space=...) with its conditions."
            )
        arms = self.arms
        self.study.set_space(self.space.replace(**{name: domain}))
        values = _new_part(old, domain, max(1, n // len(arms)))
        points = self._points(len(values)) if values else []
        self._plan([{**point, name: value} for point, value in zip(points, values, strict=True)], arms)


def _quasi_random(space: Space, seed: int, start: int, n: int) -> list[Params]:
    """Points start to start + n - 1 of the quasi-random sequence that a study of this space and seed would draw."""
    sampler, dice, table = QMC(), Dice(seed), Trials()
    table.apply(StudyCreated((Goal(),), seed, 0.0, space))
    points = []
    for number in range(start + n):
        table.apply(TrialStarted(number, sampler.name, "", 0.0))
        if number >= start:
            points.append(
                space.decode(sampler.suggest(table, space, number, dice.stream(number, space.code)))
            )
    return points


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
