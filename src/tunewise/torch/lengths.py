"""Rounds of increasing length: many short runs, few long ones, and whether the short ones told the truth (P69, P70)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tunewise.errors import SettingError
from tunewise.playbook import Finding, Findings, Verdict
from tunewise.playbook.steps import Stage, length_plan, schedule_trap, transfer, transfers
from tunewise.records import FrozenTrial, TrialState
from tunewise.space import Space
from tunewise.study import Study, create_study
from tunewise.torch.decorator import Objective
from tunewise.torch.place import Place, run_probe
from tunewise.torch.schedule import Schedule
from tunewise.types import FloatArray, Params


@dataclass(frozen=True)
class Lengths:
    """``best``: parameters of the best run of full length, and its ``value``; None where all of them diverged.

    ``n_steps`` is what all rounds cost in optimiser steps; ``findings`` has the transfer between each two lengths.
    """

    plan: tuple[Stage, ...]
    best: Params | None
    value: float | None
    n_steps: int
    findings: Findings

    def __str__(self) -> str:
        return str(self.findings)


def lengths(
    train: Objective,
    space: Space,
    place: Place | None = None,
    *,
    final_steps: int,
    trials: int = 20,
    rounds: int = 2,
    check: int = 8,
) -> Lengths:
    """Search at a tenth of ``final_steps`` (in three rounds: then at 30 %), and run the better configurations longer.

    Each longer round also runs some of those that were left behind, ``check`` configurations in all, so that the order at
    both lengths can be compared. A longer run has the same steps of warm-up, and of a "wsd" schedule's decay: its constant
    part is what grows. Runs are kept as studies "name/length N"; an interrupted search goes on.

    Raises:
        SettingError: rounds outside 1..3, fewer than 3 trials, or fewer than ``check`` that did not diverge.
    """
    place = place or Place()
    try:
        plan = length_plan(final_steps, trials, rounds)
    except ValueError as error:
        raise SettingError(str(error)) from None
    records = _ranked(_first_round(train, space, place, plan[0]), place)
    n_steps = plan[0].trials * plan[0].steps
    found: list[Finding] = []
    for before, stage in pairwise(plan):
        if len(records) < before.promoted:
            raise SettingError(
                f"Of {before.trials} runs of {before.steps} steps only {len(records)} did not diverge, and {before.promoted} "
                "are to go on; lower the learning rates of the space, or run more trials."
            )
        chosen = [*records[: before.promoted], *_spread(records[before.promoted :], check - before.promoted)]
        study = _study(space, place, stage)
        runs = [
            run_probe(
                study, _longer(train, record, before.steps, stage.steps), record.params,
                {"probe_steps": stage.steps}, record.user_attrs["seed"], (),
            )
            for record in chosen
        ]  # fmt: skip
        n_steps += len(runs) * stage.steps
        pairs = [(a, b) for a, b in zip(chosen, runs, strict=True) if b.state == TrialState.COMPLETE]
        short, long = (_losses([pair[i] for pair in pairs], place) for i in (0, 1))
        found.append(transfer(short, long, [a.number for a, _ in pairs]))
        found.append(_schedule(chosen[0], runs[0], stage.steps))
        records = _ranked(runs, place)
    best = records[0] if records else None
    return Lengths(
        plan, dict(best.params) if best else None, best.value if best else None, n_steps, Findings(found)
    )


def _study(space: Space, place: Place, stage: Stage) -> Study:
    return create_study(
        f"{place.name}/length {stage.steps}", place.storage, goals=[place.goal], sampler="qmc", seed=place.seed,
        space=space, load_if_exists=True,
    )  # fmt: skip


def _first_round(train: Objective, space: Space, place: Place, stage: Stage) -> Sequence[FrozenTrial]:
    study = _study(space, place, stage)
    study.optimize(train.replan(max_steps=stage.steps), max(0, stage.trials - study.trials.n_finished))
    return list(study.trials)


def _ranked(records: Sequence[FrozenTrial], place: Place) -> list[FrozenTrial]:
    """Those that were completed, the best first."""
    done = [r for r in records if r.state == TrialState.COMPLETE]
    return sorted(done, key=lambda r: place.goal.sign * r.value)  # type: ignore[operator]


def _losses(records: Sequence[FrozenTrial], place: Place) -> FloatArray:
    return np.array([place.goal.sign * r.value for r in records if r.value is not None])


def _spread(records: Sequence[FrozenTrial], n: int) -> list[FrozenTrial]:
    """At most ``n`` records, at even distances from the best to the worst."""
    if n < 1 or not records:
        return []
    at = np.unique(np.linspace(0, len(records) - 1, min(n, len(records))).round().astype(int))
    return [records[i] for i in at]


def _longer(train: Objective, record: FrozenTrial, short: int, long: int) -> Objective:
    """The training at another length; its warm-up and decay take as many steps as those of ``record``."""
    warmup = dict(record.user_attrs.get("optimizer", {})).get("warmup")
    share = short / long
    return train.replan(
        max_steps=long,
        warmup=None if warmup is None else warmup * share,
        decay=dict(record.user_attrs["training"])["decay"] * share,
    )


def _schedule(before: FrozenTrial, after: FrozenTrial, steps: int) -> Finding:
    """P70: how the longer run's schedule differs, and which parameters may have to be tuned again."""
    by_how = {how: [n for n in before.params if transfers(n) == how] for how in ("perhaps", "unlikely")}
    said = [f"{', '.join(names)} {how}" for how, names in by_how.items() if names]
    words = f" Best values that hold at {steps} steps: {'; '.join(said)}." if said else ""
    rates = _rates(before), _rates(after)
    if rates[0] is None or rates[1] is None:
        words = f"The training makes its own schedule, which was not compared.{words}"
        return Finding("P70", "schedule", Verdict.NA, words)
    trap = schedule_trap(rates[0], rates[1])
    return Finding(
        "P70", "schedule", trap.verdict, trap.headline + words, trap.effect, threshold=trap.threshold,
        threshold_source=trap.threshold_source, next_action=trap.next_action,
    )  # fmt: skip


def _rates(record: FrozenTrial) -> FloatArray | None:
    """The factor of the peak learning rate over a run, at 1000 places whatever its length; None for a schedule of its own."""
    attrs = record.user_attrs
    if "schedule" not in attrs:
        return None
    how, decay = dict(attrs["optimizer"]), dict(attrs["training"])["decay"]
    schedule = Schedule(str(attrs["schedule"]), 1000, how["warmup"], how["end_factor"], decay)
    return np.array([schedule.factor(place) for place in range(1000)])
