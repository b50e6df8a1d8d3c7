"""Optuna's `Study` and its functions, over ours."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from tunewise import study
from tunewise.optuna.distributions import BaseDistribution
from tunewise.optuna.frame import ATTRS, data_frame
from tunewise.optuna.pruners import MedianPruner
from tunewise.optuna.samplers import BaseSampler, TPESampler
from tunewise.optuna.trial import FrozenTrial, Trial, TrialState, frozen, native, native_state
from tunewise.pruners import Pruner
from tunewise.records import FrozenTrial as Record
from tunewise.space import Space
from tunewise.types import Choice

StudyCallback = Callable[["Study", FrozenTrial], None]


class StudyDirection(IntEnum):
    """Which way is better."""

    NOT_SET = 0
    MINIMIZE = 1
    MAXIMIZE = 2


class Study:
    """An optimisation in progress; ``native`` is the same study as a `tunewise.Study`."""

    def __init__(self, native_study: study.Study) -> None:
        self.native = native_study

    # --- reading -------------------------------------------------------------------------------------------------

    @property
    def study_name(self) -> str:
        """The name, unique in its storage."""
        return self.native.name

    @property
    def direction(self) -> StudyDirection:
        """The direction of the only goal. Raises ValueError for several."""
        return StudyDirection[self.native.direction.upper()]

    @property
    def directions(self) -> list[StudyDirection]:
        """The directions of the goals."""
        return [StudyDirection[direction.upper()] for direction in self.native.directions]

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The study's user attributes."""
        return self.native.user_attrs

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials."""
        return self.get_trials()

    def get_trials(
        self, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials in these states, by default all. They are always copies, whatever ``deepcopy`` says."""
        every = map(self._frozen, self.native.trials)
        return [trial for trial in every if states is None or trial.state in states]

    @property
    def best_trial(self) -> FrozenTrial:
        """The best complete trial. Raises ValueError where there is none, or where there are several goals."""
        return self._frozen(self.native.best_trial)

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The trials that no other one dominates."""
        return [self._frozen(record) for record in self.native.best_trials]

    @property
    def best_value(self) -> float:
        """The value of the best trial."""
        return self.native.best_value

    @property
    def best_params(self) -> dict[str, Choice]:
        """The parameters of the best trial."""
        return self.native.best_params

    def trials_dataframe(self, attrs: Sequence[str] = ATTRS, multi_index: bool = False) -> Any:
        """The trials as a pandas DataFrame with Optuna's columns. Raises MissingExtra without pandas."""
        return data_frame(self.trials, len(self.directions), attrs, multi_index)

    # --- changing ------------------------------------------------------------------------------------------------

    def optimize(
        self,
        func: Callable[[Any], Any],
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int = 1,
        catch: type[BaseException] | Iterable[type[BaseException]] = (),
        callbacks: Iterable[StudyCallback] | None = None,
        gc_after_trial: bool = False,
        show_progress_bar: bool = False,
    ) -> None:
        """Run ``n_trials`` more trials of ``func``, or as many as start within ``timeout`` seconds."""
        each = [self._callback(callback) for callback in callbacks or ()]
        if gc_after_trial:
            each.append(_collect_garbage)
        self.native.optimize(
            lambda trial: func(Trial(trial)),
            n_trials,
            timeout,
            n_jobs,
            catch,
            each,
            progress=show_progress_bar,
        )

    def ask(self, fixed_distributions: Mapping[str, BaseDistribution] | None = None) -> Trial:
        """Start a trial; with distributions its parameters are suggested at once."""
        trial = self.native.ask()
        if fixed_distributions:
            trial.suggest_space(Space({name: each.domain() for name, each in fixed_distributions.items()}))
        return Trial(trial)

    def tell(
        self,
        trial: Trial | int,
        values: float | Sequence[float] | None = None,
        state: TrialState | None = None,
        skip_if_finished: bool = False,
    ) -> FrozenTrial:
        """Finish a trial. Raises ValueError for one that has finished, unless ``skip_if_finished``."""
        number = trial.number if isinstance(trial, Trial) else trial
        if skip_if_finished and self.native.trials[number].state.is_finished:
            return self._frozen(self.native.trials[number])
        ending = None if state is None else native_state(state)
        live = trial.native if isinstance(trial, Trial) else trial
        return self._frozen(self.native.tell(live, values, ending))

    def enqueue_trial(
        self,
        params: Mapping[str, Choice],
        user_attrs: Mapping[str, Any] | None = None,
        skip_if_exists: bool = False,
    ) -> None:
        """Queue a trial with these parameters; with ``skip_if_exists`` not where a trial has them already."""
        table = self.native.trials
        known = (dict(table.fixed_params(n)) or table[n].params for n in range(len(table)))
        if not (skip_if_exists and any(dict(params) == each for each in known)):
            self.native.enqueue_trial(params, user_attrs)

    def add_trial(self, trial: FrozenTrial) -> None:
        """Take in a finished trial, such as `create_trial` makes."""
        if trial.state == TrialState.WAITING:
            self.enqueue_trial(trial.params, trial.user_attrs)
        else:
            self.native.add_trial(native(trial, self._metric))

    def add_trials(self, trials: Iterable[FrozenTrial]) -> None:
        """Take in several finished trials."""
        for trial in trials:
            self.add_trial(trial)

    def set_user_attr(self, key: str, value: Any) -> None:
        """Note something about the study: anything that JSON can hold."""
        self.native.set_user_attr(key, value)

    def stop(self) -> None:
        """Let `optimize` end after the trials that are running."""
        self.native.stop()

    # --- inside --------------------------------------------------------------------------------------------------

    @property
    def _metric(self) -> str:
        return self.native.goals[0].name

    def _frozen(self, record: Record) -> FrozenTrial:
        return frozen(record, self._metric)

    def _callback(self, callback: StudyCallback) -> Callable[[study.Study, Record], None]:
        return lambda _, record: callback(self, self._frozen(record))


def create_study(
    *,
    storage: study.Storage = None,
    sampler: BaseSampler | None = None,
    pruner: Pruner | None = None,
    study_name: str | None = None,
    direction: str | StudyDirection | None = None,
    load_if_exists: bool = False,
    directions: Sequence[str | StudyDirection] | None = None,
) -> Study:
    """Make a study. As in Optuna it minimises, samples by TPE and prunes by the median unless told otherwise."""
    chosen = sampler or TPESampler()
    made = study.create_study(
        study_name,
        storage,
        direction=None if direction is None else _direction(direction),
        directions=None if directions is None else [_direction(each) for each in directions],
        sampler=chosen.native,
        pruner=pruner or MedianPruner(),
        seed=chosen.seed,
        load_if_exists=load_if_exists,
    )
    return Study(made)


def load_study(
    *,
    study_name: str | None = None,
    storage: study.Storage = None,
    sampler: BaseSampler | None = None,
    pruner: Pruner | None = None,
) -> Study:
    """Open a study; without a sampler or pruner it goes on with those it was made with."""
    return Study(study.load_study(study_name, storage, sampler.native if sampler else None, pruner))


def delete_study(*, study_name: str, storage: study.Storage) -> None:
    """Remove a study and its trials. Raises KeyError where there is none of that name."""
    study.delete_study(study_name, storage)


def copy_study(
    *,
    from_study_name: str,
    from_storage: study.Storage,
    to_storage: study.Storage,
    to_study_name: str | None = None,
) -> None:
    """Copy a study with its trials into another storage, or under another name."""
    study.copy_study(from_study_name, from_storage, to_storage, to_study_name)


def get_all_study_names(storage: study.Storage) -> list[str]:
    """The names of the studies in a storage."""
    return study.study_names(storage)


class MaxTrialsCallback:
    """Stops `Study.optimize` once ``n_trials`` trials are in one of ``states``, counted over all workers."""

    def __init__(self, n_trials: int, states: Container[TrialState] | None = (TrialState.COMPLETE,)) -> None:
        self._n_trials = n_trials
        self._states = states

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """Stop the study when there are enough."""
        if len(study.get_trials(states=self._states)) >= self._n_trials:
            study.stop()


def _direction(direction: str | StudyDirection) -> str:
    return direction.name.lower() if isinstance(direction, StudyDirection) else direction


def _collect_garbage(_study: study.Study, _record: Record) -> None:
    import gc

    gc.collect()
