"""Make the small Optuna storages that the tests read: run it under each Optuna release whose format is to be kept.

    PYTHON_WITH_THAT_OPTUNA tools/make_optuna_fixtures.py tests/integrations/readers/optuna

Writes ``sqlite_VERSION.sql`` (a dump, so that the file is text and can be read in a review) and, from 3.1 on,
``journal_VERSION.log``. The study "mixed" holds one trial of every kind, "pair" two goals (from 2.4 on).
"""

from __future__ import annotations

import math
import re
import sqlite3
import sys
import warnings
from pathlib import Path

import optuna

VERSION = tuple(int(part) for part in optuna.__version__.split(".")[:2])


def mixed(trial):
    """0-5 complete (3 with inf), 6 pruned, 7 NaN, 8 crashed, 9 diverged after a report of NaN."""
    n = trial.number
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    kind = trial.suggest_categorical("kind", ["sgd", "adam", None])
    trial.suggest_categorical("width", [32, 64, 128, 256])
    trial.suggest_categorical("flag", [True, False])
    trial.suggest_int("layers", 1, 5)
    trial.suggest_int("units", 1, 64, log=True)
    trial.suggest_float("dropout", 0.0, 0.5, step=0.1)
    if kind == "sgd":
        trial.suggest_float("momentum", 0.0, 0.99)
    trial.set_user_attr("note", {"seed": n, "tags": ["a", "b"]})
    for step in range(4):
        trial.report(math.log10(lr) + 1 / (step + 1) + n, step)
        if n == 9 and step == 2:
            trial.report(float("nan") if VERSION >= (3, 0) else float("inf"), 3)
            return float("nan")
    if n == 6:
        raise optuna.TrialPruned
    if n == 7:
        return float("nan")
    if n == 8:
        raise RuntimeError("out of memory")
    return math.inf if n == 3 else math.log10(lr) + n


def make(storage):
    """Both studies in one storage."""
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(storage=storage, study_name="mixed", direction="maximize", sampler=sampler)
    study.set_user_attr("author", "somebody")
    study.optimize(mixed, n_trials=10, catch=(RuntimeError,))
    study.enqueue_trial({"lr": 1e-3})
    if VERSION >= (2, 5):
        trial = study.ask()
        trial.suggest_float("lr", 1e-6, 1e-1, log=True)
        study.enqueue_trial({"lr": 1e-2})
    if VERSION >= (2, 4):
        constrained = {}
        if VERSION >= (2, 5):
            constrained["constraints_func"] = lambda t: (t.params["x"] - 0.5,)
        kind = getattr(optuna.samplers, "NSGAIISampler", None)
        pair = optuna.create_study(
            storage=storage,
            study_name="pair",
            directions=["minimize", "maximize"],
            sampler=kind(seed=2, **constrained),
        )
        if VERSION >= (3, 2):
            pair.set_metric_names(["loss", "accuracy"])
        pair.optimize(lambda t: (t.suggest_float("x", 0, 1), t.suggest_float("y", 0, 1)), n_trials=4)


def main(folder: Path):
    """Write the files for the Optuna that is installed."""
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "temporary.db"
    database.unlink(missing_ok=True)
    make(f"sqlite:///{database}")
    with sqlite3.connect(database) as connection:
        dump = "\n".join(connection.iterdump())
    dump = re.sub(r"(?<=,)(-?)Inf(?=[,)])", r"\g<1>9e999", dump)  # what SQLite writes, but cannot read
    database.unlink()
    (folder / f"sqlite_{optuna.__version__}.sql").write_text(dump + "\n", encoding="utf-8")
    if VERSION >= (3, 1):
        journal = folder / f"journal_{optuna.__version__}.log"
        journal.unlink(missing_ok=True)
        if VERSION >= (4, 0):
            backend = optuna.storages.journal.JournalFileBackend(str(journal))
        else:
            backend = optuna.storages.JournalFileStorage(str(journal))
        make(optuna.storages.JournalStorage(backend))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
