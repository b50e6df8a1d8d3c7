"""`Project`: explore, check, exploit, measure the noise, adopt, test, report; continued where it stopped."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from tunewise.errors import NoTrials, SettingError
from tunewise.playbook import Adoption, Decision, Finding, Findings, VarianceBudget, Verdict, decide
from tunewise.playbook.adopt import FRESH, choose_pairing, enough, price, refuse_selection, shrunken_leaders
from tunewise.playbook.checkpoints import checkpoint_variance
from tunewise.playbook.commands import keywords
from tunewise.playbook.finding import finding_from_json
from tunewise.playbook.gate import exploit_gate, refined_space, unstable
from tunewise.playbook.launches import adopted, awaiting, launch_entry, stale_settings, table_rows
from tunewise.playbook.measures import reasonable
from tunewise.playbook.noise import ledger, noise_probe, variance_budget
from tunewise.playbook.retune import probe_points, retune
from tunewise.playbook.roles import propose_roles
from tunewise.playbook.sensitivity import interactions_with
from tunewise.project.repeats import data_variance, pairs, repeated_searches, replicates, value_of
from tunewise.project.round import Round, Scale, Train
from tunewise.project.tested import drop
from tunewise.project.values import arms_of, kept_values
from tunewise.records import TrialState
from tunewise.report import ReportData, RoundData, render_report
from tunewise.space import Domain, Space
from tunewise.stats.moderated import Prior
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
        n_validation: examples in the validation set; a first guess of the noise of an error rate, until it is measured.
        trivial: the metric of a predictor that learned nothing (the most frequent class, the mean); what was measured has to
            beat it before anything is tuned (P13).
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
        n_validation: int | None = None,
        trivial: float | None = None,
    ) -> None:
        self.name = name
        self.trivial = trivial
        self.n_validation = n_validation
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
        launched = adopted(self.log)
        return dict(launched[-1]["candidate"] if launched else self._defaults)

    @property
    def noise(self) -> VarianceBudget:
        """The sources of variance, measured or not."""
        studies = self._studies()
        return variance_budget(
            [self._sign * values for values in replicates(studies)],
            replicates=repeated_searches(studies, self._sign),
        )

    @property
    def table(self) -> list[dict[str, Any]]:
        """The experiment table (P90): one row a study that was run, with its goal, counts, best and command."""
        return table_rows(
            [self._row(name, study) for name, study in self._studies().items() if len(study.trials)]
        )

    @property
    def _sign(self) -> float:
        return self._book.goals[0].sign

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

        What was fixed when it began stays at those values, and the goal alone brings back all roles.

        Args:
            goal: the question in words.
            scientific: parameters whose effect is asked for, with their values (or names, for choices of the space).
            nuisance: names or patterns ("adamw.*") of the parameters to explore; all others are fixed.
            fixed: values of parameters, or names to keep at the incumbent's value.
            space: instead of the project's.
        """
        space = space or self.space
        arms = arms_of(scientific, space)
        kept = kept_values(fixed, self.incumbent)
        if nuisance is not None:
            names = space if space is not None else self.incumbent
            free = [n for n in names if n in arms or any(fnmatch(n, pattern) for pattern in nuisance)]
            kept = {**{n: v for n, v in self.incumbent.items() if n not in free}, **kept}
        kept = {n: v for n, v in kept.items() if n not in arms}
        study = self._study(f"round {goal}", "qmc", space)
        begun = study.user_attrs.get("design")
        if begun and scientific is None and nuisance is None and fixed is None:
            arms, kept = begun["scientific"], begun["fixed"]
        elif begun and not isinstance(fixed, Mapping):
            kept = {name: begun["fixed"].get(name, value) for name, value in kept.items()}
        design = {"scientific": {name: list(values) for name, values in arms.items()}, "fixed": kept}
        if design != begun:
            study.set_user_attr("design", design)
        made = Round(goal, study, self.train, arms, kept, self._scale, f"project.round({goal!r})",
                     probed=self._stability)  # fmt: skip
        self.rounds = [*(r for r in self.rounds if r.goal != goal or r.exploits), made]
        return made

    def propose_roles(
        self, scientific: Sequence[str] = (), fixed: Sequence[str] = (), budget: int | None = None
    ) -> dict[str, tuple[str, str]]:
        """{name: (role, reason)} for the next round (P18): which parameters ``budget`` trials can tune, by what acted together
        with the scientific ones in the last round.

        Raises:
            NoTrials: no space is known; run a round, or give the project its space.
            SettingError: a name that it does not have.
        """
        space = self.rounds[-1].space if self.rounds else self.space
        if not space:
            raise NoTrials(
                "No space is known, so there are no roles to propose; run a round first, or give space=..."
            )
        strange = [name for name in (*scientific, *fixed) if name not in space]
        if strange:
            raise SettingError(f"The space has no {strange}; it has {list(space)}.")
        known = self.rounds[-1].check() if self.rounds else Findings()
        return propose_roles(space, scientific, fixed, budget, interactions_with(known, scientific))

    def exploit(
        self,
        trials: int,
        space: Space | None = None,
        workers: int = 1,
        progress: bool = False,
        strict: bool = False,
    ) -> Round:
        """Bayesian optimisation for ``trials`` trials in the refined space, starting from all that was explored.

        Whether the last round is ready for it (P60) is noted with the round and shown in its report; with ``strict`` it is
        refused where it is not. Its `Round.best` is the configuration that a surrogate expects to be best, not the luckiest
        run.

        Raises:
            NoTrials: nothing was explored yet.
            SettingError: ``strict``, and a check of the last round asks for something first.
        """
        if not self.rounds:
            raise NoTrials("Nothing was explored yet; run a round first.")
        source = self.rounds[-1]
        gate = exploit_gate(source.check())
        if strict and gate.verdict == Verdict.ACT:
            raise SettingError(f"{gate.headline} Repair first, or exploit with strict=False.")
        study = self._study("exploit", "gp", space or refined_space(source.evidence()))
        if not len(study.trials):
            for record in source.study.trials:
                if record.state in (TrialState.COMPLETE, TrialState.INFEASIBLE):
                    study.add_trial(record)
            study.set_user_attr("n_imported", len(study.trials))
            study.set_user_attr("gate", {"verdict": gate.verdict.value, "headline": gate.headline})
        made = Round("exploit", study, self.train, scale=self._scale, command="project.rounds[-1]", exploits=True,
                     probed=self._stability)  # fmt: skip
        made.run(trials + int(study.user_attrs["n_imported"]), workers, progress)
        self.rounds.append(made)
        return made

    def measure_noise(
        self, seeds: int = 5, params: Params | None = None, progress: bool = False
    ) -> VarianceBudget:
        """Retrain one configuration on fresh seeds: by default the best found, else the incumbent.

        The same again the next time, unless it was measured before anything was explored: bad configurations are noisier.

        Raises:
            SettingError: fewer than two seeds, or a configuration that leaves a parameter open.
        """
        if seeds < 2:
            raise SettingError(f"seeds is {seeds}; a spread needs at least 2.")
        study = self._study("noise", "random", None)
        known = study.trials[0].params if len(study.trials) else None
        settled = known if study.user_attrs.get("explored") or not self.rounds else None
        chosen = params or settled or (self.rounds[-1].best() if self.rounds else known or self.incumbent)
        if known is not None and dict(chosen) != dict(known):
            study = self._study(f"noise {_label(chosen)}", "random", None)
        elif known is None:
            study.set_user_attr("explored", bool(self.rounds))
        self._replicate(study, chosen, self._seeds(study, seeds), progress)
        return self.noise

    def measure_study_variance(
        self, trials: int, studies: int = 3, seeds: int = 2, progress: bool = False
    ) -> VarianceBudget:
        """Repeat the last round's search with other points, and retrain the best of each on fresh seeds (P30, P49).

        Costs studies x (trials + seeds) runs. Raises NoTrials where nothing was explored yet.
        """
        if not self.rounds:
            raise NoTrials("Nothing was explored yet; run a round first.")
        source = self.rounds[0]
        for k in range(studies):
            study = self._study(f"repeat {k} {source.goal}", "qmc", source.study.info.space)
            repeat = Round(source.goal, study, self.train, source.scientific, source.fixed, self._scale)
            repeat.run(trials, progress=progress)
            again = self._study(f"repeat {k} best", "random", None)
            self._replicate(again, repeat.best(), self._seeds(again, seeds), progress)
        return self.noise

    def retrain_leaders(
        self, found: Round | None = None, n: int = 5, seeds: int = 3, progress: bool = False
    ) -> list[Params]:
        """The n best of a round (by default the last) retrained on fresh seeds, best first by their shrunken means (P55).

        Halves what choosing the single best trial would cost. The fresh runs count as noise measurements too, but not as
        evidence for adopting: that takes new seeds again. Raises NoTrials where no trial is complete.
        """
        leaders = (found or self.rounds[-1]).leaders(n) if found or self.rounds else []
        if not leaders:
            raise NoTrials("No complete trial to retrain; run a round first.")
        groups = []
        for params in leaders:
            study = self._study(f"noise {_label(params)}", "random", None)
            groups.append(self._sign * self._replicate(study, params, self._seeds(study, seeds), progress))
        return [leaders[leader.place] for leader in shrunken_leaders(groups, self._prior())]

    def adopt(
        self,
        candidate: Params | int,
        baseline: Params | None = None,
        cost: str | Mapping[str, float] | None = None,
        looks: Sequence[int] = (3, 5, 8),
        p: float = 0.8,
        error: float | None = None,
        progress: bool = False,
        despite: str = "",
    ) -> Decision:
        """Decide whether to adopt a candidate, with fresh seeds in both arms, and note the decision.

        The run that found the candidate never counts; the incumbent's old runs do not either. Both arms get the same fresh
        seeds, and are compared in pairs where earlier runs have shown that this pays. Runs stop at the first look that
        decides.

        Args:
            candidate: parameters, or the number of a trial of the last round.
            baseline: by default the incumbent.
            cost: what the candidate adds, in words or numbers; it sets what it has to be worth (`tunewise.playbook.price`).
            looks: numbers of runs an arm at which to look, fixed now.
            p: posterior probability of being worth it that is enough.
            error: instead of p, how often a worthless change may be adopted over all looks.
            progress: show a bar.
            despite: why to decide although the last `stability` probe asks for something first; noted in the log.

        Raises:
            SettingError: the training is unstable, an arm leaves a parameter of the training function open, or looks do
                not increase.
        """
        enough(looks, p, error)
        self._steady(despite)
        arms = (self._candidate(candidate), dict(baseline if baseline is not None else self.incumbent))
        number = len(self.log) + 1
        prior = self._prior()
        worth, why = price(cost, prior.sd if prior else None)
        least = max(self.min_effect, worth)
        studies = [self._study(f"adopt {number} {arm}", "random", None) for arm in ("candidate", "baseline")]
        correlation, pairing = choose_pairing(
            pairs(self._studies(), len(self.log), self._sign), max(looks), prior.df if prior else 0.0
        )
        decision: Decision | None = None
        for n in looks:
            seeds = self._seeds(studies[0], n)
            values = [
                self._replicate(study, arm, seeds, progress) for study, arm in zip(studies, arms, strict=True)
            ]
            for study in studies:
                refuse_selection(list(study.trials))
            decision = decide(
                values[0].tolist(), values[1].tolist(), sign=self._sign, min_effect=least, p=p, error=error, prior=prior,
                correlation=correlation, looks=looks,
                params=arms, cost=_words(cost, why, pairing), metric=self.metric,
            )  # fmt: skip
            if decision.verdict != Adoption.UNDECIDED:
                break
        assert decision is not None
        if despite:
            decision = replace(decision, assumptions=(*decision.assumptions, f"Decided despite: {despite}"))
        self._note(decision, [study.name for study in studies], despite)
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

    def retune(self, name: str, trials: int = 7, progress: bool = False) -> Finding:
        """After a launch: has the best value of a parameter moved (P99)? Matched probes under the last two configurations in use.

        Costs 2 x trials runs. Raises SettingError where nothing was adopted yet, or the parameter's range is not known.
        """
        launched = adopted(self.log)
        domain = self._domain(name)
        if not launched or domain is None:
            missing = "Nothing was adopted yet" if not launched else f"The range of {name!r} is not known"
            raise SettingError(
                f"{missing}; a retuning probe compares the configurations before and after a launch."
            )
        old, new = dict(launched[-1]["baseline"]), dict(launched[-1]["candidate"])
        at = float(domain.to_unit(np.array(domain.encode(old.get(name, new.get(name))))))
        places = probe_points(at, trials)
        values = [domain.decode(float(raw)) for raw in domain.from_unit(places)]
        losses = []
        for label, base in (("before", old), ("after", new)):
            study = self._study(f"retune {name} {len(launched)} {label}", "random", None)
            for value in values[len(study.trials) :]:
                study.enqueue_trial({**base, name: value}, {"seed": self._fresh_seed(), "role": FRESH})
            study.optimize(
                self.train,
                len(values) - int((study.trials.state >= TrialState.COMPLETE).sum()),
                progress=progress,
            )
            losses.append(np.array([self._sign * value_of(record) for record in study.trials]))
        prior = self._prior()
        u = np.array([float(domain.to_unit(np.array(domain.encode(v)))) for v in values])
        return retune(name, u, losses[0], losses[1], prior.sd if prior else None)

    def check(self) -> Findings:
        """What is to be said about the project as a whole.

        The noise, checkpoints, what the validation set adds, the gate to exploitation, what awaits a decision, stale settings.
        """
        noise = self._study("noise", "random", None)
        losses = np.array([self._sign * value_of(record) for record in noise.trials])
        prior = self._prior()
        findings = [noise_probe(losses, self._sign, prior) if len(losses) else _unmeasured()]
        if self.trivial is not None and len(losses):
            findings.append(reasonable(losses, self._sign * self.trivial, self._sign, self.n_validation))
        curves = [(np.array(list(c)), self._sign * np.array(list(c.values()))) for r in noise.trials
                  if (c := r.curves.get(self.metric))]  # fmt: skip
        findings.append(checkpoint_variance(curves, prior.sd if prior else None, self._sign))
        if len(losses):
            findings += data_variance(self._studies(), len(self.log), self.min_effect)
        explored = [r for r in self.rounds if not r.exploits and len(r.study.trials)]
        if explored:
            findings.append(exploit_gate(explored[-1].check()))
        findings += self._awaiting() + stale_settings(self.log) + self._dropped()
        return Findings(findings)

    def test(self, evaluate: Callable[[Any], Any], force: bool = False, seeds: int = 1) -> float:
        """Retrain the incumbent once more and evaluate it on the test set, once.

        Args:
            evaluate: ``evaluate(trial)``, trains with ``trial.params`` and returns the metric on the test set.
            force: look again although the test set was used; the count of looks is kept and reported.
            seeds: networks to train and evaluate in this one look; their mean is returned.

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
        for _ in range(seeds):
            study.enqueue_trial(self.incumbent, {"seed": self._fresh_seed(), "role": FRESH})
        study.optimize(evaluate, seeds)
        values = [value_of(record) for record in study.trials if record.values is not None]
        if not values:
            raise NoTrials(
                "The test run gave no value; it is counted as a look at the test set all the same."
            )
        value = float(np.mean(values))
        result = {"value": value, "values": values, "n_tests": self._n_tests, "metric": self.metric}
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

    def _stability(self) -> list[Finding]:
        """What the last probe of stability found of the training as it was."""
        noted = self._book.user_attrs.get("stability", {}).get("findings", [])
        return [finding_from_json(each) for each in noted]

    def _steady(self, despite: str) -> None:
        """P78: nothing is adopted from an unstable training, unless somebody says why.

        Raises:
            SettingError: the last probe of stability asks for something, and there is no reason.
        """
        shaky = unstable(self._stability())
        if shaky and not despite:
            raise SettingError(
                f"The training is unstable ({shaky[0].code}: {shaky[0].headline}), so nothing can be concluded from its runs. "
                f'First {shaky[0].next_action}, and probe again with project.stability(); or say why not: despite="...".'
            )

    def _scale(self) -> Scale:
        prior = self._prior()
        return Scale(prior.sd if prior else None, self.min_effect, self.n_validation)

    def _prior(self) -> Prior | None:
        """The noise ledger: SD over seeds and its degrees of freedom; None before anything was repeated."""
        return ledger([self._sign * values for values in replicates(self._studies())])

    def _fresh_seed(self) -> int:
        """A seed that no run of this project has had."""
        used = int(self._book.user_attrs.get("n_seeds", 0))
        self._book.set_user_attr("n_seeds", used + 1)
        return _FIRST_FRESH_SEED + 1000 * self.seed + used

    def _seeds(self, study: Study, n: int) -> list[int]:
        """n seeds for the runs of a study of replicates: those that it has, then fresh ones."""
        known = [int(record.user_attrs["seed"]) for record in study.trials][:n]
        return known + [self._fresh_seed() for _ in range(n - len(known))]

    def _replicate(self, study: Study, params: Params, seeds: Sequence[int], progress: bool) -> FloatArray:
        """Values (n,) of ``params`` on these seeds, NaN where a run diverged; what was run before is not repeated."""
        for seed in seeds[len(study.trials) :]:
            study.enqueue_trial(params, {"seed": seed, "role": FRESH})
        missing = len(seeds) - int((study.trials.state >= TrialState.COMPLETE).sum())
        if missing > 0:
            study.optimize(self.train, missing, progress=progress)
        records = list(study.trials)[: len(seeds)]
        open_names = {name for record in records for name in record.params if name not in params}
        if open_names:
            raise SettingError(
                f"The configuration {params} leaves {sorted(open_names)} open, so its runs differ in more than the "
                "seed; give a value for every parameter (defaults=...)."
            )
        return np.array([value_of(record) for record in records])

    def _studies(self) -> dict[str, Study]:
        """All studies of the project by the part of their name after the project's."""
        prefix = f"{self.name}/"
        names = [name for name in self._storage.studies() if name.startswith(prefix)]
        return {name.removeprefix(prefix): Study(self._storage, name, None, None) for name in names}

    def _candidate(self, candidate: Params | int) -> Params:
        if isinstance(candidate, int):
            if not self.rounds:
                raise NoTrials("There is no round whose trial could be a candidate; run one first.")
            return dict(self.rounds[-1].study.trials.row(candidate).params)
        return dict(candidate)

    def _domain(self, name: str) -> Domain | None:
        spaces = [r.space for r in reversed(self.rounds)] + ([self.space] if self.space is not None else [])
        return next((space[name] for space in spaces if name in space), None)

    def _awaiting(self) -> list[Finding]:
        """P58: has the last round's best been decided on? A scientific value against the one in use, both tuned."""
        tuned = [r for r in self.rounds if r.study.trials.best() is not None]
        if not tuned:
            return []
        last = tuned[-1]
        rivals = last.rivals(self.incumbent)
        candidate = last.best(**(rivals[0] if rivals else {}))
        arms = f"{last.command}.best()"
        if rivals:
            new, old = (
                f"{last.command}.best({keywords({n: repr(v) for n, v in values.items()})})"
                for values in rivals
            )
            arms = f"{new}, baseline={old}, cost='one more setting'"
        return [awaiting(last.goal, candidate, self.incumbent, self.log, f"project.adopt({arms})")]

    def _dropped(self) -> list[Finding]:
        """P63: from the fresh runs of what was adopted last to its test."""
        test = self._book.user_attrs.get("test")
        launched = adopted(self.log)
        if not test or not launched:
            return []
        runs = self._studies()[launched[-1]["evidence"][0].removeprefix(f"{self.name}/")].trials
        found = drop(list(runs), test["values"], self.metric, self._sign)
        return [found] if found else []

    def _note(self, decision: Decision, evidence: list[str], despite: str) -> None:
        entry = launch_entry(decision, self.metric, evidence, despite)
        self._book.set_user_attr("launch_log", [*self.log, entry])
        self.decisions.append(decision)

    def _row(self, part: str, study: Study) -> dict[str, Any]:
        trials = study.trials
        best = trials.best()
        return {
            "study": part, "goal": part.removeprefix("round ") if part.startswith("round ") else "",
            "n_trials": len(trials), "n_infeasible": int((trials.state == TrialState.INFEASIBLE).sum()),
            "n_failed": int((trials.state == TrialState.FAILED).sum()),
            "best": None if best is None else float(trials.values[best, 0]),
            "command": f"tunewise check {self._storage.url}::{study.name}",
        }  # fmt: skip

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


def _unmeasured() -> Finding:
    return Finding("P50", "noise", Verdict.UNSURE, "The noise over seeds is not measured, so nothing has a scale.",
                   needs="5 fresh seeds of a good configuration", next_action="measure it",
                   command="project.measure_noise(seeds=5)", cost_trials=5)  # fmt: skip


def _label(params: Params) -> str:
    """A short name of a configuration, the same for the same values."""
    return f"{zlib.crc32(repr(sorted(params.items())).encode()):08x}"


def _words(cost: str | Mapping[str, float] | None, why: str, pairing: str) -> str:
    if not cost:
        return ""
    said = cost if isinstance(cost, str) else ", ".join(f"{value:g} {name}" for name, value in cost.items())
    return f"{said} ({why}; {pairing})"
