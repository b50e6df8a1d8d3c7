"""Can a recorded run be replayed? Every suggestion of a parallel run is asked for again and compared bit for bit.

Run: python benchmarks/replay.py [--trials 60] [--workers 4]. Each fact `ParamsSet` says up to which position of the log
its sampler had read; folding the log to there and asking again must give the same values. (Optuna does not record what
its sampler had seen, so there is no column for it.)
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

from common import show, silence

SAMPLERS = ("random", "qmc", "tpe", "gp", "auto")


def objective(trial: Any) -> float:
    """A mixed space and reports in between, so that workers' facts interleave."""
    x = trial.suggest_float("x", 1e-5, 1.0, log=True)
    n = trial.suggest_int("n", 1, 8)
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    for step in range(3):
        trial.report(x * n + step, step)
    return (x - 0.1) ** 2 + n / 10 + (kind == "b")


def work(path: Path, n_trials: int) -> None:
    """One worker's share of the trials."""
    import tunewise

    silence()
    tunewise.load_study("s", path).optimize(objective, n_trials=n_trials)


def asked_again(log: Any) -> tuple[int, int]:
    """(suggestions, those that came out equal)."""
    from tunewise.dice import Dice
    from tunewise.events import ParamsSet
    from tunewise.space import Space
    from tunewise.study import Study
    from tunewise.trials import Trials

    study = Study(log, "s", None, None)
    facts, final = log.read("s", 0), study.trials
    asked = equal = position = 0
    table = Trials()
    wanted = [fact for batch in facts for fact in batch if isinstance(fact, ParamsSet)]
    for fact in sorted(wanted, key=lambda each: each.seen):
        for batch in facts[position : fact.seen]:
            table.apply_all(batch)
        position = fact.seen
        groups = [[name] for name in fact.params] if fact.alone else [list(fact.params)]
        for names in groups:
            space = Space({name: final.domains[name] for name in names})
            rng = Dice(final.info.seed).stream(fact.number, space.code)
            again = space.decode(study.sampler.suggest(table, space, fact.number, rng))
            asked += 1
            equal += again == {name: fact.params[name] for name in names}
    return asked, equal


def main() -> None:
    """Record, replay and print."""
    import tunewise
    from tunewise.storage import open_log

    silence()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for sampler in SAMPLERS:
            path = Path(folder) / f"{sampler}.db"
            tunewise.create_study("s", path, sampler=sampler, seed=7)
            with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
                pool.starmap(work, [(path, options.trials // options.workers)] * options.workers)
            rows.append((sampler, *asked_again(open_log(path))))
    show(
        "replay",
        ["sampler", "suggestions", "bit-equal"],
        rows,
        trials=options.trials,
        workers=options.workers,
    )


if __name__ == "__main__":
    main()
