"""Hydra: ``python train.py -m hydra/sweeper=tunewise 'lr=tag(log,interval(1e-5,1e-1))' 'width=choice(32,64)'``.

The task function returns the value (or a dict by goal). Overrides that are no sweep are passed on to every job. With a
storage, the same command goes on where it stopped; trials of an interrupted batch are run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewise.errors import MissingExtra, SpaceError
from tunewise.records import TrialState
from tunewise.space import Categorical, Domain, Float, Int, Space
from tunewise.study import Study, create_study

try:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
    from hydra.core.plugins import Plugins
    from hydra.plugins.sweeper import Sweeper
    from omegaconf import OmegaConf
except ImportError:
    raise MissingExtra("hydra-core", "hydra", "The Hydra sweeper") from None


@dataclass
class SweeperConfig:
    """``hydra.sweeper``: how many trials, how many at a time, where they are kept, and which share may fail."""

    _target_: str = "hydra_plugins.tunewise_sweeper.TunewiseSweeper"
    n_trials: int = 20
    n_jobs: int = 1
    direction: str = "minimize"
    study_name: str | None = None
    storage: str | None = None
    sampler: str = "auto"
    seed: int | None = None
    max_failure_rate: float = 0.0
    params: dict[str, str] = field(default_factory=dict)


class TunewiseSweeperBase(Sweeper):  # type: ignore[misc]
    """The sweeper; made by Hydra from `SweeperConfig`."""

    def __init__(self, **settings: Any) -> None:
        self._settings = SweeperConfig(**settings)
        self.config: Any = None
        self.launcher: Any = None

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        """Called by Hydra before `sweep`."""
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Study:
        """Run the trials in batches of ``n_jobs``, write ``optimization_results.yaml``, and return the study."""
        settings = self._settings
        given = [f"{name}={text}" for name, text in settings.params.items()]
        space, fixed = split_overrides([*given, *arguments])
        study = create_study(
            settings.study_name or self.config.hydra.job.name, settings.storage, direction=settings.direction,
            sampler=settings.sampler, seed=settings.seed, space=space, load_if_exists=settings.storage is not None,
        )  # fmt: skip
        while (done := _n_finished(study)) < settings.n_trials:
            trials = [study.ask() for _ in range(min(settings.n_jobs, settings.n_trials - done))]
            jobs = [[*fixed, *(f"{name}={_text(v)}" for name, v in trial.params.items())] for trial in trials]
            returned = self.launcher.launch(jobs, initial_job_idx=trials[0].number)
            for trial, job in zip(trials, returned, strict=True):
                _tell(study, trial, job, settings.max_failure_rate)
        self._write(study)
        return study

    def _write(self, study: Study) -> None:
        best = study.best_trial
        results = {"name": "tunewise", "best_params": dict(best.params), "best_value": best.value}
        folder = Path(str(self.config.hydra.sweep.dir))
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(OmegaConf.create(results), folder / "optimization_results.yaml")


def split_overrides(arguments: Sequence[str]) -> tuple[Space, list[str]]:
    """The space of the overrides that are sweeps, and the other overrides.

    Raises:
        SpaceError: a sweep that has no domain, such as a glob.
    """
    domains: dict[str, Domain] = {}
    fixed = []
    for override in OverridesParser.create().parse_overrides(list(arguments)):
        if override.is_sweep_override():
            domains[override.get_key_element()] = _domain(override)
        else:
            fixed.append(override.input_line)
    return Space(domains), fixed


def _domain(override: Override) -> Domain:
    sweep = override.value()
    tags: set[str] = getattr(sweep, "tags", set())
    log = "log" in tags
    if isinstance(sweep, IntervalSweep):
        if "int" in tags or (isinstance(sweep.start, int) and isinstance(sweep.end, int)):
            return Int(int(sweep.start), int(sweep.end), log)
        return Float(float(sweep.start), float(sweep.end), log)
    if isinstance(sweep, ChoiceSweep):
        return Categorical(tuple(_plain(v) for v in sweep.list))
    if isinstance(sweep, RangeSweep):
        start, stop, step = sweep.start or 0, sweep.stop, sweep.step
        if all(isinstance(x, int) for x in (start, stop, step)):
            return Int(start, stop - 1 - (stop - 1 - start) % step, step=step)
        return Categorical(tuple(float(x) for x in override.sweep_iterator()), ordered=True)
    raise SpaceError(
        f"{override.input_line!r} is no range; write interval(a,b), tag(log,interval(a,b)), choice or range."
    )


def _plain(value: Any) -> Any:
    return value.text if hasattr(value, "text") else value


def _text(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _n_finished(study: Study) -> int:
    return study.trials.n_finished


def _tell(study: Study, trial: Any, job: Any, max_failure_rate: float) -> None:
    try:
        study.tell(trial, job.return_value)
    except Exception as error:
        study.tell(trial, state=TrialState.FAILED, reason=f"{type(error).__name__}: {error}")
        n_failed = int((study.trials.state == TrialState.FAILED).sum())
        if n_failed > max_failure_rate * study.trials.n_finished:
            raise
