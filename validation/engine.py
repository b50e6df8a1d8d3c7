"""V13, V26: the engine, through its public interface, whatever sampler is there."""

from __future__ import annotations

import math
import warnings
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import numpy as np
from scipy.stats import qmc

from tunewise.records import TrialState
from tunewise.space import Float, Space
from tunewise.study import create_study
from validation.core import Figure, Size, number, row, shown

_SPACE = Space({name: Float(0.0, 1.0) for name in ("a", "b", "c")})
_BYTES = "c180ccd59f8b7597"  # of 64 points of seed 7; a change breaks the replay of every stored study


def _cliff(p: dict[str, float]) -> float:
    """Diverges where a + b > 1; the best feasible points lie at that cliff, 0 is the optimum."""
    return (
        math.nan if p["a"] + p["b"] > 1 else (1 - p["a"] - p["b"]) + (p["a"] - 0.3) ** 2 + (p["c"] - 0.6) ** 2
    )


@row("V13", "search at a cliff of divergence")
def cliff(size: Size) -> list[Figure]:
    """Half of the space diverges, the optimum lies at its edge; 60 trials. Optuna's samplers are told NaN as failure."""
    seeds, n = size.n(20, 2), size.n(60, 40)
    ours = [_search(seed, n) for seed in range(seeds)]
    regret = np.array([r for r, _ in ours])
    wasted = np.array([w for _, w in ours])
    figures = [
        number(
            "diverging trials after the 30th (sampler: gp)",
            float(wasted.mean()),
            0,
            0.15,
            seeds,
            max(float(wasted.std()), math.sqrt(0.15 * 0.85 / (n - 30))) / math.sqrt(seeds),
        )
    ]
    peers = ("TPESampler",) if size.reduced else ("TPESampler", "GPSampler")
    for peer in peers:
        theirs = np.array([_optuna(peer, seed, n) for seed in range(seeds)])
        ratio = float(
            np.exp(np.log(np.maximum(regret, 1e-6)).mean() - np.log(np.maximum(theirs[:, 0], 1e-6)).mean())
        )
        error = 0.0 if not size.reduced else 0.3
        figures.append(
            number(
                f"geometric mean of the final regret relative to Optuna's {peer}", ratio, 0, 1.0, seeds, error
            )
        )
        figures.append(shown(f"{peer}: diverging trials after the 30th", f"{theirs[:, 1].mean():.2f}", seeds))
    return figures


def _search(seed: int, n: int) -> tuple[float, float]:
    study = create_study(sampler="gp", seed=seed, space=_SPACE)
    study.optimize(lambda trial: _cliff(trial.params), n)
    state = study.trials.state
    return study.best_value, float((state[30:] == TrialState.INFEASIBLE).mean())


def _optuna(sampler: str, seed: int, n: int) -> tuple[float, float]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed))
        study.optimize(lambda t: _cliff({name: t.suggest_float(name, 0, 1) for name in _SPACE}), n)
    failed = [trial.value is None for trial in study.trials]
    return study.best_value, float(np.mean(failed[30:]))


@row("V26", "quasi-random points")
def points(size: Size) -> list[Figure]:
    """Discrepancy and correlation beside SciPy's scrambled Halton; prefixes, threads and stored bytes."""
    seeds = size.n(200, 20)
    ours = np.array([_discrepancy(_points(30, 10, seed)) for seed in range(seeds)])
    theirs = np.array([_discrepancy(qmc.Halton(10, seed=seed).random(30)) for seed in range(seeds)])
    plain = np.array([_discrepancy(np.random.default_rng(seed).random((30, 10))) for seed in range(seeds)])
    error = float(np.hypot(ours.std(), theirs.std()) / math.sqrt(seeds) / theirs.mean())
    worst = np.array([_correlation(_points(30, 10, seed)) for seed in range(seeds)])
    halton = np.array([_correlation(qmc.Halton(10, seed=seed).random(30)) for seed in range(seeds)])
    one, many = _points(64, 4, 7), _threaded(64, 4, 7, threads=16)
    digest = blake2b(np.round(one, 12).tobytes(), digest_size=8).hexdigest()
    return [
        number("discrepancy / that of SciPy's scrambled Halton, d 10, n 30", float(ours.mean() / theirs.mean()), 0, 1.0, seeds,
               error),
        shown("the same of random points", f"{plain.mean() / theirs.mean():.2f}", seeds),
        number("largest |correlation| of two parameters, d = 10, n = 30 (median)", float(np.median(worst)), 0, 0.45, seeds,
               float(worst.std() / math.sqrt(seeds))),
        shown("the same of SciPy's scrambled Halton", f"{np.median(halton):.3f}", seeds),
        number("a longer study begins with the shorter one", float((one[:20] == _points(20, 4, 7)).all()), 1, 1, 1, form=".0f"),
        number("16 threads ask for the same points as one", float(_same(one, many)), 1, 1, 1, form=".0f"),
        number("bytes as stored when this row was written", float(digest == _BYTES), 1, 1, 1, form=".0f"),
    ]  # fmt: skip


def _points(n: int, d: int, seed: int) -> np.ndarray:
    study = create_study(sampler="qmc", seed=seed, space=Space({f"p{j}": Float(0.0, 1.0) for j in range(d)}))
    return np.array([list(study.ask().params.values()) for _ in range(n)])


def _threaded(n: int, d: int, seed: int, threads: int) -> np.ndarray:
    study = create_study(sampler="qmc", seed=seed, space=Space({f"p{j}": Float(0.0, 1.0) for j in range(d)}))
    with ThreadPoolExecutor(threads) as pool:
        return np.array(list(pool.map(lambda _: list(study.ask().params.values()), range(n))))


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return sorted(map(tuple, a.tolist())) == sorted(map(tuple, b.tolist()))


def _discrepancy(X: np.ndarray) -> float:
    return float(qmc.discrepancy(X, method="CD"))


def _correlation(X: np.ndarray) -> float:
    r = np.abs(np.corrcoef(X.T))
    return float(r[np.triu_indices(len(r), 1)].max())
