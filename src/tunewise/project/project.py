"""`Project`: explore, check, exploit, measure the noise, adopt, test, report; continued where it stopped."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from tunewise.errors import NoTrials, SettingError
from tunewise.playbook import Adoption, Decision, VarianceBudget, decide
from tunewise.playbook.noise import pooled_sd, variance_budget
from tunewise.project.round import Round, Train
from tunewise.records import FrozenTrial, TrialState
from tunewise.report import ReportData, RoundData, render_report
from tunewise.space import Space
from tunewise.storage import Log, open_log
from tunewise.study import Study, create_study
from tunewise.types import Choice, FloatArray, Json, Params

_FIRST_FRESH_SEED = 1_000_000


class Project:
    """A tuning project: one training function, one metric, and all studies made of it.

    Args:
        name: the project's name; its studies are called "name/...".
        train: ``train(trial)``, returns the metric or reports it; uses ``trial.seed`` for everything random.
        metric: the name of the metric.
        direction: "minimize" or "maximize".
        defaults: the configuration in use, a value for every parameter; the first baseline.
        storage: as for `create_study`; opening the same project again goes on where it stopped.
        min_effect: smallest change of the metric worth acting on.
        seed: of all studies.
        space: the space to explore; by default what ``train`` asks for.
    """

    def __init__(
        self,
        name: str,
        train: Train,
        metric: str = "value",
        direction: str = "minimize",
        defaults: Mapping[str, Choice] | None = None,
        storage: str | Path | Log | None = None,
        min_effect: float = 0.0,
        seed: int = 0,
        space: Space | None = None,
    ) -> None:
        self.name = name
        self.train = train
        self.metric, self.direction = metric, direction
        self.min_effect = min_effect
        self.seed = seed
        self.space = space
        self._storage = open_log(storage)
        self._defaults = dict(defaults or {})
        self._book = self._study("", "random", None)
        self.rounds: list[Round] = []
        self.decisions: list[Decision] = []

    def __repr__(self) -> str:
        return f"<Project {self.name!r} in {self._storage.url}: {len(self.log)} decisions, {self._n_tests} tests>"

    # --- what the log knows ----------------------------------------------------------------------------------------

    @property
    def log(self) -> list[dict[str, Json]]:
        """The launch log: one entry a decision, oldest first."""
        return list(self._book.user_attrs.get("launch_log", []))

    @property
    def incumbent(self) -> Params:
        """The configuration in use: the last adopted one, else the defaults."""
        adopted = [entry["candidate"] for entry in self.log if entry["verdict"] == Adoption.ADOPT.value]
        return dict(adopted[-1]) if adopted else dict(self._defaults)

    @property
    def noise(self) -> VarianceBudget:
        """The sources of variance, measured or not."""
        return variance_budget(self._replicates())

    @property
    def _n_tests(self) -> int:
        return int(self._book.user_attrs.get("n_tests", 0))

    # --- the verbs -------------------------------------------------------------------------------------------------

    def round(
        self,
        goal: str,
        scientific: Mapping[str, Sequence[Choice]] | Sequence[str] | None = None,
        nuisance: Sequence[str] | None = None,
        fixed: Mapping[str, Choice] | Sequence[str] | None = None,
        space: Space | None = None,
    ) -> Round:
        """A round of exploration, quasi-random; the same goal again continues the same round.

        Args:
            goal: the question in words.
            scientific: parameters whose effect is asked for, with their values (or names, for choices of the space).
            nuisance: names or patterns ("adamw.*") of the parameters to explore; all others are fixed.
            fixed: values of parameters, or names to keep at the incumbent's value.
            space: instead of the project's.
        """
        space = space or self.space
        arms = _arms(scientific, space)
        kept = _kept(fixed, self.incumbent)
        if nuisance is not None:
            names = space if space is not None else self.incumbent
            free = [n for n in names if n in arms or any(fnmatch(n, pattern) for pattern in nuisance)]
            kept = {**{n: v for n, v in self.incumbent.items() if n not in free}, **kept}
        kept = {n: v for n, v in kept.items() if n not in arms}
        study = self._study(f"round {goal}", "qmc", space)
        made = Round(goal, study, self.train, arms, kept, self._scale, f"project.round({goal!r})")
        self.rounds.append(made)
        return made

    def exploit(
        self, trials: int, space: Space | None = None, workers: int = 1, progress: bool = False
    ) -> Round:
        """Bayesian optimisation for ``trials`` trials in the refined space, starting from all that was explored.

        Raises:
            NoTrials: nothing was explored yet.
        """
        if not self.rounds:
            raise NoTrials("Nothing was explored yet; run a round first.")
        source = self.rounds[-1]
        study = self._study("exploit", "gp", space or source.space)
        if not len(study.trials):
            for record in source.study.trials:
                if record.state in (TrialState.COMPLETE, TrialState.INFEASIBLE):
                    study.add_trial(record)
            study.set_user_attr("n_imported", len(study.trials))
        made = Round("exploit", study, self.train, noise=self._scale, command="project.rounds[-1]")
        made.run(trials + int(study.user_attrs["n_imported"]), workers, progress)
        self.rounds.append(made)
        return made

    def measure_noise(
        self, seeds: int = 5, params: Params | None = None, progress: bool = False
    ) -> VarianceBudget:
        """Retrain one configuration on fresh seeds: by default the best found, else the incumbent.

        Raises:
            SettingError: fewer than two seeds, or a configuration that leaves a parameter open.
        """
        if seeds < 2:
            raise SettingError(f"seeds is {seeds}; a spread needs at least 2.")
        study = self._study("noise", "random", None)
        known = study.trials[0].params if len(study.trials) else None
        chosen = params or known or (self.rounds[-1].best() if self.rounds else self.incumbent)
        self._replicate(study, chosen, seeds, progress)
        return self.noise

    def adopt(
        self,
        candidate: Params,
        baseline: Params | None = None,
        cost: str | None = None,
        looks: Sequence[int] = (3, 5, 8),
        p: float = 0.8,
        progress: bool = False,
    ) -> Decision:
        """Decide whether to adopt a candidate, with fresh seeds in both arms, and note the decision.

        The run that found the candidate never counts. With a ``cost`` in words (a hyperparameter, a component) the
        candidate must be better by half the noise at least. Runs stop at the first look that decides.

        Raises:
            SettingError: an arm leaves a parameter of the training function open.
        """
        arms = (dict(candidate), dict(baseline if baseline is not None else self.incumbent))
        number = len(self.log) + 1
        sd = self.noise.sd("trial variance (seed)")
        least = max(self.min_effect, 0.5 * (sd or 0.0) if cost else 0.0)
        prior = pooled_sd(self._replicates())
        studies = [self._study(f"adopt {number} {arm}", "random", None) for arm in ("candidate", "baseline")]
        goal = self._book.goals[0]
        decision: Decision | None = None
        for n in looks:
            values = [
                self._replicate(study, arm, n, progress) for study, arm in zip(studies, arms, strict=True)
            ]
            decision = decide(
                values[0].tolist(), values[1].tolist(), sign=goal.sign, min_effect=least, p=p, prior=prior,
                looks=[look for look in looks if look <= n], params=arms, cost=cost or "", metric=self.metric,
            )  # fmt: skip
            if decision.verdict != Adoption.UNDECIDED:
                break
        if decision is None:
            raise SettingError(
                "looks is empty; give the numbers of runs at which to look, such as (3, 5, 8)."
            )
        self._note(decision)
        return decision

    def preflight(self, **settings: Any) -> Any:
        """Watch the training for a few steps, and find the mistakes that everyone makes; see `tunewise.torch`."""
        return self._probe("preflight", settings)

    def find_steps(self, **settings: Any) -> Any:
        """Sweep constant learning rates for the steps that fit the training set; see `tunewise.torch`."""
        return self._probe("find_steps", settings)

    def batch_size(self, **settings: Any) -> Any:
        """Scan throughput and memory over batch sizes; see `tunewise.torch`."""
        return self._probe("batch_size", settings)

    def stability(self, **settings: Any) -> Any:
        """Train around the learning rate in use, and look for instability; see `tunewise.torch`."""
        return self._probe("stability", settings)

    def test(self, evaluate: Callable[[Any], Any], force: bool = False) -> float:
        """Retrain the incumbent once more and evaluate it on the test set, once.

        Args:
            evaluate: ``evaluate(trial)``, trains with ``trial.params`` and returns the metric on the test set.
            force: look again although the test set was used; the count of looks is kept and reported.

        Raises:
            SettingError: the test set was used already.
        """
        if self._n_tests and not force:
            raise SettingError(
                f"The test set was used already ({self._n_tests} times); looking again makes it a validation set. "
                "Pass force=True to do so; it is counted."
            )
        self._book.set_user_attr("n_tests", self._n_tests + 1)
        study = self._study(f"test {self._n_tests}", "random", None)
        study.enqueue_trial(self.incumbent, {"seed": self._fresh_seed()})
        study.optimize(evaluate, 1)
        value = study.best_value
        result = {"value": value, "n_tests": self._n_tests, "metric": self.metric}
        self._book.set_user_attr("test", result)
        return value

    def report(self, path: str | Path) -> Path:
        """Write the project's report, one HTML file, and return its path. Raises MissingExtra without Altair."""
        return render_report(self._report_data(), Path(path))

    # --- inside ----------------------------------------------------------------------------------------------------

    def _study(self, part: str, sampler: str, space: Space | None) -> Study:
        name = f"{self.name}/{part}" if part else self.name
        seed = self.seed * 2**32 + zlib.crc32(part.encode())
        return create_study(
            name, self._storage, goals={self.metric: self.direction}, sampler=sampler, seed=seed, space=space,
            load_if_exists=True,
        )  # fmt: skip

    def _probe(self, verb: str, settings: Mapping[str, Any]) -> Any:
        """Let the training function, which knows its framework, probe itself; its findings are noted in the log.

        Raises:
            SettingError: it cannot.
        """
        probe = getattr(self.train, verb, None)
        if probe is None:
            raise SettingError(
                f"project.{verb}() looks inside the training, but {self.train!r} is a plain function; "
                "make it one that knows its steps with @tunewise.training."
            )
        found = probe(self.incumbent, self._storage, self.name, self._book.goals[0], **settings)
        findings = getattr(found, "findings", found)
        self._book.set_user_attr(verb, {"findings": findings.to_json(), "at": time.time()})
        return found

    def _scale(self) -> tuple[float | None, float]:
        return self.noise.sd("trial variance (seed)"), self.min_effect

    def _fresh_seed(self) -> int:
        """A seed that no run of this project has had."""
        used = int(self._book.user_attrs.get("n_seeds", 0))
        self._book.set_user_attr("n_seeds", used + 1)
        return _FIRST_FRESH_SEED + 1000 * self.seed + used

    def _replicate(self, study: Study, params: Params, n: int, progress: bool) -> FloatArray:
        """Values (n,) of ``params`` on fresh seeds, NaN where a run diverged; what was run before is not repeated."""
        missing = n - len(study.trials)
        for _ in range(missing):
            study.enqueue_trial(params, {"seed": self._fresh_seed(), "role": "replicate"})
        if missing > 0:
            study.optimize(self.train, missing, progress=progress)
        records = list(study.trials)[:n]
        open_names = {name for record in records for name in record.params if name not in params}
        if open_names:
            raise SettingError(
                f"The configuration {params} leaves {sorted(open_names)} open, so its runs differ in more than the "
                "seed; give a value for every parameter (defaults=...)."
            )
        return np.array([_value(record) for record in records])

    def _replicates(self) -> list[FloatArray]:
        """The values of every configuration that was run on several fresh seeds."""
        prefixes = (f"{self.name}/noise", f"{self.name}/adopt ")
        names = [name for name in self._storage.studies() if name.startswith(prefixes)]
        tables = [Study(self._storage, name, None, None).trials for name in names]
        return [np.array([_value(record) for record in table]) for table in tables if len(table) > 1]

    def _note(self, decision: Decision) -> None:
        entry = {
            "verdict": decision.verdict.value, "headline": decision.headline, "candidate": decision.candidate,
            "baseline": decision.baseline, "cost": decision.cost, "n": decision.looks[-1].n, "at": time.time(),
        }  # fmt: skip
        self._book.set_user_attr("launch_log", [*self.log, entry])
        self.decisions.append(decision)

    def _report_data(self) -> ReportData:
        shown = [r for r in self.rounds if len(r.study.trials)]
        rounds = tuple(
            RoundData(r.goal, r.roles, r.study.trials, r.space, r.check(), r.command) for r in shown
        )
        unsure = [str(f) for r in rounds for f in r.findings if f.verdict.value == "UNSURE"]
        decision = self.decisions[-1] if self.decisions else None
        test = self._book.user_attrs.get("test")
        tested = (
            f" Test {self.metric}, used once: {test['value']:.4g}." if test and test["n_tests"] == 1 else ""
        )
        return ReportData(
            title=self.name,
            subtitle=f"{self.direction} {self.metric}",
            headline=(str(decision) if decision else "Nothing was adopted yet.") + tested,
            decisions=tuple(self.decisions),
            rounds=rounds,
            noise=self.noise,
            test=test,
            incumbent=self.incumbent,
            commands=(f"tunewise studies --storage {self._storage.url}",),
            launch_log=tuple(self.log),
            limits=tuple(unsure),
        )


def _value(record: FrozenTrial) -> float:
    return record.values[0] if record.values is not None else np.nan


def _arms(
    scientific: Mapping[str, Sequence[Choice]] | Sequence[str] | None, space: Space | None
) -> dict[str, Sequence[Choice]]:
    if scientific is None:
        return {}
    if isinstance(scientific, Mapping):
        return dict(scientific)
    arms: dict[str, Sequence[Choice]] = {}
    for name in scientific:
        domain = space.get(name) if space is not None else None
        if domain is None or domain.n_values is None or domain.n_values > 20:
            raise SettingError(
                f"{name!r} is scientific but its values are not known; list them: scientific={{{name!r}: [...]}}."
            )
        arms[name] = [domain.decode(raw) for raw in domain.values()]
    return arms


def _kept(fixed: Mapping[str, Choice] | Sequence[str] | None, incumbent: Params) -> Params:
    if fixed is None or isinstance(fixed, Mapping):
        return dict(fixed or {})
    missing = [name for name in fixed if name not in incumbent]
    if missing:
        raise SettingError(
            f"{missing} are to be fixed at the incumbent, which has no value for them; give values."
        )
    return {name: incumbent[name] for name in fixed}
