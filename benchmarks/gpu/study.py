"""The article's study at its own size: its script's time beside ours, and the search beside Optuna's TPE."""

from __future__ import annotations

import hashlib
import os
import pickle
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from article import script_in
from article_study import GOALS, SPACE, Images, articles_loop, ours

import tunewise as tw
from tunewise.errors import TrialInfeasible
from tunewise.records import TrialState

ARTICLES_BEST, ARTICLES_STEPS = 0.5493, 3910
AT = (20, 25, 50, 100)


def script(env: Any) -> None:
    """Seconds a trial of the article's own script (with Optuna, torchvision, loaders of four workers), as it stands."""
    seconds = 4 if env.small else 60
    if env.args.script is None:
        start, params = time.perf_counter(), {"lr": 0.01, "momentum": 0.5, "weight_decay": 1e-4}
        params |= {"num_layers": 2, "hidden_size": 256, "dropout": 0.1}
        n = 1 if env.small else 3
        images = Images(_whole(env.train)), Images(_whole(env.val))
        for _ in range(n):
            articles_loop(params, *images, 10, env.device, 4)
        took = (time.perf_counter() - start) / n
        env.say(
            what="the article's loop, rebuilt", trials=n, seconds_a_trial=took, seconds_100_trials=100 * took
        )
        return
    source = script_in(env.args.script.read_text(encoding="utf-8"))
    limited = source.replace("n_trials=100", f"n_trials=100, timeout={seconds}")
    assert limited != source
    names: dict[str, Any] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        _for_torchvision(env)
        exec(compile(limited, "<article>", "exec"), names)
        os.chdir("/")
    trials = names["study"].trials
    took = [(t.datetime_complete - t.datetime_start).total_seconds() for t in trials[1:] or trials]
    env.say(
        what="the article's script as it is", trials=len(trials), epochs=[len(t.intermediate_values) for t in trials],
        seconds_each=[round(s, 2) for s in took], seconds_a_trial=statistics.mean(took),
        seconds_100_trials=100 * statistics.mean(took),
    )  # fmt: skip


def hundred(env: Any) -> None:
    """Seconds of 100 trials of our study, all included: data, set-up, suggestions, training, evaluations, records."""
    build, n = ours(env.train, env.val, 10, env.device), 4 if env.small else 100
    article = next((f["seconds_100_trials"] for f in env.said("script") if "seconds_100_trials" in f), None)
    for first, together in ((True, 20), (False, 20), (False, 100)):
        study = tw.create_study(goals=GOALS, space=SPACE, seed=0)
        start = time.perf_counter()
        build.optimize(study, n, together=min(n, together))
        took = time.perf_counter() - start
        env.say(
            together=together, first_use=first, trials=n, seconds=round(took, 2), best=study.best_value,
            infeasible=sum(t.state == TrialState.INFEASIBLE for t in study.trials),
            times_as_fast_as_the_script=article and round(article * n / 100 / took, 1),
        )  # fmt: skip
    study = tw.create_study(goals=GOALS, space=SPACE, seed=0)
    start = time.perf_counter()
    n = 2 if env.small else 10
    study.optimize(build, n)
    took = (time.perf_counter() - start) / n
    env.say(
        what="one by one", trials=n, seconds_a_trial=took, times=article and round(article / 100 / took, 1)
    )


class Ours:
    """A study of tunewise, asked one trial at a time."""

    def __init__(self, seed: int) -> None:
        self.study = tw.create_study(goals=GOALS, space=SPACE, seed=seed)
        self.values: list[float] = []

    def ask(self) -> tw.Trial:
        """The next trial."""
        return self.study.ask()

    def tell(self, trial: tw.Trial, result: Any) -> None:
        """What came of it; a training that diverged has chance accuracy."""
        infeasible = isinstance(result, TrialInfeasible)
        if infeasible:
            self.study.tell(trial.number, state=TrialState.INFEASIBLE, reason=str(result))
        else:
            self.study.tell(trial.number, result)
        self.values.append(0.1 if infeasible else result["accuracy"])


class Optunas(Ours):
    """A study of Optuna with its default sampler; a shadow study of ours carries its trials to the same training."""

    def __init__(self, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        super().__init__(seed)
        self.peer = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        self.peers_trial: Any = None

    def ask(self) -> tw.Trial:
        """The next trial."""
        trial = self.peers_trial = self.peer.ask()
        params = {
            "lr": trial.suggest_float("lr", 1e-5, 1e-1, log=True),
            "momentum": trial.suggest_float("momentum", 0.0, 1.0),
            "weight_decay": trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True),
            "num_layers": trial.suggest_int("num_layers", 1, 5),
            "hidden_size": trial.suggest_categorical("hidden_size", [32, 64, 128, 256]),
            "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        }
        self.study.enqueue_trial(params)
        return self.study.ask()

    def tell(self, trial: tw.Trial, result: Any) -> None:
        """What came of it; the article's script reports chance accuracy where the training diverged."""
        super().tell(trial, result)
        self.peer.tell(self.peers_trial, self.values[-1])


def search(env: Any) -> None:
    """Both sides ask one trial at a time, in the same training; all studies of all seeds are trained together."""
    build = ours(env.train, env.val, 1 if env.small else 10, env.device)
    n, seeds = (4, 2) if env.small else (100, env.args.seeds)
    sides = {"tunewise": [Ours(s) for s in range(seeds)], "optuna": [Optunas(s) for s in range(seeds)]}
    studies = [each for side in sides.values() for each in side]
    for done in range(1, n + 1):
        owners = {id(trial): (owner, trial) for owner in studies for trial in [owner.ask()]}
        build.train(
            [trial for _, trial in owners.values()],
            lambda t, result, owners=owners: owners[id(t)][0].tell(t, result),
        )
        last = done == n or env.left < 6
        if done in AT or last:
            _compare(env, sides, done)
        if last:
            break
    winner = max(studies, key=lambda s: max(s.values))
    env.say(
        best=max(winner.values), params=winner.study.best_params, side=type(winner).__name__,
        at_chance={k: sum(s.values.count(0.1) for s in v) for k, v in sides.items()},
        curves={k: [np.maximum.accumulate(s.values).round(4).tolist()[::5] for s in v] for k, v in sides.items()},
    )  # fmt: skip


def _compare(env: Any, sides: dict[str, list[Ours]], n: int) -> None:
    best = {name: [max(s.values[:n]) for s in side] for name, side in sides.items()}
    pairs = list(zip(best["tunewise"], best["optuna"], strict=True))
    reached = {
        name: [next((i + 1 for i, v in enumerate(s.values) if v >= ARTICLES_BEST), None) for s in side]
        for name, side in sides.items()
    }
    env.say(
        trials=n, median={k: round(statistics.median(v), 4) for k, v in best.items()},
        mean={k: round(statistics.mean(v), 4) for k, v in best.items()},
        won=sum(a > b for a, b in pairs), lost=sum(a < b for a, b in pairs), seeds=len(pairs),
        best={k: [round(x, 4) for x in v] for k, v in best.items()}, reached_articles_best=reached,
    )  # fmt: skip


def best(env: Any) -> None:
    """The best configuration found, on new seeds: with the article's 10 epochs, and with its number of steps."""
    found = next((f for f in reversed(env.said("search")) if "params" in f), None)
    if found is None:
        return
    seeds = 2 if env.small else 16
    epochs = (1,) if env.small else (10, round(ARTICLES_STEPS / (len(env.train) // 128)))
    for n in epochs:
        study = tw.create_study(goals=GOALS, sampler="random", seed=1)
        for _ in range(seeds):
            study.enqueue_trial(found["params"])
        ours(env.train, env.val, n, env.device).optimize(study, seeds, together=seeds)
        value = [t.value for t in study.trials if t.value is not None]
        last = [list(t.curves["accuracy"].values())[-1] for t in study.trials if t.value is not None]
        env.say(
            epochs=n, seeds=len(value), best_evaluation_mean=statistics.mean(value), best_evaluation_max=max(value),
            last_mean=statistics.mean(last), sd=statistics.stdev(last), article=ARTICLES_BEST,
        )  # fmt: skip


def _whole(dataset: Any) -> Any:
    from torch.utils.data import Subset

    return Subset(dataset, range(len(dataset)))


def _for_torchvision(env: Any) -> None:
    """Let torchvision's own CIFAR10 find these images in ./data: the same class, other files and sums."""
    from torchvision.datasets import CIFAR10

    folder = Path("data") / CIFAR10.base_folder
    folder.mkdir(parents=True)

    def write(name: str, content: dict[str, Any]) -> list[str]:
        packed = pickle.dumps(content)
        (folder / name).write_bytes(packed)
        return [name, hashlib.md5(packed).hexdigest()]

    def images(dataset: Any) -> dict[str, Any]:
        x, y = dataset.tensors
        return {"data": ((x + 1) * 127.5).round().byte().flatten(1).numpy(), "labels": y.tolist()}

    CIFAR10.train_list = [write("train", images(env.train))]
    CIFAR10.test_list = [write("test", images(env.val))]
    name, md5 = write("meta", {"label_names": list("0123456789")})
    CIFAR10.meta = {"filename": name, "key": "label_names", "md5": md5}
